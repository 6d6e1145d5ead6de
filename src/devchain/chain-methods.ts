import { z } from 'zod';
import type { Block } from './blocks.ts';
import { headerJson } from './header.ts';
import { toHex } from './hex.ts';
import type { Node } from './node.ts';
import { BlockNumber, Hash, type Method, method } from './rpc-method.ts';

/** What one call may ask for; a page of polkadot.js. */
const MAX_NUMBERS = 1_000;

/** `chain_*`: blocks, which are all kept. */
export function chainMethods({ blocks }: Node): Readonly<Record<string, Method>> {
  const find = (at: string | null | undefined): Block | undefined =>
    typeof at === 'string' ? blocks.byHash(at) : blocks.best();
  const hashAt = (number: number): string | null => {
    const block = blocks.byNumber(number);
    return block === undefined ? null : `0x${block.hash}`;
  };
  return {
    chain_getBlockHash: method(
      z.tuple([z.union([BlockNumber, z.array(BlockNumber).max(MAX_NUMBERS)]).nullish()]),
      ([asked]) => ({
        result: Array.isArray(asked) ? asked.map(hashAt) : hashAt(asked ?? blocks.best().number),
      }),
    ),
    chain_getHeader: method(z.tuple([Hash.nullish()]), ([at]) => {
      const block = find(at);
      return { result: block === undefined ? null : headerJson(block) };
    }),
    chain_getBlock: method(z.tuple([Hash.nullish()]), ([at]) => {
      const block = find(at);
      return { result: block === undefined ? null : blockJson(block) };
    }),
    chain_getFinalizedHead: method(z.tuple([]), () => ({
      result: `0x${blocks.finalized().hash}`,
    })),
  };
}

function blockJson(block: Block) {
  return {
    block: {
      header: headerJson(block),
      extrinsics: block.transactions.map(({ bytes }) => toHex(bytes)),
    },
    justifications: null,
  };
}
