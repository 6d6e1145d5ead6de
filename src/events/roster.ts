import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { MAX_TASKS } from './run.ts';
import { Detail, Hex32, Ss58 } from './scalars.ts';

/** The name of a submission: a UUID, or any other short name that is safe in a path and in a label. */
export const SubmissionId = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'a name of at most 63 characters [a-z0-9-]');

/** The owner's signed roster of a run passed every check; its document is kept under its digest. */
export const RosterAccepted = defineEvent('roster.accepted.v1', {
  /** SHA-256 of the signed body: the `roster` of `run.opened`. */
  roster: Hex32,
  /** SHA-256 of the document's bytes: what it is kept under. */
  document: Hex32,
  taskSet: Hex32,
  epoch: z.int().min(0),
  members: z.int().min(0),
  /** How many of the tasks count, chosen by the snapshot block's hash; null where all do. */
  sample: z.int().min(1).max(MAX_TASKS).nullable(),
});

/** A roster that was refused as a whole. */
export const RosterRefused = defineEvent(
  'roster.refused.v1',
  {
    /** SHA-256 of its body; null where there was none to be read. */
    roster: Hex32.nullable(),
    reason: z.enum([
      'malformed',
      'wrong-network',
      'wrong-run',
      'wrong-family',
      'wrong-signer',
      'bad-signature',
      'bad-members',
      'bad-phases',
      'snapshot-not-ahead',
      'another-roster',
      'task-set-differs',
    ]),
    detail: Detail,
  },
  ({ roster, reason }) => `${roster ?? 'unread'}/${reason}`,
);

/** A member's archive is here: its bytes have the hash that the roster has, and its listing is within the limits. */
export const ArchiveAccepted = defineEvent(
  'archive.accepted.v1',
  {
    submission: SubmissionId,
    miner: Ss58,
    archive: Hex32,
    bytes: z.int().min(0),
    entries: z.int().min(0),
    /** Who had it: the owner, or a peer by its hotkey. */
    from: z.union([z.literal('owner'), Ss58]),
  },
  ({ submission }) => submission,
);

/** A member whose archive does not run here, and why; others may still show its right bytes. */
export const ArchiveRefused = defineEvent(
  'archive.refused.v1',
  {
    submission: SubmissionId,
    miner: Ss58,
    archive: Hex32,
    /** SHA-256 of the bytes that came; null where none did. */
    found: Hex32.nullable(),
    reason: z.enum([
      'hash-differs',
      'unavailable',
      'too-large',
      'not-an-archive',
      'unsafe',
      'manifest-differs',
    ]),
    from: z.union([z.literal('owner'), Ss58]),
    detail: Detail,
  },
  ({ submission, found, from, reason }) =>
    `${submission}/${from}/${reason}${found === null ? '' : `/${found}`}`,
);
