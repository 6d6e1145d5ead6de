import type { InRun } from '../events/define-event.ts';
import type { Attempt } from '../projectors/extrinsics.ts';
import type { AnchorProgress, RunProgress } from './run-progress.ts';
import { lastAttempt } from './weight-progress.ts';

/**
 * So many blocks before a deadline of any run no anchor is signed: what is signed may live for 64 blocks
 * before it gives way, and what has the deadline needs some of its own.
 */
const ANCHOR_CLEARANCE_BLOCKS = 84;

/** What the log says of a run's anchors: only the newest run that was committed to has its text on chain. */
export function anchorProgressOf(
  view: Readonly<{
    run: InRun;
    latestCommitted: InRun | null;
    commitmentAttempts: readonly Attempt[];
    anchorAttempts: readonly Attempt[];
  }>,
  { anchorInterval }: Readonly<{ anchorInterval: number }>,
): AnchorProgress {
  const { run, latestCommitted, commitmentAttempts, anchorAttempts } = view;
  const last = anchorAttempts.at(-1);
  const isLatest = latestCommitted?.family === run.family && latestCommitted.run === run.run;
  // The block of the newest that is on chain; the commitment itself carries a checkpoint.
  const standsSince = [...commitmentAttempts, ...anchorAttempts].flatMap(({ settled }) =>
    settled?.outcome === 'succeeded' ? [settled.block] : [],
  );
  return {
    last: last === undefined ? null : lastAttempt(last),
    dueAt: isLatest && standsSince.length > 0 ? Math.max(...standsSince) + anchorInterval : null,
  };
}

/**
 * Whether the newest checkpoint is to be anchored at a block. Nothing waits for an anchor, so it keeps out of
 * the way of what does have a deadline: commitments, and the block at which weights change.
 */
export function isAnchorDue(
  { commits, anchor, lane, phases }: Pick<RunProgress, 'commits' | 'anchor' | 'lane' | 'phases'>,
  block: number,
): boolean {
  const { last, dueAt } = anchor;
  if (!commits || dueAt === null || block < dueAt || lane.busy || lane.commitmentAhead)
    return false;
  if (last !== null && !last.succeeded && (last.retryAt === null || last.retryAt > block))
    return false;
  return ![phases.certify, lane.nextTarget].some(
    (target) => target !== null && target > block && target - block <= ANCHOR_CLEARANCE_BLOCKS,
  );
}
