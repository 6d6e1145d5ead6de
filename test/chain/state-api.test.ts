import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { readCommitments } from '#src/chain/commitments.ts';
import { readMetagraph } from '#src/chain/metagraph.ts';
import { readSpecVersion } from '#src/chain/state-api.ts';
import { readWeightsRow } from '#src/chain/weights-row.ts';
import { createCodec } from '#src/devchain/codec.ts';
import { createMetadata } from '#src/devchain/metadata.ts';
import { createStorage } from '#src/devchain/storage.ts';
import { devSigner } from '../support/dev-keys.ts';
import { hotkey } from '../support/dev-subnet.ts';
import { valueOf } from '../support/known-value.ts';
import { answered, liveSubtensor, openChain } from '../support/live-subtensor.ts';
import { newerMetadata } from '../support/newer-metadata.ts';
import { hex, registration, textField, u16, u32, u64, vector } from '../support/scale-bytes.ts';
import { accountHex, hashOf, stubChain } from '../support/stub-chain.ts';

const NETUID = 36;
const ada = devSigner('ada').hotkey;
const netuidHex = hex(u16(NETUID)).slice(2);

/** Run by the old runtime up to this block, which upgrades it to the one that the connection knows. */
const UPGRADE = 10;
const at = (block: number) => ({
  netuid: NETUID,
  hotkey: ada,
  block,
  blockHash: hashOf(block).slice(2),
});

const chain = await stubChain(newerMetadata(), createCodec().metadataV15);
afterAll(() => chain[Symbol.asyncDispose]());
beforeEach(() => {
  chain.setSpecVersion((block) => (block < UPGRADE ? 342 : 343));
  chain.setStorage((block) => ({
    'SubtensorModule.Uids': { [accountHex(ada)]: hex(u16(0)) },
    'SubtensorModule.LastUpdate': { [netuidHex]: hex(vector([u64(3)])) },
    'SubtensorModule.Tempo': { [netuidHex]: hex(u16(99)) },
    // The new runtime drops the plain number when it migrates: in the block after the upgrade.
    ...(block <= UPGRADE
      ? { 'SubtensorModule.ActivityCutoff': { [netuidHex]: hex(u16(360)) } }
      : { 'SubtensorModule.ActivityCutoffFactorMilli': { [netuidHex]: '0xd0070000' } }),
  }));
});

describe('state from before an upgrade of the runtime', () => {
  test('is decoded by the runtime that wrote it, also that of the block that upgrades', async () => {
    const cutoff = async (block: number) =>
      valueOf(await readWeightsRow(chain.api, at(block))).activityCutoff;
    expect(await cutoff(UPGRADE - 1)).toBe(360);
    expect(await cutoff(UPGRADE)).toBe(360);
    expect(await cutoff(UPGRADE + 1)).toBe(198);
  });

  test('costs the metadata of its runtime once', async () => {
    chain.requests.length = 0;
    for (let block = 3; block < UPGRADE; block += 1) await readWeightsRow(chain.api, at(block));
    expect(chain.requests.filter((method) => method === 'state_call').length).toBeLessThanOrEqual(
      2,
    );
  });

  test('has no metagraph where the new runtime would read what it has not migrated', async () => {
    expect(await readMetagraph(chain.api, at(UPGRADE))).toEqual({
      known: false,
      reason: 'unavailable',
      detail: 'block 10 upgrades spec 342 to spec 343',
    });
  });

  test('is nothing to sign by', async () => {
    expect(valueOf(await readSpecVersion(at(UPGRADE + 1), chain))).toBe(343);
    expect(await readSpecVersion(at(UPGRADE), chain)).toMatchObject({ reason: 'unavailable' });
    expect(await readSpecVersion(at(UPGRADE - 1), chain)).toMatchObject({
      reason: 'unavailable',
      detail: 'spec 342 ran block 9, the connection knows spec 343',
    });
  });

  test('holds its commitments, though the new runtime has another item for them', async () => {
    const items = createStorage().items.filter(({ name }) => name !== 'LastCommitment');
    const { 15: without } = createMetadata(items, { specVersion: 343, slotMs: 12_000 });
    await using moved = await stubChain(without, createCodec().metadataV15);
    moved.setSpecVersion((block) => (block < UPGRADE ? 342 : 343));
    moved.setStorage((block) => ({
      'Commitments.CommitmentOf': { [accountHex(ada)]: registration(5, [textField('text')]) },
      'Commitments.LastCommitment': block < 5 ? {} : { [accountHex(ada)]: hex(u32(5)) },
    }));
    const range = { after: 2, upTo: UPGRADE - 1 };
    const read = readCommitments(moved.api, { netuid: NETUID, hotkeys: [ada], range });
    expect(valueOf(await read)).toEqual([{ hotkey: ada, block: 5, fields: ['text'] }]);
  });
});

test('genesis has no parent, and is known', async () => {
  await using live = await liveSubtensor({ signer: null });
  expect(await answered(() => live.chain.metagraph(0))).toMatchObject({ block: 0 });
});

test('a live node tells of blocks from before its upgrade what it told then', async () => {
  await using live = await liveSubtensor({ signer: null });
  const { chain: subtensor, devchain } = live;
  const before = await answered(() => subtensor.metagraph(3));
  devchain.faults.upgradeRuntime();
  await devchain.produceBlock(5);
  await using later = openChain(devchain, null);
  expect(await answered(() => later.metagraph(3))).toEqual(before);
  expect(await answered(() => later.commitments([hotkey('a')], { after: 1, upTo: 3 }))).toEqual([]);
  // Block 6 is the first that has the new version.
  expect(await later.metagraph(6)).toMatchObject({ known: false, reason: 'unavailable' });
  expect(await answered(() => later.metagraph(7))).toMatchObject({ block: 7 });
});
