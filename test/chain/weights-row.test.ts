import { afterAll, expect, test } from 'vitest';
import type { Known, WeightsRow } from '#src/chain/chain.ts';
import { readWeightsRow } from '#src/chain/weights-row.ts';
import { devSigner } from '../support/dev-keys.ts';
import { valueOf } from '../support/known-value.ts';
import { hex, u16, u64, vector } from '../support/scale-bytes.ts';
import { accountHex, hashOf, type Stored, stubChain } from '../support/stub-chain.ts';

const NETUID = 36;
const UID = 2;
const BLOCK = 700;
const { hotkey } = devSigner('validator');

const chain = await stubChain();
afterAll(() => chain[Symbol.asyncDispose]());

test('a row is read with its block, sorted by uid, with the last update and the cutoff', async () => {
  chain.setStorage(() => registered(row([9, 13_107], [3, 65_535], [5, 0])));
  expect(valueOf(await read())).toEqual({
    block: BLOCK,
    vector: [
      { uid: 3, weight: 65_535 },
      { uid: 5, weight: 0 },
      { uid: 9, weight: 13_107 },
    ],
    lastUpdate: 612,
    activityCutoff: 4_000,
    weightsRateLimit: 360,
  });
});

test('what Finney once held for a validator of subnet 23 is read', async () => {
  chain.setStorage(() => registered('0x040a00ffff'));
  expect(valueOf(await read()).vector).toEqual([{ uid: 10, weight: 65_535 }]);
});

test('no row, and one of zeros, is no vector', async () => {
  for (const weights of ['0x00', row([1, 0], [2, 0])]) {
    chain.setStorage(() => registered(weights));
    expect(valueOf(await read())).toMatchObject({ vector: null, lastUpdate: 612 });
  }
  const { 'SubtensorModule.Weights': _, ...without } = registered('0x00');
  chain.setStorage(() => without);
  expect(valueOf(await read())).toMatchObject({ vector: null, lastUpdate: 612 });
});

test('a hotkey without a uid holds nothing and was never updated', async () => {
  const { 'SubtensorModule.Uids': _, ...others } = registered(row([1, 65_535]));
  chain.setStorage(() => others);
  expect(valueOf(await read())).toEqual({
    block: BLOCK,
    vector: null,
    lastUpdate: 0,
    activityCutoff: 4_000,
    weightsRateLimit: 360,
  });
});

test('256 entries are a row, one more is malformed', async () => {
  const pairs = Array.from({ length: 257 }, (_, uid) => [uid, 65_535] as const);
  chain.setStorage(() => registered(row(...pairs.slice(1))));
  expect(valueOf(await read()).vector).toHaveLength(256);
  chain.setStorage(() => registered(row(...pairs)));
  expect(await read()).toMatchObject({
    reason: 'malformed',
    detail: expect.stringContaining(`weights of uid ${UID} at block ${BLOCK}`),
  });
});

test('a row with a uid twice, or not scaled up as the chain stores rows, is malformed', async () => {
  for (const weights of [row([1, 65_535], [1, 1]), row([1, 30_000])]) {
    chain.setStorage(() => registered(weights));
    expect(await read()).toMatchObject({ reason: 'malformed' });
  }
});

test('a uid beyond the column of last updates is malformed', async () => {
  chain.setStorage(() => ({ ...registered('0x00'), 'SubtensorModule.LastUpdate': {} }));
  expect(await read()).toMatchObject({
    reason: 'malformed',
    detail: 'lastUpdate has no entry for uid 2',
  });
});

test('a discarded block is unavailable, a broken connection is thrown', async () => {
  chain.setStorage(() => {
    throw new Error('4003: Client error: UnknownBlock: State already discarded');
  });
  expect(await read()).toMatchObject({ reason: 'unavailable' });
  chain.setStorage(() => {
    throw new Error('WebSocket is not connected');
  });
  await expect(read()).rejects.toThrow('WebSocket is not connected');
});

function read(): Promise<Known<WeightsRow>> {
  const blockHash = hashOf(BLOCK).slice(2);
  return readWeightsRow(chain.api, { netuid: NETUID, hotkey, blockHash, block: BLOCK });
}

function registered(weights: string): Stored {
  const netuid = u16(NETUID).toString('hex');
  return {
    'SubtensorModule.Uids': { [accountHex(hotkey)]: hex(u16(UID)) },
    'SubtensorModule.LastUpdate': { [netuid]: hex(vector([0, 0, 612, 0].map(u64))) },
    'SubtensorModule.ActivityCutoff': { [netuid]: hex(u16(4_000)) },
    'SubtensorModule.WeightsSetRateLimit': { [netuid]: hex(u64(360)) },
    'SubtensorModule.Weights': { [hex(u16(NETUID), u16(UID)).slice(2)]: weights },
  };
}

function row(...pairs: readonly (readonly [uid: number, weight: number])[]): string {
  return hex(vector(pairs.map(([uid, weight]) => Buffer.concat([u16(uid), u16(weight)]))));
}
