import { z } from 'zod';
import { SubmissionId } from '../events/roster.ts';
import { MAX_MINERS, MAX_TASKS, Phases } from '../events/run.ts';
import { Family, Hex32, RunId, Ss58, TaskId } from '../events/scalars.ts';

/** The DSSE payload type of a roster. */
export const ROSTER_TYPE = 'application/vnd.eirel.roster.v1+json';

/** An upload has at most so many bytes; what a runtime can be handed is less (`MAX_ARCHIVE_BYTES`). */
export const MAX_MANIFEST_LENGTH = 4_096;

/** What ConfigMap chunks of 1,000,000 bytes hold, and no more is ever asked for. */
export const MAX_ARCHIVE_BYTES = 16_000_000;

/** One submission of a run. The manifest is the EJ1 text of what `submission.yaml` says. */
export const RosterMember = z.strictObject({
  hotkey: Ss58,
  submission: SubmissionId,
  archive: Hex32,
  bytes: z.int().min(1).max(MAX_ARCHIVE_BYTES),
  manifest: z.string().max(MAX_MANIFEST_LENGTH),
});
export type RosterMember = z.infer<typeof RosterMember>;

/**
 * What the subnet's owner signs of a run, once: who takes part with which bytes, by which tasks they are measured,
 * and when each phase ends. Everything that a replay could confuse is inside.
 */
export const RosterBody = z.strictObject({
  v: z.literal('eirel/roster/1'),
  genesis: Hex32,
  netuid: z.int().min(0).max(65_535),
  family: Family,
  run: RunId,
  /** Counts the rosters of a family: a later run has a higher one. */
  epoch: z.int().min(0),
  taskSet: Hex32,
  tasks: z.array(TaskId).min(1).max(MAX_TASKS),
  /** How many of the tasks count, chosen by the snapshot block's hash; null where all do. */
  sample: z.int().min(1).max(MAX_TASKS).nullable(),
  phases: Phases,
  members: z.array(RosterMember).min(1).max(MAX_MINERS),
});
export type RosterBody = z.infer<typeof RosterBody>;

/** 256 members with their manifests. */
export const MAX_ROSTER_BYTES = 2_000_000;
