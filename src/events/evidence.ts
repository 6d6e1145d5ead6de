import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { Hex32, Ss58 } from './scalars.ts';

/** What evidence shows; each kind has its own rule. */
export const EvidenceKind = z.enum([
  'report',
  'commitment',
  'report-vs-chain',
  'checkpoint',
  'checkpoint-vs-anchor',
  'roster',
]);
export type EvidenceKind = z.infer<typeof EvidenceKind>;

/** Two reports of 256 miners take 36,000 characters, escaped once; the event escapes them again. */
export const MAX_EVIDENCE_LENGTH = 44_000;

/**
 * Evidence against a validator was verified. `run` is the one that it misbehaved in; where the evidence
 * belongs to no run, the newest one that this log had opened. It excludes the hotkey from every later run.
 */
export const EvidenceAccepted = defineEvent(
  'evidence.accepted.v1',
  {
    kind: EvidenceKind,
    hotkey: Ss58,
    /** SHA-256 of `file`, which is the whole evidence file: EJ1 text. */
    digest: Hex32,
    file: z.string().max(MAX_EVIDENCE_LENGTH),
  },
  ({ digest }) => digest,
);
