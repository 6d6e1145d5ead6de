import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { QUICKNET } from '#src/chain/drand.ts';
import {
  blocksUntilNextEpoch,
  commitEpoch,
  type EpochSchedule,
  epochOf,
  firstRevealBlock,
  revealRound,
} from '#src/chain/reveal-schedule.ts';

const byNumber = (block: number): EpochSchedule => ({ block, netuid: 1, tempo: 99, epoch: null });
const stored = (
  block: number,
  tempo: number,
  [lastBlock, pendingAt, index, blocksSinceLastStep]: [number, number, number, number],
): EpochSchedule => ({
  block,
  netuid: 36,
  tempo,
  epoch: { lastBlock, pendingAt, index, blocksSinceLastStep },
});

describe('where the block number decides', () => {
  test.each([
    [6_852_597, 0],
    [6_852_690, 7],
    [6_852_598, 99],
  ])('block %i of a mainnet subnet is %i blocks away from its epoch', (block, left) => {
    expect(blocksUntilNextEpoch(byNumber(block))).toBe(left);
  });

  test('the block after the one that runs the epoch is the first of the next', () => {
    expect(epochOf(byNumber(6_852_597))).toBe(68_525);
    expect(epochOf(byNumber(6_852_598))).toBe(68_526);
  });

  test('a commit included by the block that runs the epoch counts for the next one', () => {
    // Read at 95 and 96, included at 96 and 97: block 97 is the last one of epoch 0.
    expect([95, 96].map((block) => commitEpoch(byNumber(block)))).toEqual([0, 1]);
    expect([95, 96].map((block) => firstRevealBlock(byNumber(block), 1))).toEqual([98, 198]);
  });

  test('the first reveal block is the first block of its epoch', () => {
    fc.assert(
      fc.property(
        fc.nat(9_000_000),
        fc.nat(65_535),
        fc.integer({ min: 1, max: 65_535 }),
        fc.integer({ min: 1, max: 100 }),
        (block, netuid, tempo, period) => {
          const schedule = { block, netuid, tempo, epoch: null };
          const reveal = firstRevealBlock(schedule, period) ?? Number.NaN;
          const at = (other: number) => epochOf({ ...schedule, block: other });
          expect(at(reveal)).toBe((commitEpoch(schedule) ?? Number.NaN) + period);
          expect(at(reveal - 1)).toBe(at(reveal) - 1);
          expect(reveal).toBeGreaterThan(block);
        },
      ),
    );
  });
});

describe('where the chain stores its epochs', () => {
  test.each<[string, EpochSchedule, number, number, number]>([
    ['in the middle of an epoch', stored(1_300, 360, [1_000, 0, 5, 300]), 1, 5, 1_360],
    ['two epochs later', stored(1_300, 360, [1_000, 0, 5, 300]), 2, 5, 1_720],
    ['before the block that runs it', stored(1_358, 360, [1_000, 0, 5, 358]), 1, 5, 1_360],
    ['for the block that runs it', stored(1_359, 360, [1_000, 0, 5, 359]), 1, 6, 1_720],
    ['when an epoch is called forward', stored(91, 20, [80, 95, 0, 0]), 1, 0, 95],
    ['when an epoch is overdue', stored(50_401, 50_400, [0, 0, 3, 50_401]), 1, 4, 100_802],
    ['when only the pause is too long', stored(500, 400, [300, 0, 3, 50_401]), 1, 4, 901],
  ])('a commit %s has its epoch and its reveal', (_name, schedule, period, epoch, reveal) => {
    expect(commitEpoch(schedule)).toBe(epoch);
    expect(firstRevealBlock(schedule, period)).toBe(reveal);
  });

  test('block by block, the chain comes to the same reveal block', () => {
    const block = fc.integer({ min: 1, max: 2_000 });
    fc.assert(
      fc.property(
        fc.record({
          last: block,
          ahead: fc.nat(800),
          tempo: fc.integer({ min: 1, max: 700 }),
          pending: fc.oneof(fc.constant(0), fc.nat(4_000)),
          since: fc.oneof(fc.nat(800), fc.integer({ min: 50_000, max: 50_500 })),
          period: fc.integer({ min: 1, max: 4 }),
        }),
        ({ last, ahead, tempo, pending, since, period }) => {
          const schedule = stored(last + ahead, tempo, [last, pending, 7, since]);
          expect({
            epoch: commitEpoch(schedule),
            reveal: firstRevealBlock(schedule, period),
          }).toEqual(walk(schedule, period));
        },
      ),
    );
  });

  test('blocks until the epoch are counted to the block that runs it', () => {
    expect(blocksUntilNextEpoch(stored(1_300, 360, [1_000, 0, 5, 300]))).toBe(60);
    expect(blocksUntilNextEpoch(stored(1_360, 360, [1_360, 0, 6, 0]))).toBe(360);
    expect(blocksUntilNextEpoch(stored(91, 20, [80, 95, 0, 0]))).toBe(4);
  });
});

