import type { Header } from './header.ts';
import type { DevEvent, DevState } from './state.ts';
import type { Transaction } from './transaction.ts';

export type Block = Header &
  Readonly<{
    hash: string;
    transactions: readonly Transaction[];
    events: readonly DevEvent[];
    specVersion: number;
  }>;

/**
 * All blocks of the best chain, what is left of other branches until finality passes them, and the states
 * of the last blocks.
 */
export type Blocks = Readonly<{
  best: () => Block;
  bestState: () => DevState;
  finalized: () => Block;
  byHash: (hash: string) => Block | undefined;
  /** On the best chain. */
  byNumber: (number: number) => Block | undefined;
  /** Undefined once it is discarded. */
  stateOf: (block: Block) => DevState | undefined;
  /** The block on the best chain that holds an extrinsic. */
  holding: (extrinsicHash: string) => Block | undefined;
  /** A child of the best block becomes the best. */
  append: (block: Block, state: DevState) => void;
  /** Makes the block at `number` final. Gives the newly final ones, oldest first. */
  finalize: (number: number) => readonly Block[];
  /** Takes the newest `depth` blocks off the best chain, newest first. They can still be read by hash. */
  rewind: (depth: number) => readonly Block[];
}>;

/** A chain of one block. States of the last `keepStates` final blocks and of all newer ones are kept. */
export function createBlocks(genesis: Block, state: DevState, keepStates: number): Blocks {
  const chain: Block[] = [genesis];
  const blocks = new Map([[genesis.hash, genesis]]);
  const states = new Map([[genesis.hash, state]]);
  const holders = new Map<string, Block>();
  /** Blocks off the best chain. */
  const retracted = new Set<Block>();
  let final = genesis;
  let bestState = state;

  const forget = (block: Block): void => {
    retracted.delete(block);
    blocks.delete(block.hash);
    states.delete(block.hash);
  };
  return {
    best: () => chain.at(-1) ?? genesis,
    bestState: () => bestState,
    finalized: () => final,
    byHash: (hash) => blocks.get(hash),
    byNumber: (number) => chain[number],
    stateOf: ({ hash }) => states.get(hash),
    holding: (extrinsicHash) => holders.get(extrinsicHash),
    append: (block, next) => {
      chain.push(block);
      bestState = next;
      blocks.set(block.hash, block);
      states.set(block.hash, next);
      for (const { hash } of block.transactions) holders.set(hash, block);
    },
    finalize: (number) => {
      const newly = chain.slice(final.number + 1, Math.max(0, number) + 1);
      for (const { number: at } of newly) {
        const old = chain[at - keepStates];
        if (old !== undefined) states.delete(old.hash);
      }
      final = newly.at(-1) ?? final;
      // A branch goes as a whole, from its lowest block on.
      for (const block of [...retracted].sort((a, b) => a.number - b.number))
        if (block.number <= final.number || !blocks.has(block.parentHash)) forget(block);
      return newly;
    },
    rewind: (depth) => {
      const dropped = chain.splice(chain.length - depth, depth).toReversed();
      for (const block of dropped) {
        retracted.add(block);
        for (const { hash } of block.transactions) holders.delete(hash);
      }
      const kept = states.get(chain.at(-1)?.hash ?? genesis.hash);
      if (kept === undefined) throw new Error(`${depth} blocks are more than those not final`);
      bestState = kept;
      return dropped;
    },
  };
}
