import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { MAX_MINERS } from './run.ts';
import { Block, Detail, Family, Hex32, RunId, ScoreNano, Signature, Ss58 } from './scalars.ts';

/** The DSSE payload type of a score report. */
export const REPORT_TYPE = 'application/vnd.eirel.scores.v2+json';

/** 256 miners take 61 bytes each; the rest is room for the other fields. */
export const MAX_REPORT_BYTES = 20_000;

/**
 * What a validator signs: its own score of every miner that it judged. Everything that a replay could
 * confuse (network, subnet, family, run, roster, author) is inside the signed bytes.
 */
export const ReportBody = z.strictObject({
  v: z.literal('eirel/scores/2'),
  genesis: Hex32,
  netuid: z.int().min(0).max(65_535),
  family: Family,
  run: RunId,
  roster: Hex32,
  snapshotBlock: Block,
  hotkey: Ss58,
  unit: z.literal('1e-9'),
  scores: z
    .record(Ss58, ScoreNano)
    .refine((scores) => Object.keys(scores).length <= MAX_MINERS, `at most ${MAX_MINERS} miners`),
});
export type ReportBody = z.infer<typeof ReportBody>;

/** A report as it is stored and exchanged: the exact signed text, and the signature over its DSSE encoding. */
const Signed = {
  hotkey: Ss58,
  body: z.string().max(MAX_REPORT_BYTES),
  signature: Signature,
  /** SHA-256 of the body: what identifies a report (sr25519 signatures are randomised). */
  digest: Hex32,
};

/** How much of the run one miner's composite rests on. */
export const Coverage = z.strictObject({
  miner: Ss58,
  judged: z.int().min(0),
  excused: z.int().min(0),
  missing: z.int().min(0),
});
export type Coverage = z.infer<typeof Coverage>;

/** This validator signed its report of a closed run; the same bytes are served for ever. */
export const ReportSigned = defineEvent('report.signed.v1', {
  ...Signed,
  coverage: z.array(Coverage).max(MAX_MINERS),
});

/** A peer's report passed every check. */
export const PeerReportAccepted = defineEvent(
  'peer-report.accepted.v1',
  { ...Signed, servedBy: Ss58 },
  ({ hotkey, digest }) => `${hotkey}/${digest}`,
);

/**
 * Why a peer's answer was not used. The first group is the transport's, the second the content's; the
 * last two are of a decision, for a good report that is not the one that its author committed to.
 */
export const RejectionReason = z.enum([
  'address-forbidden',
  'address-invalid',
  'unreachable',
  'redirected',
  'timeout',
  'too-slow',
  'headers-too-large',
  'body-too-large',
  'encoding-refused',
  'truncated',
  'malformed-response',
  'peer-busy',
  'aborted',
  'status',
  'not-canonical',
  'schema',
  'wrong-certificate',
  'wrong-digest',
  'wrong-hotkey',
  'unknown-hotkey',
  'bad-signature',
  'wrong-network',
  'wrong-netuid',
  'wrong-family',
  'wrong-run',
  'wrong-roster',
  'wrong-snapshot',
  'score-out-of-range',
  'too-many-miners',
  'commitment-missing',
  'commitment-mismatch',
]);
export type RejectionReason = z.infer<typeof RejectionReason>;

/** A peer's answer was refused; recorded once per peer, thing asked for, and reason. */
export const PeerReportRejected = defineEvent(
  'peer-report.rejected.v1',
  { peer: Ss58, reason: RejectionReason, detail: Detail, digest: Hex32.nullable() },
  ({ peer, reason, digest }) => `${peer}/${reason}/${digest ?? 'none'}`,
);

/** A validator signed two different reports for one run: both are evidence, neither counts. */
export const EquivocationRecorded = defineEvent(
  'equivocation.recorded.v1',
  { ...Signed, servedBy: Ss58, firstDigest: Hex32 },
  ({ hotkey }) => hotkey,
);
