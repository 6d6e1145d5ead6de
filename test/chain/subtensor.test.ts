import { describe, expect, test } from 'vitest';
import { openSubtensor } from '#src/chain/subtensor.ts';
import { devSigner } from '../support/dev-keys.ts';
import { hotkey, UID } from '../support/dev-subnet.ts';
import { answered, liveSubtensor, openChain } from '../support/live-subtensor.ts';
import { until } from '../support/live-until.ts';

const options = { netuid: 36, signer: null, versionKey: 0n };

describe('the subnet at a block', () => {
  test('is read at a finalised block, and not above it', async () => {
    await using live = await liveSubtensor();
    const { chain, devchain } = live;
    expect(await chain.finalizedBlock()).toEqual({ known: true, value: 3 });
    const metagraph = await answered(() => chain.metagraph(2));
    expect(metagraph).toMatchObject({ block: 2, ownerHotkey: hotkey('owner') });
    expect(metagraph.neurons[UID.b]).toMatchObject({ hotkey: hotkey('b'), permit: true });
    expect(await chain.metagraph(4)).toEqual({
      known: false,
      reason: 'not-final',
      detail: 'block 4 is not final, the newest final one is 3',
    });
    await devchain.produceBlock();
    expect(await answered(() => chain.metagraph(4))).toMatchObject({ block: 4 });
  });

  test('is asked for once, for a few blocks', async () => {
    await using live = await liveSubtensor();
    const { chain, devchain } = live;
    await devchain.produceBlock(5);
    await until('block 8 to be final', async () => {
      const head = await chain.finalizedBlock();
      return head.known && head.value === 8;
    });
    const first = await answered(() => chain.metagraph(1));
    expect(await answered(() => chain.metagraph(1))).toBe(first);
    for (const block of [2, 3, 4, 5]) await answered(() => chain.metagraph(block));
    expect(await answered(() => chain.metagraph(1))).not.toBe(first);
  });

  test('is unknown, and not kept, when the answer is bad', async () => {
    await using live = await liveSubtensor();
    const { chain, devchain } = live;
    devchain.faults.spoilMetagraph('malformed');
    expect(await chain.metagraph(2)).toMatchObject({ known: false, reason: 'malformed' });
    devchain.faults.spoilMetagraph(null);
    expect(await chain.metagraph(2)).toMatchObject({ known: true });
  });
});

test('a commitment is signed, sent, final, and read by another validator', async () => {
  await using live = await liveSubtensor();
  const { chain, devchain } = live;
  const fields = ['eirel/scores/v1:run-1:ab', 'eirel/log/v1:7:cd:ef'];
  const signing = await answered(() => chain.sign({ kind: 'commitment', fields }));
  if (signing.kind === 'refused') throw new Error(signing.error.detail);
  expect(signing.extrinsic).toMatchObject({ call: 'Commitments.set_commitment', death: 3 + 63 });
  await chain.send(signing.extrinsic);
  await devchain.produceBlock(3);
  await using reader = openChain(devchain, null);
  const range = { after: 3, upTo: 6 };
  const hotkeys = [hotkey('a'), hotkey('b')];
  expect(await answered(() => reader.commitments(hotkeys, range))).toEqual([
    { hotkey: hotkey('a'), block: 6, fields },
  ]);
  expect(await reader.commitments(hotkeys, { after: 3, upTo: 7 })).toMatchObject({
    known: false,
    reason: 'not-final',
  });
});

test('an axon is announced, and stands in the metagraph', async () => {
  await using live = await liveSubtensor();
  const { chain, devchain } = live;
  const url = 'http://[2001:db8::7]:8091';
  const signing = await answered(() => chain.sign({ kind: 'axon', url }));
  if (signing.kind === 'refused') throw new Error(signing.error.detail);
  await chain.send(signing.extrinsic);
  await devchain.produceBlock(3);
  const metagraph = await answered(() => chain.metagraph(6));
  expect(metagraph.neurons[UID.a]?.axon).toBe(url);
});

describe('an outage', () => {
  test('is a value for every question', async () => {
    await using live = await liveSubtensor();
    const signing = await answered(() =>
      live.chain.sign({ kind: 'commitment', fields: ['eirel'] }),
    );
    if (signing.kind === 'refused') throw new Error(signing.error.detail);
    await using chain = openSubtensor({
      ...options,
      endpoints: ['ws://127.0.0.1:1'],
      genesis: 'ab'.repeat(32),
    });
    const unknown = { known: false, reason: 'unavailable' };
    expect(await chain.finalizedBlock()).toMatchObject(unknown);
    expect(await chain.metagraph(0)).toMatchObject(unknown);
    expect(await chain.commitments([], { after: 0, upTo: 1 })).toMatchObject(unknown);
    expect(await chain.weightsOf(hotkey('a'))).toMatchObject(unknown);
    expect(await chain.trace(signing.extrinsic)).toMatchObject(unknown);
    expect(await chain.send(signing.extrinsic)).toMatchObject({ kind: 'unknown' });
  });
});

test('a key that fails once does not stop what is signed after it', async () => {
  await using live = await liveSubtensor({ signer: null });
  const { url, genesisHash } = live.devchain;
  let fails = true;
  const sign = (message: Uint8Array): string => {
    if (!fails) return devSigner('a').sign(message);
    fails = false;
    throw new Error('no key');
  };
  await using chain = openSubtensor({
    ...options,
    endpoints: [url],
    genesis: genesisHash,
    signer: { hotkey: hotkey('a'), sign },
  });
  await answered(chain.finalizedBlock);
  const commit = () => chain.sign({ kind: 'commitment', fields: ['eirel'] });
  const both = await Promise.allSettled([commit(), commit()]);
  expect(both).toMatchObject([
    { status: 'rejected', reason: new Error('no key') },
    { status: 'fulfilled', value: { known: true, value: { kind: 'signed' } } },
  ]);
});

test('a chain that is disposed of leaves no connection', async () => {
  await using live = await liveSubtensor();
  const { chain, devchain } = live;
  expect(devchain.connections().open).toBe(1);
  await chain[Symbol.asyncDispose]();
  await until('the connection to be closed', () => devchain.connections().open === 0);
  expect(chain.connection().status).toBe('closed');
});

test.each([
  ['endpoints', { endpoints: ['http://127.0.0.1'], genesis: 'ab'.repeat(32) }],
  ['genesis', { endpoints: ['ws://127.0.0.1:1'], genesis: '0xab' }],
])('a configuration with bad %s is refused', (_field, bad) => {
  expect(() => openSubtensor({ ...options, ...bad })).toThrow('config.invalid');
});
