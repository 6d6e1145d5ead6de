import type { ApiPromise } from '@polkadot/api/cjs/index';
import type { ExtrinsicEra } from '@polkadot/types/cjs/interfaces/index';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Signer } from '#src/consensus/keys.ts';
import { type DevchainOptions, startDevchain } from '#src/devchain/devchain.ts';
import { devSigner } from '../support/dev-keys.ts';
import { devGenesis, hotkey } from '../support/dev-subnet.ts';
import { until } from '../support/live-until.ts';
import { connectApi, signed, type Tx } from '../support/polkadot-api.ts';

const onDemand = { blockMs: null, finalityLag: 2 };
const alice = devSigner('a');

// polkadot.js logs whatever a node refuses before it throws, and each upgrade.
beforeEach(() => {
  for (const name of ['log', 'warn', 'error'] as const) vi.spyOn(console, name).mockReturnValue();
});
afterEach(() => vi.restoreAllMocks());

const remark = (api: ApiPromise, text = '0x00'): Tx => call(api, 'system', 'remark', text);
const commitment = (api: ApiPromise, text: string): Tx =>
  call(api, 'commitments', 'setCommitment', 36, {
    fields: [{ [`Raw${text.length}`]: Buffer.from(text) }],
  });

function call(api: ApiPromise, pallet: string, name: string, ...args: unknown[]): Tx {
  const build = api.tx[pallet]?.[name];
  if (build === undefined) throw new Error(`no ${pallet}.${name} in the metadata`);
  return build(...args);
}

/** A life of four blocks from the given one on. */
function eraAt(api: ApiPromise, current: number) {
  return { era: api.registry.createType<ExtrinsicEra>('ExtrinsicEra', { current, period: 4 }) };
}

/** Submits and watches; gives the statuses so far, as polkadot.js names them. */
async function watch(api: ApiPromise, tx: Tx, signer: Signer, options = {}) {
  const statuses: string[] = [];
  const events: string[] = [];
  let error: string | null = null;
  await signed(tx, signer, options);
  await tx.send((result) => {
    statuses.push(result.status.type);
    if (!result.status.isInBlock) return;
    events.push(...result.events.map(({ event }) => `${event.section}.${event.method}`));
    const { dispatchError } = result;
    error =
      dispatchError?.isModule === true
        ? api.registry.findMetaError(dispatchError.asModule).name
        : null;
  });
  return { statuses, events, error: () => error, hash: tx.hash.toHex().slice(2) };
}

const submit = async (api: ApiPromise, tx: Tx, signer: Signer, options = {}): Promise<string> => {
  const bytes = await signed(tx, signer, options);
  return (await api.rpc.author.submitExtrinsic(bytes)).toHex().slice(2);
};

