import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commitPeriod, preflightEpochEnd } from '#src/chain/commit-window.ts';
import { commitEpoch, type EpochSchedule } from '#src/chain/reveal-schedule.ts';

/** From this block on commits count for the next epoch, by the block number as by stored state. */
const END = 1_061;
const byNumber = (block: number): EpochSchedule => ({ block, netuid: 37, tempo: 99, epoch: null });
const stored = (block: number): EpochSchedule => ({
  ...byNumber(block),
  epoch: { index: 10, lastBlock: END - 99, pendingAt: 0, blocksSinceLastStep: block - END + 99 },
});

describe.each([
  ['where the block number decides', byNumber],
  ['where the chain stores its epochs', stored],
])('%s', (_name, at) => {
  test('a commit is not signed in the last blocks of its epoch, and the next epoch takes it', () => {
    expect(preflightEpochEnd(at(END - 8))).toBeNull();
    for (let block = END - 7; block < END - 1; block += 1)
      expect(preflightEpochEnd(at(block))).toMatchObject({
        name: 'EpochEnding',
        class: 'wait',
        retryAt: END,
      });
    // Included in the next block at the earliest, which is the first of the next epoch.
    expect(preflightEpochEnd(at(END - 1))).toBeNull();
  });

  test.each([
    [END - 32, 32],
    [END - 31, 16],
    [END - 16, 16],
    [END - 15, 8],
    [END - 8, 8],
    [END - 1, 32],
  ])('a commit that is signed at block %i lives for %i blocks', (block, period) => {
    expect(commitPeriod(at(block))).toBe(period);
  });
});

const anySchedule = fc
  .record({
    block: fc.integer({ min: 2_000, max: 9_000_000 }),
    netuid: fc.nat(65_535),
    tempo: fc.integer({ min: 24, max: 50_000 }),
    since: fc.option(fc.nat(60_000)),
    pending: fc.option(fc.nat(100)),
  })
  .map(
    ({ block, netuid, tempo, since, pending }): EpochSchedule => ({
      block,
      netuid,
      tempo,
      epoch:
        since === null
          ? null
          : {
              index: 7,
              lastBlock: block - since,
              pendingAt: pending === null ? 0 : block + pending,
              blocksSinceLastStep: since,
            },
    }),
  );

test('whatever is signed is dead before another epoch could take it', () => {
  fc.assert(
    fc.property(anySchedule, (schedule) => {
      fc.pre(preflightEpochEnd(schedule) === null);
      // Birth included, the era has so many blocks; stored state is that of the end of its own block.
      const last = schedule.block + commitPeriod(schedule) - 1;
      expect(epochOfCommitIn(last, schedule)).toBe(commitEpoch(schedule));
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  [12, 4],
  [9, 3],
  [3, 1],
])('of an epoch of %i blocks two thirds are left to commit in', (tempo, room) => {
  const refused = Array.from({ length: tempo + 1 }, (_, block) =>
    preflightEpochEnd({ block: 100 + block, netuid: 36, tempo, epoch: null }),
  ).filter((error) => error !== null);
  expect(refused).toHaveLength(Math.max(0, room - 2));
});

/** The epoch that a commit counts for in a block after that of the schedule, as the chain comes to it. */
function epochOfCommitIn(included: number, schedule: EpochSchedule): number | null {
  let { block, epoch } = schedule;
  for (; block + 1 < included; block += 1) {
    const before = { ...schedule, block, epoch };
    if (epoch === null) continue;
    const runs = commitEpoch(before) !== epoch.index;
    epoch = runs
      ? { index: epoch.index + 1, lastBlock: block + 1, pendingAt: 0, blocksSinceLastStep: 0 }
      : { ...epoch, blocksSinceLastStep: epoch.blocksSinceLastStep + 1 };
  }
  return commitEpoch({ ...schedule, block, epoch });
}
