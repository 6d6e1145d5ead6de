import type { ChainError } from './chain.ts';
import { chainError } from './chain-error.ts';
import { commitEpochEnd, type EpochSchedule } from './reveal-schedule.ts';

/**
 * The error of a timelocked commit that is signed too near to the end of its epoch, or null. Included in the
 * next one it would be revealed no earlier than a commit that is signed there, and its round would be public
 * an epoch before that.
 */
export function preflightEpochEnd(schedule: EpochSchedule): ChainError | null {
  const { block, tempo } = schedule;
  const end = commitEpochEnd(schedule);
  const room = Math.min(ROOM_BLOCKS, Math.floor(tempo / 3));
  if (end === null || end - block >= room) return null;
  return chainError(
    'EpochEnding',
    `commits count for the next epoch from block ${end}; one that is signed at block ${block} may come too late for this one`,
    end,
  );
}

/**
 * Blocks of a timelocked commit's era, the one that it is signed at among them: the most that end before
 * commits count for the next epoch, so that a late one dies. In an epoch that is too short for any, the least.
 */
export function commitPeriod(schedule: EpochSchedule): number {
  const end = commitEpochEnd(schedule) ?? Infinity;
  return LONGER_PERIODS.find((period) => schedule.block + period <= end) ?? LEAST_PERIOD;
}

/** An era is of 2^n blocks. The chain finalises in 2 or 3 and includes in 1 or 2 more: fewer are no chance. */
const LEAST_PERIOD = 8;

/** Longest first: 32 blocks are 6 minutes, through a short gap between two nodes. */
const LONGER_PERIODS = [32, 16] as const;

/** Where less is left of an epoch no era ends before it; of a short epoch two thirds are left to commit in. */
const ROOM_BLOCKS = LEAST_PERIOD;
