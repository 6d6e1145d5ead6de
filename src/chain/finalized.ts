import { z } from 'zod';
import type { Known } from './chain.ts';
import type { Link } from './connection-link.ts';
import { parseAnswer } from './decode.ts';
import { known, notFinal, unavailable } from './known.ts';
import type { At } from './reads.ts';

/** What `chain_getHeader` tells of a block, as far as it is needed. */
const Header = z.object({ number: z.string().regex(/^0x[0-9a-f]{1,8}$/) });

const Hash = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/, '0x and 64 hex digits')
  .transform((hash) => hash.slice(2));

/**
 * The newest block that this very node holds for final. Another node may be a few blocks ahead, but
 * what this one has above its own finalised head may still be replaced.
 */
export async function readFinalized({ link }: { readonly link: Link }): Promise<Known<At>> {
  const hash = parseAnswer(Hash, await link.call('chain_getFinalizedHead', []), 'finalised head');
  if (!hash.known) return hash;
  const block = await readNumber(hash.value, { link });
  return block.known ? known({ block: block.value, blockHash: hash.value }) : block;
}

/** The number of the newest block of this node, final or not. */
export async function readBest({ link }: { readonly link: Link }): Promise<Known<number>> {
  return readNumber(null, { link });
}

/** A block by its number. 'not-final' above the node's finalised head, 'unavailable' where it has no such block. */
export async function readFinalizedAt(
  block: number,
  { link }: { readonly link: Link },
): Promise<Known<At>> {
  const head = await readFinalized({ link });
  if (!head.known || head.value.block === block) return head;
  if (block > head.value.block) return notFinal(block, head.value.block);
  const hash = await readHash(block, { link });
  if (!hash.known) return hash;
  return hash.value === null
    ? unavailable(`the node does not know block ${block}`)
    : known({ block, blockHash: hash.value });
}

/** The hash of a block of the best chain, 64 hex digits; null where it has none of that number. */
export async function readHash(
  block: number,
  { link }: { readonly link: Link },
): Promise<Known<string | null>> {
  const answer = await link.call('chain_getBlockHash', [block]);
  return parseAnswer(Hash.nullable(), answer, `hash of block ${block}`);
}

async function readNumber(
  hash: string | null,
  { link }: { readonly link: Link },
): Promise<Known<number>> {
  const answer = await link.call('chain_getHeader', hash === null ? [] : [`0x${hash}`]);
  const header = parseAnswer(Header, answer, 'header');
  return header.known ? known(Number(header.value.number)) : header;
}
