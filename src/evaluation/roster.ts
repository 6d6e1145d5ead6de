import { z } from 'zod';
import { SignedDocument } from '../consensus/signed.ts';
import { encode } from '../events/ej1.ts';
import { sha256 } from '../events/hash.ts';
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
 * and when each phase ends. Everything that a replay could confuse is inside. The long lists stand beside it under their
 * digests, so that two signed bodies fit into a file of evidence.
 */
export const RosterBody = z.strictObject({
  v: z.literal('eirel/roster/1'),
  genesis: Hex32,
  netuid: z.int().min(0).max(65_535),
  family: Family,
  run: RunId,
  /** Counts the rosters of a family: a later run has a higher one. */
  epoch: z.int().min(0),
  /** SHA-256 of the task set's bytes. */
  taskSet: Hex32,
  /** SHA-256 of the EJ1 text of the tasks' ids. */
  tasks: Hex32,
  /** How many of the tasks count, chosen by the snapshot block's hash; null where all do. */
  sample: z.int().min(1).max(MAX_TASKS).nullable(),
  phases: Phases,
  /** SHA-256 of the EJ1 text of the members. */
  members: Hex32,
});
export type RosterBody = z.infer<typeof RosterBody>;

/** The roster as it is served and kept, in EJ1: the signed body, and the lists whose digests it has. */
export const RosterDocument = z.strictObject({
  /** Sorted by hotkey; no hotkey and no submission twice. */
  members: z.array(RosterMember).min(1).max(MAX_MINERS),
  signed: SignedDocument,
  /** Sorted, each once. */
  tasks: z.array(TaskId).min(1).max(MAX_TASKS),
});
export type RosterDocument = z.infer<typeof RosterDocument>;

/** 256 members whose manifests have 6,000 bytes each when they are escaped. */
export const MAX_ROSTER_BYTES = 2_000_000;

/** What a roster's body says of one of its lists: SHA-256 of the list's EJ1 text. */
export function listDigest(list: readonly string[] | readonly RosterMember[]): string {
  return sha256(encode(list));
}

/**
 * The fewest blocks from one phase's end to the next one's. A run closes at half of its time at the latest, for a
 * commitment that is in a block within four or five; blocks become final several at a time, and peers are asked once a
 * block; half of the time until the certificate is due is left to the chain.
 */
const MIN_PHASE_BLOCKS = { commit: 10, decide: 3, certify: 4 } as const;

/** What is wrong with the lists of a roster, in words; null when they are in order. */
export function memberFault(members: readonly RosterMember[]): string | null {
  const unsorted = firstUnsorted(members.map(({ hotkey }) => hotkey));
  if (unsorted !== null) return `members are not sorted, each hotkey once, at ${unsorted}`;
  const submissions = members.map(({ submission }) => submission).toSorted();
  const repeated = firstUnsorted(submissions);
  return repeated === null ? null : `submission ${repeated} stands there twice`;
}

/** What is wrong with the tasks of a roster, in words; null when they are in order. */
export function taskFault(tasks: readonly string[], sample: number | null): string | null {
  const unsorted = firstUnsorted(tasks);
  if (unsorted !== null) return `tasks are not sorted, each once, at ${unsorted}`;
  if (sample === null || sample <= tasks.length) return null;
  return `a sample of ${sample} from ${tasks.length} tasks`;
}

/** What is wrong with the phases of a roster beyond their order, in words; null when there is time for each. */
export function phaseFault({ snapshot, commit, decide, certify }: Phases): string | null {
  const given = { commit: commit - snapshot, decide: decide - commit, certify: certify - decide };
  for (const phase of ['commit', 'decide', 'certify'] as const) {
    const least = MIN_PHASE_BLOCKS[phase];
    if (given[phase] < least) return `${given[phase]} blocks until ${phase}, at least ${least}`;
  }
  return null;
}

/**
 * A sample is chosen by the hash of the snapshot block, and whoever knew that could choose the tasks by it. A block's hash
 * is known some three blocks before it is final: two minutes leave room for a chain that is slower than usual.
 */
const SAMPLE_LEAD_BLOCKS = 10;

/** Three minutes more for validators to have the roster before their own limit. */
const PUBLISH_LEAD_BLOCKS = SAMPLE_LEAD_BLOCKS + 15;

/**
 * What is wrong with the time at which a validator sees a roster, or at which its owner publishes it, with `block` the
 * newest finalised one; in words, null when nothing is. Without a sample there is nothing to be known beforehand.
 */
export function sampleFault(
  { sample, phases }: Pick<RosterBody, 'sample' | 'phases'>,
  { block, by }: Readonly<{ block: number; by: 'owner' | 'validator' }>,
): string | null {
  const earliest = block + (by === 'owner' ? PUBLISH_LEAD_BLOCKS : SAMPLE_LEAD_BLOCKS);
  if (sample === null || phases.snapshot >= earliest) return null;
  return `with a sample, a snapshot at block ${earliest} or later: its hash chooses the tasks, and block ${block} is final`;
}

/** The first text that is not greater than the one before it. */
function firstUnsorted(texts: readonly string[]): string | null {
  return texts.find((text, index) => index > 0 && (texts[index - 1] ?? '') >= text) ?? null;
}
