import { rename, rm, writeFile } from 'node:fs/promises';
import { cryptoReady } from '#src/chain/hotkey.ts';
import { type ChainFile, openChainFile } from '#src/chain/snapshot-file.ts';
import { GENESIS, hotkeyOf, MINERS, NETUID } from '#src/cli/subnet/cast.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Vector } from '#src/events/weights.ts';

await cryptoReady();

export type LiveNeuron = ChainFile['snapshot']['neurons'][number];

/** Who is on the subnet, given where the validators' axons are. */
export type Neurons = (axons: ReadonlyMap<string, string>) => readonly LiveNeuron[];

/** The chain file of a live subnet: blocks come when a test says so, and what stands in it can go wrong. */
export function liveChain(path: string) {
  const state = { block: 100, since: 100, neurons: [] as readonly LiveNeuron[] };
  const text = (neurons = state.neurons): string => {
    const file: ChainFile = {
      netuid: NETUID,
      genesis: GENESIS,
      block: state.block,
      snapshot: {
        block: state.since,
        hash: sha256(`live block ${state.since}`),
        neurons: [...neurons],
      },
    };
    return JSON.stringify(file);
  };
  /** Readers see the old file or the new one, never half of one. */
  const put = async (content: string): Promise<void> => {
    await writeFile(`${path}.new`, content);
    await rename(`${path}.new`, path);
  };
  return {
    path,
    block: () => state.block,
    write: () => put(text()),
    nextBlock: async (): Promise<void> => {
      state.block++;
      await put(text());
    },
    /** Blocks that nobody sees come. */
    skip: (blocks: number): void => {
      state.block += blocks;
    },
    /** The subnet is another one from this block on; what was before is not kept. */
    become: async (neurons: readonly LiveNeuron[]): Promise<void> => {
      state.neurons = neurons;
      state.since = state.block;
      await put(text());
    },
    /** The next block, with an answer that is not the truth about it. */
    nextBlockWith: async (neurons: readonly LiveNeuron[]): Promise<void> => {
      state.block++;
      await put(text(neurons));
    },
    garble: put,
    remove: () => rm(path),
    weightsOf: async (name: string): Promise<Vector | null> => {
      const chain = await openChainFile(path);
      const weights = await chain.weightsOf(hotkeyOf(name));
      if (!weights.known) throw new Error(`the weights of ${name}: ${weights.detail}`);
      return weights.value;
    },
  };
}

export type LiveChain = ReturnType<typeof liveChain>;

/** Uid 0, the miners of whom the first is paid, then the validators with these stakes, each of its own coldkey. */
export function stakedNeurons(
  stakes: Readonly<Record<string, bigint>>,
  axons: ReadonlyMap<string, string>,
): readonly LiveNeuron[] {
  const paid = MINERS[0];
  return ['owner', ...MINERS, ...Object.keys(stakes)].map((name, uid) => ({
    uid,
    hotkey: hotkeyOf(name),
    coldkey: hotkeyOf(`cold ${name}`),
    stake: String(stakes[name] ?? 0n),
    permit: name in stakes,
    active: true,
    registeredAt: 1,
    incentive: name === paid ? 65_535 : 0,
    axon: axons.get(name) ?? null,
  }));
}
