import { readFile, rename, writeFile } from 'node:fs/promises';
import { type ChainFile, openChainFile } from '../../chain/snapshot-file.ts';
import { sha256 } from '../../events/hash.ts';
import { GENESIS, hotkeyOf, NETUID, neurons, RUNNING } from './cast.ts';

const FULL = 65_535;

/**
 * Keeps the snapshot file that stands for the chain: produces blocks, and after a run pays the miner
 * that more than half of the stake behind set weights names, as a chain's consensus does.
 */
export function createChainKeeper(path: string) {
  let axons: ReadonlyMap<string, string> = new Map();
  let incentives: ReadonlyMap<string, number> = new Map();
  const state = { block: 100, since: 100 };

  const write = async (): Promise<void> => {
    const file: ChainFile = {
      netuid: NETUID,
      genesis: GENESIS,
      block: state.block,
      snapshot: {
        block: state.since,
        hash: sha256(`local block ${state.since}`),
        neurons: neurons(axons, incentives),
      },
    };
    // Readers see the old file or the new one, never half of one.
    await writeFile(`${path}.new`, JSON.stringify(file));
    await rename(`${path}.new`, path);
  };
  return {
    block: () => state.block,
    write,
    nextBlock: async (): Promise<void> => {
      state.block++;
      await write();
    },
    announce: async (urls: ReadonlyMap<string, string>): Promise<void> => {
      axons = urls;
      state.since = state.block;
      await write();
    },
    /** Ends a tempo: incentives follow the weights that validators have set. */
    payMiners: async (): Promise<void> => {
      incentives = await paidBy(path);
      state.block++;
      state.since = state.block;
      await write();
    },
  };
}

/** The whole incentive goes to the uid that set weights with more than half of the running stake favour; else none. */
async function paidBy(path: string): Promise<ReadonlyMap<string, number>> {
  const chain = await openChainFile(path);
  const { snapshot } = JSON.parse(await readFile(path, 'utf8')) as ChainFile; // safe: `write` above wrote it
  const support = new Map<number, bigint>();
  let total = 0n;
  for (const hotkey of RUNNING.map(hotkeyOf)) {
    const stake = BigInt(snapshot.neurons.find((neuron) => neuron.hotkey === hotkey)?.stake ?? '0');
    total += stake;
    const weights = await chain.weightsOf(hotkey);
    const favoured = weights.known
      ? weights.value?.find(({ weight }) => weight === FULL)?.uid
      : undefined;
    if (favoured !== undefined) support.set(favoured, (support.get(favoured) ?? 0n) + stake);
  }
  const winner = [...support].find(([, stake]) => 2n * stake > total)?.[0];
  const paid = snapshot.neurons.find(({ uid }) => uid === winner);
  return new Map(paid === undefined ? [] : [[paid.hotkey, FULL]]);
}