async function nodeAndClient(options: Partial<DevchainOptions> = {}) {
  await using stack = new AsyncDisposableStack();
  const chain = stack.use(await startDevchain(devGenesis(), { ...onDemand, ...options }));
  const api = stack.use(await connectApi(chain.url));
  const owned = stack.move();
  return { chain, api, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

describe('an extrinsic', () => {
  test('is ready, in a block with its events, and final', async () => {
    await using site = await nodeAndClient();
    const { chain, api } = site;
    const seen = await watch(api, commitment(api, 'hello'), alice);
    await chain.produceBlock();
    await until('inclusion', () => seen.statuses.includes('InBlock'));
    await chain.produceBlock(2);
    await until('finality', () => seen.statuses.includes('Finalized'));
    expect(seen.statuses).toEqual(['Ready', 'Broadcast', 'InBlock', 'Finalized']);
    expect(seen.events).toEqual(['commitments.Commitment', 'system.ExtrinsicSuccess']);
    expect(chain.findExtrinsic(seen.hash)).toMatchObject({
      block: 1,
      finalized: true,
      error: null,
    });
    expect(chain.stateAt('finalized').commitments.get(hotkey('a'))?.block).toBe(1);
    const block = await api.rpc.chain.getBlock(await api.rpc.chain.getBlockHash(1));
    expect(block.block.extrinsics[0]?.hash.toHex()).toBe(`0x${seen.hash}`);
  });

  test('that fails is included all the same, with its error by name, and takes its nonce', async () => {
    await using site = await nodeAndClient();
    const { chain, api } = site;
    const seen = await watch(
      api,
      call(api, 'subtensorModule', 'setWeights', 36, [5], [1], 0),
      alice,
    );
    await chain.produceBlock();
    await until('inclusion', () => seen.statuses.includes('InBlock'));
    expect(seen.error()).toBe('CommitRevealEnabled');
    expect(seen.events).toEqual(['system.ExtrinsicFailed']);
    expect(chain.findExtrinsic(seen.hash)?.error).toEqual({
      pallet: 'SubtensorModule',
      name: 'CommitRevealEnabled',
    });
    expect((await api.rpc.system.accountNextIndex(alice.hotkey)).toNumber()).toBe(1);
  });

  test('waits for the nonce before its own, and the next index counts the pool', async () => {
    await using site = await nodeAndClient();
    const { chain, api } = site;
    const second = await watch(api, remark(api), alice, { nonce: 1 });
    await until('a status', () => second.statuses.length > 0);
    expect(second.statuses).toEqual(['Future']);
    await chain.produceBlock();
    expect(chain.findExtrinsic(second.hash)).toBeNull();
    const first = await submit(api, remark(api), alice, { nonce: 0 });
    expect((await api.rpc.system.accountNextIndex(alice.hotkey)).toNumber()).toBe(2);
    expect(await api.rpc.author.pendingExtrinsics()).toHaveLength(2);
    await chain.produceBlock();
    expect(chain.findExtrinsic(first)?.block).toBe(2);
    expect(chain.findExtrinsic(second.hash)?.block).toBe(2);
  });

  test.for([
    ['is included in the last block of its era', 2, 'InBlock'],
    ['is invalid after that block', 3, 'Invalid'],
  ] as const)('%s', async ([, held, outcome]) => {
    await using site = await nodeAndClient();
    const { chain, api } = site;
    chain.faults.holdExtrinsics(held);
    // Born in block 0, it lives for four blocks: the last one is block 3.
    const seen = await watch(api, remark(api), alice, {
      ...eraAt(api, 0),
      blockHash: api.genesisHash.toHex(),
    });
    await chain.produceBlock(2);
    await api.rpc.system.health();
    expect(seen.statuses).not.toContain(outcome);
    await chain.produceBlock();
    await until('the outcome', () => seen.statuses.includes(outcome));
  });
});

test.for([
  ['dropped', 'Dropped'],
  ['invalid', 'Invalid'],
  ['usurped', 'Usurped'],
] as const)('an extrinsic that the pool throws out is %s', async ([reason, status]) => {
  await using site = await nodeAndClient();
  const { chain, api } = site;
  const seen = await watch(api, remark(api), alice);
  chain.faults.evictExtrinsic(seen.hash, reason);
  await until('the end', () => seen.statuses.at(-1) === status);
  await chain.produceBlock();
  expect(chain.findExtrinsic(seen.hash)).toBeNull();
});

describe('the pool refuses', () => {
  test('a nonce that is taken: outdated', async () => {
    await using site = await nodeAndClient();
    const { chain, api } = site;
    await submit(api, remark(api), alice);
    await chain.produceBlock();
    await expect(submit(api, remark(api), alice, { nonce: 0 })).rejects.toThrow(
      '1010: Invalid Transaction: Transaction is outdated',
    );
  });

  test('the same extrinsic twice, and another one in its place', async () => {
    await using site = await nodeAndClient();
    const { api } = site;
    const bytes = await signed(remark(api), alice);
    await api.rpc.author.submitExtrinsic(bytes);
    await expect(api.rpc.author.submitExtrinsic(bytes)).rejects.toThrow('1013: ');
    await expect(submit(api, remark(api, '0x01'), alice, { nonce: 0 })).rejects.toThrow('1014: ');
  });

  test('a signature for another chain, or by another key', async () => {
    await using site = await nodeAndClient();
    const { api } = site;
    const genesisHash = `0x${'12'.repeat(32)}`;
    const bad = '1010: Invalid Transaction: Transaction has a bad signature';
    await expect(submit(api, remark(api), alice, { genesisHash })).rejects.toThrow(bad);
    const stolen = { hotkey: alice.hotkey, sign: devSigner('b').sign };
    await expect(submit(api, remark(api), stolen)).rejects.toThrow(bad);
  });

  test('a signature over a version of the runtime that has passed', async () => {
    await using site = await nodeAndClient();
    const { chain, api } = site;
    const bytes = await signed(remark(api), alice);
    chain.faults.upgradeRuntime();
    await chain.produceBlock();
    await expect(api.rpc.author.submitExtrinsic(bytes)).rejects.toThrow('bad signature');
  });

  test('with an upgrade of the runtime what waits with a signature over the old version', async () => {
    await using site = await nodeAndClient();
    const { chain, api } = site;
    await submit(api, remark(api), alice, { nonce: 1 });
    chain.faults.upgradeRuntime();
    await chain.produceBlock();
    await until('the new version', () => api.runtimeVersion.specVersion.toNumber() === 344);
    await submit(api, remark(api), alice, { nonce: 0 });
    await chain.produceBlock();
    expect(chain.stateAt('best').nonces.get(alice.hotkey)).toBe(1);
  });

  test('an era whose birth is in no block that the chain has', async () => {
    await using site = await nodeAndClient();
    const { chain, api } = site;
    await chain.produceBlock(1);
    const blockHash = (await api.rpc.chain.getBlockHash(1)).toHex();
    const options = { ...eraAt(api, 3), blockHash };
    await expect(submit(api, remark(api), alice, options)).rejects.toThrow('ancient birth block');
  });

  test('an era that has passed: its signature is not over the hash of the next one', async () => {
    await using site = await nodeAndClient();
    const { chain, api } = site;
    const bytes = await signed(remark(api), alice, {
      ...eraAt(api, 0),
      blockHash: api.genesisHash.toHex(),
    });
    await chain.produceBlock(4);
    await expect(api.rpc.author.submitExtrinsic(bytes)).rejects.toThrow('bad signature');
  });

  test('what the rules of the runtime refuse, with their number', async () => {
    await using site = await nodeAndClient();
    const { api } = site;
    const weights = call(api, 'subtensorModule', 'setWeights', 36, [5], [1], 0);
    await expect(submit(api, weights, devSigner('nobody'))).rejects.toThrow(
      /1010: Invalid Transaction: Custom error: \d+/,
    );
  });
});

describe('after a fork', () => {
  test('an extrinsic is retracted, and included again by the other branch', async () => {
    await using site = await nodeAndClient({ finalityLag: 3 });
    const { chain, api } = site;
    await chain.produceBlock(2);
    const seen = await watch(api, remark(api), alice);
    await chain.produceBlock();
    const inclusions = () => seen.statuses.filter((status) => status === 'InBlock').length;
    await until('inclusion', () => inclusions() === 1);
    const before = chain.findExtrinsic(seen.hash);
    chain.faults.reorg(2);
    const after = chain.findExtrinsic(seen.hash);
    expect(before?.block).toBe(3);
    expect(after?.block).toBe(2);
    expect(chain.heads().best.number).toBe(4);
    expect((await api.rpc.chain.getBlockHash(3)).toHex()).not.toBe(`0x${before?.blockHash}`);
    // A retracted block can be read until finality passes it.
    const retracted = await api.rpc.chain.getHeader(`0x${before?.blockHash}`);
    expect(retracted.number.toNumber()).toBe(3);
    await until('the other inclusion', () => inclusions() === 2);
    await chain.produceBlock();
    await until('finality', () => seen.statuses.includes('Finalized'));
    expect(seen.statuses.filter((status) => status !== 'Broadcast')).toEqual([
      'Ready',
      'InBlock',
      'Retracted',
      'Ready',
      'InBlock',
      'Finalized',
    ]);
    expect(chain.stateAt('best').nonces.get(alice.hotkey)).toBe(1);
  });

  test('an extrinsic can be gone for good', async () => {
    await using site = await nodeAndClient();
    const { chain, api } = site;
    const seen = await watch(api, remark(api), alice);
    await chain.produceBlock();
    chain.faults.reorg(1, 'drop');
    await chain.produceBlock(2);
    expect(chain.findExtrinsic(seen.hash)).toBeNull();
    expect((await api.rpc.system.accountNextIndex(alice.hotkey)).toNumber()).toBe(0);
    await until('the end', () => seen.statuses.includes('Dropped'));
  });

  test('an extrinsic whose era began in a retracted block is invalid', async () => {
    await using site = await nodeAndClient();
    const { chain, api } = site;
    await chain.produceBlock(4);
    const born = await api.rpc.chain.getBlockHash(4);
    const hash = await submit(api, remark(api), alice, { ...eraAt(api, 4), blockHash: born });
    chain.faults.reorg(1);
    expect(chain.findExtrinsic(hash)).toBeNull();
    expect(await api.rpc.author.pendingExtrinsics()).toHaveLength(0);
  });

  test('final blocks stay', async () => {
    await using site = await nodeAndClient();
    const { chain } = site;
    await chain.produceBlock(5);
    expect(() => chain.faults.reorg(3)).toThrow('at most 2');
  });
});

test('while finality stalls, blocks go on; then it catches up at once', async () => {
  await using site = await nodeAndClient();
  const { chain, api } = site;
  const seen = await watch(api, remark(api), alice);
  chain.faults.stallFinality();
  await chain.produceBlock(10);
  await until('inclusion', () => seen.statuses.includes('InBlock'));
  expect(chain.heads()).toMatchObject({ best: { number: 10 }, finalized: { number: 0 } });
  chain.faults.resumeFinality();
  expect(chain.heads().finalized.number).toBe(8);
  await until('finality', () => seen.statuses.includes('Finalized'));
});

test('a watch ends when its block is not final after 512 more', async () => {
  await using site = await nodeAndClient();
  const { chain, api } = site;
  const seen = await watch(api, remark(api), alice);
  chain.faults.stallFinality();
  await chain.produceBlock(513);
  await until('the end', () => seen.statuses.at(-1) === 'FinalityTimeout');
  expect(chain.findExtrinsic(seen.hash)).toMatchObject({ block: 1, finalized: false });
});
