import { cryptoReady } from '#src/chain/hotkey.ts';
import { genesisFor, hotkeyOf, MINERS } from '#src/cli/subnet/cast.ts';
import { startDevchain } from '#src/devchain/devchain.ts';
import type { Genesis } from '#src/devchain/genesis.ts';
import { axonOf } from '#src/devchain/genesis-state.ts';
import type { DevNeuron } from '#src/devchain/state.ts';
import type { Vector } from '#src/events/weights.ts';

await cryptoReady();

/** Who is on the subnet, given where the validators' axons are. */
export type Neurons = (axons: ReadonlyMap<string, string>) => readonly DevNeuron[];

/**
 * The development chain of a live subnet: blocks come when a test says so and are final at once, and what
 * the chain holds can be changed from one block to the next.
 */
export async function liveChain(genesis: Genesis = calmGenesis()) {
  const chain = await startDevchain(genesis, { blockMs: null, finalityLag: 0 });
  return {
    ...chain,
    block: (): number => chain.heads().finalized.number,
    nextBlock: (): Promise<void> => chain.produceBlock(),
    /** The subnet is another one from the next block on. */
    become: async (neurons: readonly DevNeuron[]): Promise<void> => {
      chain.amend((state) => ({ ...state, neurons }));
      await chain.produceBlock();
    },
    /** The weights that the chain holds for a validator; null when it holds none. */
    weightsOf: (name: string): Vector | null => {
      const { neurons, weights } = chain.stateAt('finalized');
      const row = weights.get(neurons.findIndex(({ hotkey }) => hotkey === hotkeyOf(name)));
      return row?.map(([uid, weight]) => ({ uid, weight })) ?? null;
    },
  };
}

export type LiveChain = Awaited<ReturnType<typeof liveChain>>;

/** No epoch interferes, so that whom the chain pays is what a test says, and weights are set in the open. */
function calmGenesis(): Genesis {
  const genesis = genesisFor({});
  return {
    ...genesis,
    hyperparameters: {
      ...genesis.hyperparameters,
      tempo: 65_535,
      commitRevealEnabled: false,
      weightsSetRateLimit: 0,
      // Every run commits once, and no epoch gives new room.
      maxSpace: 1_000_000,
    },
  };
}

/** Uid 0, the miners of whom the first is paid, then the validators with these stakes, each of its own coldkey. */
export function stakedNeurons(
  stakes: Readonly<Record<string, bigint>>,
  axons: ReadonlyMap<string, string>,
): readonly DevNeuron[] {
  const paid = MINERS[0];
  return ['owner', ...MINERS, ...Object.keys(stakes)].map((name) => ({
    hotkey: hotkeyOf(name),
    coldkey: hotkeyOf(`cold ${name}`),
    alphaStake: stakes[name] ?? 0n,
    taoStake: 0n,
    registeredAt: 0,
    permit: name in stakes,
    active: true,
    lastUpdate: 0,
    incentive: name === paid ? FULL : 0,
    consensus: 0,
    dividends: 0,
    validatorTrust: 0,
    emission: 0n,
    axon: axonOf(axons.get(name) ?? ''),
  }));
}

/** The whole of a u16. */
const FULL = 65_535;
