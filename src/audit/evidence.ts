import type { EvidenceKind } from '../events/evidence.ts';
import { sha256 } from '../events/hash.ts';
import { checkCheckpointAndAnchor, checkCheckpoints } from './evidence-checkpoints.ts';
import { checkCommitments, checkReportAndCommitment } from './evidence-commitments.ts';
import { checkReports, checkRosters } from './evidence-documents.ts';
import {
  type Accusation,
  type Check,
  type EvidenceContext,
  parseEvidence,
  type Refused,
} from './evidence-form.ts';

/** What a file proves. */
export type Evidence = Accusation &
  Readonly<{
    kind: EvidenceKind;
    /** SHA-256 of the file's text. */
    digest: string;
  }>;

export type EvidenceCheck = Readonly<{ kind: 'proved'; evidence: Evidence }> | Refused;

/**
 * Whether a file proves that one hotkey signed two statements that an honest one never signs both of; each
 * kind's rule stands with its function. The text may be an attacker's: it costs at most two signature
 * checks, after everything else was found right. Never throws.
 */
export function checkEvidence(text: string, context: EvidenceContext): EvidenceCheck {
  const file = parseEvidence(text);
  if (file.kind === 'refused') return file;
  const accusation = CHECKS[file.kind](file.statements, context);
  if ('kind' in accusation) return accusation;
  return { kind: 'proved', evidence: { ...accusation, kind: file.kind, digest: sha256(text) } };
}

const CHECKS: Readonly<Record<EvidenceKind, Check>> = {
  report: checkReports,
  commitment: checkCommitments,
  'report-vs-chain': checkReportAndCommitment,
  checkpoint: checkCheckpoints,
  'checkpoint-vs-anchor': checkCheckpointAndAnchor,
  roster: checkRosters,
};
