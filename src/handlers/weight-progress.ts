import { digestOf } from '../consensus/outcome.ts';
import { sha256 } from '../events/hash.ts';
import type { Intent } from '../projectors/decisions.ts';
import type { Attempt, Observed } from '../projectors/extrinsics.ts';
import type { LastAttempt } from './run-progress.ts';

/** How far the newest intent of a run is from standing on the chain. */
export type WeightProgress = Readonly<{
  /** The intent that stands; null until weights were intended. */
  intended: Readonly<{
    targetBlock: number;
    /** Digest of the vector; null where nothing may be set. */
    carries: string | null;
    /** It holds the incumbent for want of a certificate. */
    awaitsCertificate: boolean;
  }> | null;
  /** A later run has an intent of its own: this one's must not be set over it. */
  superseded: boolean;
  /** The newest attempt to set weights in this run, for whichever intent. */
  last: (LastAttempt & Readonly<{ carries: string }>) | null;
  /** Attempts that succeeded and were not looked at since, with the block from which the chain shows them. */
  unobserved: readonly Readonly<{ attempt: number; from: number }>[];
  /** The chain does not hold what the newest success carried, and that has not come too often in a row. */
  mismatched: boolean;
  /** When the newest success has to be repeated; null before the first. */
  dueAt: number | null;
  /** The newest success carried the intended vector: whatever is signed now sets it again. */
  repeats: boolean;
  /** Blocks between two updates of this hotkey's weights. */
  rateLimit: number;
}>;

/** The chain's default, until an observation tells what this subnet has. */
const RATE_LIMIT_BLOCKS = 100;

/**
 * Blocks after the first one that may reveal a timelocked commit: its drand round comes out about three
 * blocks later, and a pulse can be late.
 */
const REVEAL_PATIENCE_BLOCKS = 5;

/** Attempts whose vector the chain did not take over, before it is only tried once in a period. */
const MAX_MISMATCHES = 3;

/** What the log of a run says about its weights. */
export function weightProgressOf(
  log: Readonly<{
    intents: readonly Intent[];
    attempts: readonly Attempt[];
    observations: readonly Observed[];
    superseded: boolean;
  }>,
  at: Readonly<{ self: string; run: string; interval: number }>,
): WeightProgress {
  const { intents, attempts, observations, superseded } = log;
  const intended = intents.at(-1);
  const last = attempts.at(-1);
  const seen = observations.at(-1);
  const successes = attempts.filter(({ settled }) => settled?.outcome === 'succeeded');
  const newest = successes.at(-1);
  const carries = intended?.vector == null ? null : digestOf(intended.vector);
  const failed = observations.length - 1 - observations.findLastIndex(({ matches }) => matches);
  return {
    intended:
      intended === undefined
        ? null
        : {
            targetBlock: intended.targetBlock,
            carries,
            awaitsCertificate: intended.mode === 'decentralized' && intended.outcome === null,
          },
    superseded,
    last: last === undefined ? null : { ...lastAttempt(last), carries: carriedBy(last) },
    unobserved: successes
      .filter(({ attempt }) => attempt > (seen?.attempt ?? 0))
      .map(({ attempt, signed, settled }) => ({
        attempt,
        from:
          signed?.reveal == null
            ? (settled?.block ?? 0) + 1
            : signed.reveal.block + REVEAL_PATIENCE_BLOCKS,
      })),
    mismatched:
      seen !== undefined &&
      seen.attempt === newest?.attempt &&
      !seen.matches &&
      failed < MAX_MISMATCHES,
    dueAt: newest?.settled == null ? null : newest.settled.block + periodOf(seen ?? null, at),
    repeats: newest !== undefined && carriedBy(newest) === carries,
    rateLimit: seen?.weightsRateLimit ?? RATE_LIMIT_BLOCKS,
  };
}

/** The newest attempt that the chain can be asked about at a finalised block; an older one is under it. */
export function observableAt({ unobserved }: WeightProgress, block: number): number | null {
  return unobserved.findLast(({ from }) => from <= block)?.attempt ?? null;
}

/** How an attempt of any purpose stands. */
export function lastAttempt({ settled }: Attempt): LastAttempt {
  return {
    living: settled === null,
    succeeded: settled?.outcome === 'succeeded',
    retryAt: settled?.retryAt ?? null,
  };
}

/**
 * Blocks from one success to the next: the interval and this validator's own part of an eighth of it, so
 * that not all submit in one block; half of the activity cutoff where that is shorter, because after the
 * whole of it a validator counts no more.
 */
function periodOf(
  seen: Observed | null,
  { self, run, interval }: Readonly<{ self: string; run: string; interval: number }>,
): number {
  const spread = Math.floor(interval / 8) + 1;
  const jitter = Number.parseInt(sha256(`${self}/${run}`).slice(0, 8), 16) % spread;
  const period = interval + jitter;
  return seen === null
    ? period
    : Math.max(1, Math.min(period, Math.floor(seen.activityCutoff / 2)));
}

function carriedBy({ signed, settled }: Attempt): string {
  return signed?.carries ?? settled?.carries ?? '';
}
