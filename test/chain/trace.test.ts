import { describe, expect, test } from 'vitest';
import type { Extrinsic } from '#src/chain/chain.ts';
import type { Link } from '#src/chain/connection-link.ts';
import { createTracer } from '#src/chain/trace.ts';
import { valueOf } from '../support/known-value.ts';

const extrinsic: Extrinsic = {
  call: 'SubtensorModule.set_mechanism_weights',
  hash: 'ab'.repeat(32),
  bytes: 'abcd',
  nonce: 0,
  birth: 10,
  death: 73,
  reveal: null,
};

const hashOf = (block: number): string => `0x${block.toString(16).padStart(64, '0')}`;

/** A node of empty blocks that keeps what it was asked for. */
function node() {
  const bodies: number[] = [];
  const heads = { finalized: 20, best: 23 };
  const answers: Record<string, (param: unknown) => unknown> = {
    chain_getFinalizedHead: () => hashOf(heads.finalized),
    chain_getHeader: (hash) => ({
      number:
        hash === undefined ? `0x${heads.best.toString(16)}` : `0x${Number(hash).toString(16)}`,
    }),
    chain_getBlockHash: (number) => (Number(number) > heads.best ? null : hashOf(Number(number))),
    chain_getBlock: (hash) => {
      bodies.push(Number(hash));
      return { block: { extrinsics: ['0x1234'] } };
    },
  };
  const call = async (method: string, [param]: readonly unknown[]) => answers[method]?.(param);
  // safe: without a hotkey a tracer asks by `call` alone.
  return { link: { call } as unknown as Link, bodies, heads, answers };
}

const span = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('a tracer', () => {
  test('asks for the body of each block once, from the birth to the best block', async () => {
    const { link, bodies, heads } = node();
    const trace = createTracer(null);
    expect(valueOf(await trace(extrinsic, { link }))).toEqual({ kind: 'pending', block: 20 });
    expect(bodies).toEqual(span(11, 23));
    Object.assign(heads, { finalized: 22, best: 26 });
    await trace(extrinsic, { link });
    await trace(extrinsic, { link });
    expect(bodies).toEqual(span(11, 26));
  });

  test('asks for no block after the death', async () => {
    const { link, bodies, heads } = node();
    Object.assign(heads, { finalized: 500, best: 505 });
    const dead = await createTracer(null)(extrinsic, { link });
    expect(valueOf(dead)).toEqual({ kind: 'dead', block: 500, reason: 'expired' });
    expect(bodies).toEqual(span(11, 73));
  });

  test('goes on where it stood when a node fails on the way', async () => {
    const { link, bodies, answers } = node();
    const { chain_getBlock: getBlock } = answers;
    const trace = createTracer(null);
    answers['chain_getBlock'] = (hash) => (Number(hash) === 15 ? null : getBlock?.(hash));
    expect(await trace(extrinsic, { link })).toMatchObject({
      known: false,
      reason: 'unavailable',
      detail: 'the node has no body of block 15',
    });
    answers['chain_getBlock'] = (hash) => getBlock?.(hash);
    await trace(extrinsic, { link });
    expect(bodies).toEqual(span(11, 23));
  });

  test.each([
    ['chain_getFinalizedHead', 'nonsense'],
    ['chain_getHeader', {}],
    ['chain_getBlockHash', 7],
    ['chain_getBlock', { block: {} }],
  ])('takes a malformed answer to %s for unknown', async (method, answer) => {
    const { link, answers } = node();
    answers[method] = () => answer;
    expect(await createTracer(null)(extrinsic, { link })).toMatchObject({
      known: false,
      reason: 'malformed',
    });
  });

  test('declares nothing dead by a finalised block that the node does not know', async () => {
    const { link, answers } = node();
    answers['chain_getBlockHash'] = () => null;
    expect(await createTracer(null)(extrinsic, { link })).toMatchObject({
      known: false,
      detail: 'the node does not know block 11',
    });
  });
});
