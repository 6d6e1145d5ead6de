import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Known } from '#src/chain/chain.ts';
import { readMetagraph } from '#src/chain/metagraph.ts';
import { readSubmissionFacts, type SubmissionFacts } from '#src/chain/submission-facts.ts';
import { readWeightsRow } from '#src/chain/weights-row.ts';
import { createCodec } from '#src/devchain/codec.ts';
import { devSubnet, hotkey, UID } from '../support/dev-subnet.ts';
import { valueOf } from '../support/known-value.ts';
import { newerMetadata } from '../support/newer-metadata.ts';
import { hex, u16, u64, vector } from '../support/scale-bytes.ts';
import { accountHex, hashOf, type Stored, stubChain } from '../support/stub-chain.ts';

const NETUID = 36;
const BLOCK = 700;
const AT = { netuid: NETUID, hotkey: hotkey('a'), block: BLOCK, blockHash: hashOf(BLOCK).slice(2) };

const codec = createCodec();
const subnet = devSubnet({}, BLOCK);
const older = await stubChain();
const newer = await stubChain(newerMetadata());
afterAll(async () => {
  await older[Symbol.asyncDispose]();
  await newer[Symbol.asyncDispose]();
});

beforeEach(() => {
  for (const chain of [older, newer]) {
    chain.setStorage(() => rules());
    chain.setCall((args) => metagraph(args));
    chain.setSpecVersion(() => 343);
  }
});

describe('a runtime that stores its schedule of epochs', () => {
  test('has it in the facts; others have none', async () => {
    newer.setStorage(() => rules({ index: 17, lastBlock: 690, pendingAt: 0 }));
    expect(valueOf(await read(newer)).epoch).toEqual({
      index: 17,
      lastBlock: 690,
      pendingAt: 0,
      blocksSinceLastStep: 10,
    });
    expect(valueOf(await read(older)).epoch).toBeNull();
  });

  test('counts unrevealed commits in the queue of the epoch that the next block belongs to', async () => {
    const commits = [hotkey('a'), hotkey('b'), hotkey('a')];
    const waiting = async (lastBlock: number, pendingAt: number): Promise<number> => {
      newer.setStorage(() => ({
        ...rules({ index: 17, lastBlock, pendingAt }),
        'SubtensorModule.TimelockedWeightCommits': {
          ...queue(17, commits),
          ...queue(18, [hotkey('a')]),
        },
      }));
      return valueOf(await read(newer)).commitReveal.unrevealed;
    };
    // A tempo of 9: block 701 runs the epoch when the last one was in block 692 or before.
    expect(await waiting(693, 0)).toBe(2);
    expect(await waiting(692, 0)).toBe(1);
    expect(await waiting(699, BLOCK + 1)).toBe(1);
    expect(await waiting(699, BLOCK + 2)).toBe(2);
  });

  test('derives the activity cutoff from a factor of the tempo', async () => {
    newer.setStorage(() => ({
      ...rules(),
      'SubtensorModule.ActivityCutoffFactorMilli': { [netuidHex]: '0xb0040000' }, // 1.2
    }));
    const { hyperparameters } = valueOf(await readMetagraph(newer.api, AT));
    expect(hyperparameters.activityCutoff).toBe(10);
    expect(valueOf(await readWeightsRow(newer.api, AT)).activityCutoff).toBe(10);
  });
});

test('what another runtime ran is unavailable: its absent items would pass for defaults', async () => {
  older.setSpecVersion(() => 344);
  expect(await read(older)).toEqual({
    known: false,
    reason: 'unavailable',
    detail: 'spec 344 ran block 700, the connection knows spec 343',
  });
  older.setSpecVersion((block) => (block < BLOCK ? 342 : 343));
  expect(await read(older)).toMatchObject({
    reason: 'unavailable',
    detail: 'block 700 upgrades spec 342 to spec 343',
  });
});

test('an answer of another block, and a uid that the subnet does not have, are malformed', async () => {
  older.setCall((args) => metagraph(args, BLOCK - 1));
  expect(await read(older)).toMatchObject({
    reason: 'malformed',
    detail: 'metagraph: it is of block 699, not 700',
  });
  older.setCall((args) => metagraph(args));
  older.setStorage(() => ({
    ...rules(),
    'SubtensorModule.Uids': { [accountHex(AT.hotkey)]: hex(u16(8)) },
  }));
  expect(await read(older)).toMatchObject({
    reason: 'malformed',
    detail: `metagraph: no entry for uid 8 of ${AT.hotkey}`,
  });
});

test('a subnet that is not there is empty', async () => {
  older.setCall(() => '0x00');
  expect(await read(older)).toMatchObject({ reason: 'empty' });
});

test('a rate limit without a bound is as good as never, and a weights version keeps its 64 bits', async () => {
  const most = (1n << 64n) - 1n;
  older.setStorage(() => ({
    ...rules(),
    'SubtensorModule.WeightsSetRateLimit': { [netuidHex]: hex(u64(most)) },
    'SubtensorModule.WeightsVersionKey': { [netuidHex]: hex(u64(most)) },
  }));
  expect(valueOf(await read(older))).toMatchObject({
    weightsRateLimit: Number.MAX_SAFE_INTEGER,
    weightsVersion: most,
  });
});

const EXTRA = {
  blockHash: AT.blockHash,
  parentHash: hashOf(BLOCK - 1).slice(2),
  events: [],
  specVersion: 343,
  blockHashes: () => null,
};

/** Of the development chain: its key has no default, unlike Finney's. */
const beaconConfig =
  codec.storageValue(subnet, String(older.api.query['drand']?.['beaconConfig']?.key()), EXTRA) ??
  '';

const netuidHex = hex(u16(NETUID)).slice(2);

function read({ api }: typeof older): Promise<Known<SubmissionFacts>> {
  return readSubmissionFacts(api, AT);
}

/** Storage where it differs from the defaults of the metadata. */
function rules(epoch?: { index: number; lastBlock: number; pendingAt: number }): Stored {
  const { index = 0, lastBlock = 0, pendingAt = 0 } = epoch ?? {};
  return {
    'Drand.BeaconConfig': { '': beaconConfig },
    'Timestamp.Now': { '': hex(u64(subnet.timestampMs)) },
    'SubtensorModule.Uids': { [accountHex(AT.hotkey)]: hex(u16(UID.a)) },
    'SubtensorModule.LastUpdate': {
      [netuidHex]: hex(vector(Array.from({ length: 8 }, () => u64(0)))),
    },
    'SubtensorModule.Tempo': { [netuidHex]: hex(u16(9)) },
    'SubtensorModule.BlocksSinceLastStep': { [netuidHex]: hex(u64(10)) },
    'SubtensorModule.SubnetEpochIndex': { [netuidHex]: hex(u64(index)) },
    'SubtensorModule.LastEpochBlock': { [netuidHex]: hex(u64(lastBlock)) },
    'SubtensorModule.PendingEpochAt': { [netuidHex]: hex(u64(pendingAt)) },
  };
}

/** Twox64Concat keeps the epoch at the end of the key. */
function queue(epoch: number, hotkeys: readonly string[]): Record<string, string> {
  const commits = hotkeys.map((hotkey) =>
    Buffer.concat([Buffer.from(accountHex(hotkey), 'hex'), u64(650), vector([]), u64(1_000)]),
  );
  return { [hex(u64(epoch)).slice(2)]: hex(vector(commits)) };
}

function metagraph(args: string, block = BLOCK): string {
  const name = 'SubnetInfoRuntimeApi_get_selective_mechagraph';
  return codec.callApi({ ...subnet, block }, name, args, EXTRA);
}
