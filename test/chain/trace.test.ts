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
  const runtime = { specVersion: 343 };
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
    state_getRuntimeVersion: () => runtime,
  };
  const call = async (method: string, [param]: readonly unknown[]) => answers[method]?.(param);
  // safe: without a hotkey a tracer asks by `call` alone.
  return { link: { call } as unknown as Link, bodies, heads, runtime, answers };
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

  test('declares dead what was signed for an older runtime, by a finalised block alone', async () => {
    const { link, heads, runtime } = node();
    const trace = createTracer(null);
    // A node that is behind the birth, and its upgrade was before the signature.
    heads.finalized = extrinsic.birth - 1;
    runtime.specVersion = 342;
    expect(valueOf(await trace(extrinsic, { link }))).toMatchObject({ kind: 'pending' });
    heads.finalized = 20;
    runtime.specVersion = 343;
    expect(valueOf(await trace(extrinsic, { link }))).toEqual({ kind: 'pending', block: 20 });
    heads.finalized = 21;
    runtime.specVersion = 344;
    const dead = { kind: 'dead', block: 21, reason: 'runtime-upgraded' };
    expect(valueOf(await trace(extrinsic, { link }))).toEqual(dead);
    // A tracer that never saw another runtime says nothing of it.
    const late = await createTracer(null)(extrinsic, { link });
    expect(valueOf(late)).toEqual({ kind: 'pending', block: 21 });
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
    ['state_getRuntimeVersion', { specVersion: '343' }],
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
