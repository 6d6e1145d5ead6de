import { z } from 'zod';
import { defineLogEvent } from './define-event.ts';
import { Family, Hex32, RunId } from './scalars.ts';
import { WeightMode } from './weights.ts';

const Count = z.int().min(0);

/** How far the consensus agreed with the owner's picks over a window of closed runs, without the records themselves. */
export const GateFigures = z.strictObject({
  /** The window's size as asked for, and the runs at its ends; null when no run is closed. */
  window: z.strictObject({
    size: z.int().min(1),
    firstRun: RunId.nullable(),
    lastRun: RunId.nullable(),
  }),
  /** Closed runs in the window: `recorded + missing`. */
  runs: Count,
  recorded: Count,
  /** Closed runs that were not compared: dropping those that disagree would show here. */
  missing: Count,
  /** Later comparisons of the window's runs, which do not count. */
  repeated: Count,
  /** Runs in which both named a winner, and those in which it was the same. */
  agreement: z.strictObject({ agreed: Count, compared: Count }),
  /** Records whose rank correlation is undefined: an owner that names only its winner gives none. */
  undefinedRank: Count,
  /** The mean of the defined ones in millionths; null when there is none. */
  meanRhoMillionths: z.int().min(-1_000_000).max(1_000_000).nullable(),
  /** Common miners of the best sets, of how many places, over the records that have an overlap. */
  overlap: z.strictObject({ common: Count, of: Count }),
});
export type GateFigures = z.infer<typeof GateFigures>;

/**
 * The validator began to set weights in another mode than before. What the change to `decentralized` rests
 * on is quoted: the figures of the gate over everything before this event, and the newest checkpoint.
 */
export const ModeChanged = defineLogEvent(
  'mode.changed.v1',
  {
    /** Counts the changes of this log from 1. */
    number: z.int().min(1),
    family: Family,
    /** Null at the first start. */
    from: WeightMode.nullable(),
    to: WeightMode,
    figures: GateFigures,
    /** Null where none was published yet. */
    checkpoint: z.strictObject({ size: Count, root: Hex32 }).nullable(),
  },
  ({ number }) => String(number),
);