test('a subnet without tempo runs no epoch', () => {
  for (const schedule of [{ ...byNumber(10), tempo: 0 }, stored(10, 0, [10, 0, 0, 0])]) {
    expect(commitEpoch(schedule)).toBeNull();
    expect(blocksUntilNextEpoch(schedule)).toBeNull();
    expect(firstRevealBlock(schedule, 1)).toBeNull();
  }
});

describe('revealRound', () => {
  const at = { headBlock: 1_300, revealBlock: 1_360, blockMs: 12_000, beacon: QUICKNET };

  test('is published just before the third block after the first reveal block', () => {
    expect(revealRound({ ...at, timestampMs: 1_764_000_000_000 })).toBe(23_732_463);
    const slow = { genesisTime: 1_764_000_000 - 5, period: 30 };
    // 63 blocks of 12 s are 756 s, and 5 s had passed before: round 25 is out at 720 s, round 26 at 750 s.
    expect(revealRound({ ...at, timestampMs: 1_764_000_000_000, beacon: slow })).toBe(25);
  });

  test('is the first round for a chain whose clock is behind the beacon', () => {
    expect(revealRound({ ...at, timestampMs: 0 })).toBe(1);
  });
});

/** The rule as the chain applies it, one block after the other. */
function walk(schedule: EpochSchedule, period: number): { epoch: number; reveal: number } {
  let { index, lastBlock, pendingAt, blocksSinceLastStep } = schedule.epoch ?? {
    index: Number.NaN,
    lastBlock: Number.NaN,
    pendingAt: Number.NaN,
    blocksSinceLastStep: Number.NaN,
  };
  let epoch: number | null = null;
  for (let block = schedule.block + 1; ; block++) {
    const runs =
      (pendingAt > 0 && block >= pendingAt) ||
      blocksSinceLastStep > 50_400 ||
      block - lastBlock >= schedule.tempo;
    const before = index + (runs ? 1 : 0);
    epoch ??= before;
    if (before === epoch + period) return { epoch, reveal: block };
    blocksSinceLastStep++;
    if (runs) [index, lastBlock, pendingAt, blocksSinceLastStep] = [index + 1, block, 0, 0];
  }
}

const FIXTURE = '../shared/fixtures/vectors/epoch.json';
const Fixture = z.object({
  stateful_spec_ge_423: z.array(
    z.object({
      name: z.string(),
      state: z.object({
        last: z.int(),
        pending: z.int(),
        index: z.int(),
        tempo: z.int(),
        since: z.int(),
        head: z.int(),
      }),
      reveal_period_epochs: z.int(),
      commitEpoch: z.int().nullable().default(null),
      reveal: z.int().nullable().default(null),
    }),
  ),
  reveal_round_v2: z.array(
    z.object({
      now: z.number(),
      head: z.int(),
      reveal_block: z.int(),
      block_time: z.number(),
      round: z.int(),
    }),
  ),
  modulo_spec_lt_423: z.array(
    z.object({
      netuid: z.int(),
      tempo: z.int(),
      block: z.int(),
      blocks_until_next_epoch: z.int(),
    }),
  ),
});

describe.skipIf(!existsSync(FIXTURE))(`the vectors of ${FIXTURE}`, () => {
  const read = () => Fixture.parse(JSON.parse(readFileSync(FIXTURE, 'utf8')));

  test('stored schedules', () => {
    for (const { name, state, reveal_period_epochs: period, ...expected } of read()
      .stateful_spec_ge_423) {
      const { head, tempo, last, pending, index, since } = state;
      const schedule = stored(head, tempo, [last, pending, index, since]);
      expect(commitEpoch(schedule), name).toBe(expected.commitEpoch);
      expect(firstRevealBlock(schedule, period), name).toBe(expected.reveal);
    }
  });

  test('schedules by block number', () => {
    for (const { blocks_until_next_epoch: left, ...schedule } of read().modulo_spec_lt_423)
      expect(blocksUntilNextEpoch({ ...schedule, epoch: null })).toBe(left);
  });

  test('rounds', () => {
    for (const { now, head, reveal_block: revealBlock, block_time, round } of read()
      .reveal_round_v2) {
      const clock = { timestampMs: now * 1_000, headBlock: head, blockMs: block_time * 1_000 };
      expect(revealRound({ ...clock, revealBlock, beacon: QUICKNET })).toBe(round);
    }
  });
});
