import { encode, type Json } from '../events/ej1.ts';
import { REPORT_TYPE, ReportBody } from '../events/report.ts';
import { MAX_MINERS } from '../events/run.ts';
import { ScoreNano } from '../events/scalars.ts';
import {
  authorFault,
  firstIssue,
  mismatch,
  openDocument,
  type Rejected,
  rejected,
} from './document.ts';
import type { Verify } from './keys.ts';
import { verifyDocument } from './signed.ts';

/** The run, network and author that a report must be for. */
export type ReportExpectation = Readonly<{
  genesis: string;
  netuid: number;
  family: string;
  run: string;
  roster: string;
  snapshotBlock: number;
  /** Whose report was asked for; null when it was relayed and any voter's will do. */
  hotkey: string | null;
  voters: ReadonlySet<string>;
}>;

export type ReportCheck =
  | Readonly<{
      kind: 'accepted';
      hotkey: string;
      body: string;
      signature: string;
      digest: string;
      scores: Readonly<Record<string, number>>;
    }>
  | Rejected;

/** The exact text that a validator signs of its scores. */
export function buildReport(fields: Omit<ReportBody, 'v' | 'unit'>): string {
  return encode({ ...fields, v: 'eirel/scores/2', unit: '1e-9' });
}

/**
 * Checks the bytes of a signed report, which may be an attacker's, against the run that was asked for:
 * form, scores, network, run, author, and last the signature, which costs the most. Never throws.
 * Scores of hotkeys outside the roster are kept: no rule looks at them.
 */
export function checkReport(
  raw: Uint8Array,
  expected: ReportExpectation,
  verify: Verify,
): ReportCheck {
  const opened = openDocument(raw, REPORT_TYPE);
  if (opened.kind === 'rejected') return opened;
  const { document, digest, json } = opened;
  const scoreFault = checkScores(json, digest);
  if (scoreFault !== null) return scoreFault;
  const parsed = ReportBody.safeParse(json);
  if (!parsed.success) return rejected('schema', firstIssue(parsed.error.issues), digest);
  const report = parsed.data;
  const fault =
    mismatch(report, expected, REASONS, digest) ??
    authorFault(document.hotkey, report.hotkey, expected, digest);
  if (fault !== null) return fault;
  if (!verifyDocument(document, verify)) {
    return rejected('bad-signature', `no signature of ${document.hotkey} over this body`, digest);
  }
  const { body, hotkey, signature } = document;
  return { kind: 'accepted', hotkey, body, signature, digest, scores: report.scores };
}

const REASONS = {
  genesis: 'wrong-network',
  netuid: 'wrong-netuid',
  family: 'wrong-family',
  run: 'wrong-run',
  roster: 'wrong-roster',
  snapshotBlock: 'wrong-snapshot',
} as const;

/** The faults of a score map that have a reason of their own; all others are the schema's. */
function checkScores(json: Json, digest: string): Rejected | null {
  const scores = isObject(json) ? json['scores'] : undefined;
  if (scores === undefined || !isObject(scores)) return null;
  const entries = Object.entries(scores);
  if (entries.length > MAX_MINERS) {
    return rejected('too-many-miners', `${entries.length} miners, at most ${MAX_MINERS}`, digest);
  }
  for (const [miner, score] of entries) {
    if (typeof score === 'number' && !ScoreNano.safeParse(score).success) {
      return rejected('score-out-of-range', `${score} for ${miner}, in units of 1e-9`, digest);
    }
  }
  return null;
}

function isObject(json: Json): json is { readonly [key: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
