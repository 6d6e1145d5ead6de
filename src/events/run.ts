import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { Block, Hex32, Ss58, TaskId } from './scalars.ts';

/** A run's tasks and miners each fit one event with room to spare, and cover a subnet of 256 uids. */
export const MAX_TASKS = 256;
export const MAX_MINERS = 256;

/**
 * The phases of a run as finalised block numbers, never wall clock: facts are read at `snapshot`,
 * scores stay sealed through `commit`, reports are exchanged until `decide`, and a certificate must
 * stand by `certify`.
 */
export const Phases = z
  .strictObject({ snapshot: Block, commit: Block, decide: Block, certify: Block })
  .refine(
    ({ snapshot, commit, decide, certify }) =>
      snapshot < commit && commit < decide && decide < certify,
    'phases in the order snapshot < commit < decide < certify',
  );
export type Phases = z.infer<typeof Phases>;

/** A run was opened: what will be scored, whom it scores, and when each phase ends. */
export const RunOpened = defineEvent('run.opened.v1', {
  /** SHA-256 of the owner-signed roster. */
  roster: Hex32,
  miners: z.array(Ss58).min(1).max(MAX_MINERS).refine(isSortedSet, 'sorted, without repeats'),
  tasks: z.array(TaskId).min(1).max(MAX_TASKS).refine(isSortedSet, 'sorted, without repeats'),
  phases: Phases,
});

/**
 * A run was closed: no score of it is recorded after this event. `commit-due`: the report had to be
 * signed now for its commitment to be on chain in time. `rosters-differ`: the owner signed two rosters of it, so it is
 * scored by none.
 */
export const RunClosed = defineEvent('run.closed.v1', {
  reason: z.enum(['requested', 'commit-due', 'commit-phase-ended', 'rosters-differ']),
});

/** True when each item is greater than the one before it. */
function isSortedSet(items: readonly string[]): boolean {
  return items.every((item, index) => index === 0 || (items[index - 1] ?? '') < item);
}
