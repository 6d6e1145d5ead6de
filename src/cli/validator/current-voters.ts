import type { Chain, Neuron } from '../../chain/chain.ts';
import type { Peer } from '../../handlers/ask-peers.ts';

/** The subnet is read again after so many blocks: permits change once an epoch, of some seventy minutes. */
const REFRESH_BLOCKS = 25;

/** Who votes by the newest finalised block, and where they answer. */
export type CurrentVoters = Readonly<{
  /** The chain has told who votes, once at least: until then nobody is known, which is not that there is nobody. */
  known: () => boolean;
  hotkeys: () => Promise<ReadonlySet<string>>;
  /** All of them that serve an axon but this validator. */
  peers: () => Promise<readonly Peer[]>;
}>;

/** The voters of a subnet as the chain tells them. While it tells nothing, those that it told last. */
export function currentVoters(
  chain: Pick<Chain, 'finalizedBlock' | 'metagraph'>,
  self: string,
): CurrentVoters {
  let known: Readonly<{ block: number; voters: readonly Neuron[] }> = { block: -1, voters: [] };
  const readOnce = async (): Promise<readonly Neuron[]> => {
    const newest = await chain.finalizedBlock();
    const fresh = known.block >= 0 && newest.known && newest.value < known.block + REFRESH_BLOCKS;
    if (!newest.known || fresh) return known.voters;
    const metagraph = await chain.metagraph(newest.value);
    if (metagraph.known) {
      const voters = metagraph.value.neurons.filter(({ permit, stake }) => permit && stake > 0n);
      known = { block: newest.value, voters };
    }
    return known.voters;
  };
  let reading: Promise<readonly Neuron[]> | null = null;
  // Strangers' requests ask as well: however many come at once, the chain is asked by one at a time.
  const read = (): Promise<readonly Neuron[]> => {
    reading ??= readOnce().finally(() => {
      reading = null;
    });
    return reading;
  };
  return {
    known: () => known.block >= 0,
    hotkeys: async () => new Set((await read()).map(({ hotkey }) => hotkey)),
    peers: async () =>
      (await read()).flatMap(({ hotkey, axon }) =>
        axon === null || hotkey === self ? [] : [{ hotkey, axon }],
      ),
  };
}
