import { describe, expect, test } from 'vitest';
import type { ChainError, Known, Sending, Trace } from '#src/chain/chain.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { ExtrinsicIncluded, ExtrinsicSettled } from '#src/events/extrinsic.ts';
import { sha256 } from '#src/events/hash.ts';
import { type Following, followExtrinsic } from '#src/handlers/follow-extrinsic.ts';
import { dataOf } from '../support/run-events.ts';
import { failure } from '../support/simulated-extrinsics.ts';

const SIGNED = dataOf('run-7', 'extrinsic.signed.v1');
const FOLLOWING: Following = {
  signed: SIGNED,
  seenIn: new Set(),
  retry: { block: 510, failures: 0, interval: 180 },
};
const hashOf = (block: number): string => sha256(`block ${block}`);
const known = (value: Trace): Known<Trace> => ({ known: true, value });
const PENDING = known({ kind: 'pending', block: 510 });
const INCLUDED = known({ kind: 'included', block: 512, blockHash: hashOf(512) });
const UNKNOWN: Known<Trace> = { known: false, reason: 'unavailable', detail: 'no route' };
const SENT: Sending = { kind: 'sent' };
const refused = (error: ChainError): Sending => ({ kind: 'refused', error });

/** What one look at an extrinsic does: the chain's answers in their order, and what was recorded and sent. */
async function follow(
  traces: readonly Known<Trace>[],
  sending: Sending = SENT,
  following: Following = FOLLOWING,
) {
  const recorded: DomainEvent[] = [];
  const sent: string[] = [];
  const answers = [...traces];
  const note = await followExtrinsic(following, {
    trace: () => Promise.resolve(answers.shift() ?? UNKNOWN),
    send: ({ bytes }) => {
      sent.push(bytes);
      return Promise.resolve(sending);
    },
    record: (events) => Promise.resolve(void recorded.push(...events)),
  });
  expect(answers).toEqual([]);
  return { recorded, sent, note };
}

test('what is in no block is sent, the same bytes each time', async () => {
  expect(await follow([PENDING])).toEqual({ recorded: [], sent: [SIGNED.bytes], note: null });
});

test('what is in a block is not sent again, and told once for each block', async () => {
  const { recorded, sent } = await follow([INCLUDED]);
  expect(sent).toEqual([]);
  expect(recorded).toMatchObject([
    { type: 'extrinsic.included.v1', data: { attempt: 1, block: 512, blockHash: hashOf(512) } },
  ]);
  ExtrinsicIncluded.data.parse(recorded[0]?.data);
  const seen = { ...FOLLOWING, seenIn: new Set([hashOf(512)]) };
  expect((await follow([INCLUDED], SENT, seen)).recorded).toEqual([]);
  const retracted = { ...FOLLOWING, seenIn: new Set([hashOf(511)]) };
  expect((await follow([INCLUDED], SENT, retracted)).recorded).toHaveLength(1);
});

describe('the end of an extrinsic', () => {
  const final = (error: ChainError | null) =>
    known({ kind: 'final', block: 509, blockHash: hashOf(509), error });
  test.for<readonly [string, Known<Trace>, object]>([
    [
      'a finalised block that took it',
      final(null),
      { outcome: 'succeeded', block: 509, blockHash: hashOf(509), error: null, retryAt: null },
    ],
    [
      'a finalised block in which it failed',
      final(failure('SettingWeightsTooFast', 'wait', 590)),
      { outcome: 'failed', block: 509, error: 'SettingWeightsTooFast', retryAt: 590 },
    ],
    [
      'its last block',
      known({ kind: 'dead', block: 540, reason: 'expired' }),
      { outcome: 'expired', block: 540, blockHash: null, error: 'Expired', retryAt: 511 },
    ],
    [
      'a runtime that is newer than its signature',
      known({ kind: 'dead', block: 520, reason: 'runtime-upgraded' }),
      { outcome: 'expired', block: 520, error: 'RuntimeUpgraded', errorClass: 'stale' },
    ],
    [
      'another extrinsic with its nonce',
      known({ kind: 'dead', block: 540, reason: 'nonce-taken' }),
      { outcome: 'usurped', block: 540, error: 'NonceTaken', errorClass: 'stale' },
    ],
  ])('is %s', async ([, trace, expected]) => {
    const { recorded, sent } = await follow([trace]);
    expect(sent).toEqual([]);
    expect(recorded).toMatchObject([
      { type: 'extrinsic.settled.v1', data: { hash: SIGNED.hash, carries: SIGNED.carries } },
    ]);
    expect(ExtrinsicSettled.data.parse(recorded[0]?.data)).toMatchObject(expected);
  });

  test("is the pool's refusal, unless the block that made it void has it", async () => {
    const error = failure('Outdated', 'stale');
    const rejected = await follow([PENDING, PENDING], refused(error));
    expect(rejected.recorded).toMatchObject([
      { type: 'extrinsic.settled.v1', data: { outcome: 'rejected', error: 'Outdated' } },
    ]);
    const included = await follow([PENDING, INCLUDED], refused(error));
    expect(included.recorded).toMatchObject([{ type: 'extrinsic.included.v1' }]);
    const succeeded = await follow([PENDING, final(null)], refused(error));
    expect(succeeded.recorded).toMatchObject([{ data: { outcome: 'succeeded' } }]);
    expect((await follow([PENDING, UNKNOWN], refused(error))).recorded).toEqual([]);
  });
});

test.for([refused(failure('PoolFull', 'network')), { kind: 'unknown', detail: 'cut' } as const])(
  'a pool that cannot take it now leaves it living',
  async (sending) => {
    const { recorded, note } = await follow([PENDING], sending);
    expect(recorded).toEqual([]);
    expect(note).not.toBeNull();
  },
);

test('an unknown chain settles nothing, and is not sent to; long after its last block it is given up', async () => {
  const at = (block: number) =>
    follow([UNKNOWN], SENT, { ...FOLLOWING, retry: { ...FOLLOWING.retry, block } });
  const waiting = await at(SIGNED.death + 300);
  expect(waiting).toEqual({ recorded: [], sent: [], note: 'unavailable: no route' });
  expect((await at(SIGNED.death + 301)).recorded).toMatchObject([
    { data: { outcome: 'expired', error: 'Untraced', block: SIGNED.death + 301 } },
  ]);
});

test('whatever a node calls its errors fits the event', async () => {
  const error = { ...failure('x'.repeat(500), 'bug'), detail: '\ud800'.repeat(500) };
  const { recorded } = await follow([PENDING, PENDING], refused(error));
  expect(ExtrinsicSettled.data.safeParse(recorded[0]?.data).success).toBe(true);
  const nameless = await follow([PENDING, PENDING], refused({ ...error, name: '' }));
  expect(ExtrinsicSettled.data.safeParse(nameless.recorded[0]?.data).success).toBe(true);
});
