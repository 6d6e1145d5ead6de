import { describe, expect, test } from 'vitest';
import type { Link } from '#src/chain/connection-link.ts';
import { readFinalized, readFinalizedAt } from '#src/chain/finalized.ts';

const hashOf = (block: number): string => `0x${block.toString(16).padStart(64, '0')}`;

/** A node whose newest block is 100, and whose finalised head is `finalized`. */
function nodeAt(finalized: number, answers: Record<string, unknown> = {}): Link {
  const given: Record<string, (param: unknown) => unknown> = {
    chain_getFinalizedHead: () => hashOf(finalized),
    chain_getHeader: (hash) => ({ number: `0x${Number(hash).toString(16)}` }),
    chain_getBlockHash: (number) => (Number(number) > 100 ? null : hashOf(Number(number))),
  };
  const call = async (method: string, [param]: readonly unknown[]) =>
    method in answers ? answers[method] : given[method]?.(param);
  // safe: only `call` is asked for.
  return { call } as unknown as Link;
}

describe('a block that is to be final', () => {
  test('is known by number and hash', async () => {
    const link = nodeAt(95);
    const hash = (block: number) => hashOf(block).slice(2);
    const head = { known: true, value: { block: 95, blockHash: hash(95) } };
    expect(await readFinalized({ link })).toEqual(head);
    expect(await readFinalizedAt(95, { link })).toEqual(head);
    expect(await readFinalizedAt(94, { link })).toEqual({
      known: true,
      value: { block: 94, blockHash: hash(94) },
    });
  });

  test('is not taken from a node for which it may still be replaced', async () => {
    expect(await readFinalizedAt(96, { link: nodeAt(95) })).toMatchObject({
      known: false,
      reason: 'not-final',
    });
  });

  test.each([
    ['unavailable', { chain_getBlockHash: null }],
    ['malformed', { chain_getBlockHash: '0x12' }],
    ['malformed', { chain_getFinalizedHead: null }],
    ['malformed', { chain_getHeader: null }],
    ['malformed', { chain_getHeader: { number: 95 } }],
  ])('is %s where the node answers %j', async (reason, answers) => {
    expect(await readFinalizedAt(94, { link: nodeAt(95, answers) })).toMatchObject({
      known: false,
      reason,
    });
  });
});
