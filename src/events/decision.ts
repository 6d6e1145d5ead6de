import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { RejectionReason } from './report.ts';
import { MAX_MINERS } from './run.ts';
import {
  Block,
  Family,
  Fraction,
  Hex32,
  RunId,
  ScoreNano,
  Signature,
  Ss58,
  StakeRao,
  Uid,
} from './scalars.ts';
import { MAX_VALIDATORS, Seat, UnknownReason } from './snapshot.ts';
import { Vector, WeightReason } from './weights.ts';

/** The rules that a decision follows, in force on every validator of the subnet (version `swm/1`). */
export const Rules = z.strictObject({
  version: z.literal('swm/1'),
  /** Share of the voters' stake whose reports must be in. */
  quorum: Fraction,
  /** Share of the voters' stake that must have scored a miner. */
  minerQuorum: Fraction,
  /** Distinct coldkeys among the reporting voters. */
  minColdkeys: z.int().min(1).max(MAX_VALIDATORS),
  /** By how much a challenger's median must reach above the incumbent's. */
  margin: ScoreNano,
  /** The family's share of the whole weight; the rest burns to uid 0. */
  familyShare: ScoreNano,
  /** Entries that the subnet asks a vector to have; short vectors are padded with zero weights. */
  minVectorLength: z.int().min(1).max(256),
  /** Share of the voters' stake that must sign one outcome. */
  certificateQuorum: Fraction,
  /** Whether a peer's report counts only with a commitment to it on chain by the commit block. */
  requireCommitment: z.boolean(),
});
export type Rules = z.infer<typeof Rules>;

/** A fact read from the chain for this decision, by content; or why there is none. */
export const SnapshotRef = z.discriminatedUnion('known', [
  z.strictObject({ known: z.literal(true), block: Block, blockHash: Hex32, digest: Hex32 }),
  z.strictObject({ known: z.literal(false), reason: UnknownReason }),
]);
export type SnapshotRef = z.infer<typeof SnapshotRef>;

/** What the chain said of the voters' commitments, by content; or why it said nothing. */
export const CommitmentsRef = z.discriminatedUnion('known', [
  /** SHA-256 of the EJ1 form of what was found, reads of one run taken together. */
  z.strictObject({ known: z.literal(true), digest: Hex32 }),
  z.strictObject({ known: z.literal(false), reason: UnknownReason }),
]);
export type CommitmentsRef = z.infer<typeof CommitmentsRef>;

/**
 * What became of each voter's report. Everything that was left out is listed, with its reason. `excluded`:
 * evidence of an earlier run's misbehaviour was accepted; which evidence is not said, so that validators
 * that hold different files against one hotkey have the same inputs.
 */
export const ReportInput = z.strictObject({
  hotkey: Ss58,
  stake: StakeRao,
  status: z.enum(['accepted', 'missing', 'rejected', 'equivocated', 'excluded']),
  reason: RejectionReason.nullable(),
  digest: Hex32.nullable(),
});
export type ReportInput = z.infer<typeof ReportInput>;

/** All that a decision rests on; `reports` has one entry for each voter, sorted by hotkey. */
export const InputsGathered = defineEvent('inputs.gathered.v1', {
  rules: Rules,
  genesis: Hex32,
  netuid: Uid,
  roster: Hex32,
  decideBlock: Block,
  open: SnapshotRef,
  current: SnapshotRef,
  /** Null where the rules require no commitment: then none enters the decision. */
  commitments: CommitmentsRef.nullable(),
  reports: z.array(ReportInput).max(MAX_VALIDATORS),
});
export type InputsRecord = z.infer<typeof InputsGathered.data>;

/** One miner's standing: the median of those who scored it, and how much stake that was. */
export const MinerMedian = z.strictObject({
  miner: Ss58,
  uid: Uid.nullable(),
  median: ScoreNano.nullable(),
  stake: StakeRao,
  status: z.enum(['eligible', 'insufficient', 'unregistered']),
});
export type MinerMedian = z.infer<typeof MinerMedian>;

/** What everybody should agree on, whatever late report some of them missed. */
export const Outcome = z.strictObject({
  v: z.literal('eirel/outcome/1'),
  rules: z.literal('swm/1'),
  genesis: Hex32,
  netuid: Uid,
  family: Family,
  run: RunId,
  roster: Hex32,
  open: SnapshotRef,
  kind: z.enum(['winner', 'hold', 'burn']),
  reason: WeightReason,
  /** Who gets the family's share; null when it burns or when the incumbent is unknown. */
  winner: Seat.nullable(),
  /** The exact u16 vector; null when a hold cannot name it because the chain is unknown. */
  vector: Vector.nullable(),
  targetBlock: Block,
});
export type Outcome = z.infer<typeof Outcome>;

/** The pure decision over the inputs, the same bytes on every validator that has the same inputs. */
export const DecisionMade = defineEvent('decision.made.v1', {
  /** SHA-256 of the EJ1 form of `inputs.gathered` data. */
  inputs: Hex32,
  quorum: z.strictObject({
    reported: StakeRao,
    total: StakeRao,
    coldkeys: z.int().min(0),
    reached: z.boolean(),
  }),
  medians: z.array(MinerMedian).max(MAX_MINERS),
  incumbent: Seat.nullable(),
  outcome: Outcome,
});
export type DecisionRecord = z.infer<typeof DecisionMade.data>;

/** The DSSE payload type of a signed decision. */
export const STATEMENT_TYPE = 'application/vnd.eirel.decision.v1+json';

/** What a validator signs of its decision. */
export const Statement = z.strictObject({
  v: z.literal('eirel/decision/1'),
  genesis: Hex32,
  netuid: Uid,
  family: Family,
  run: RunId,
  hotkey: Ss58,
  /** SHA-256 of the EJ1 form of the outcome. */
  outcome: Hex32,
  /** Digest of this validator's own inputs: where two differ, it shows. */
  inputs: Hex32,
});
export type Statement = z.infer<typeof Statement>;

const SignedStatement = {
  hotkey: Ss58,
  body: z.string().max(1_024),
  signature: Signature,
  outcome: Hex32,
};

/** This validator signed its decision. */
export const DecisionSigned = defineEvent('decision.signed.v1', SignedStatement);

/** A peer's signed decision passed every check; its outcome may differ from ours. */
export const PeerDecisionAccepted = defineEvent(
  'peer-decision.accepted.v1',
  SignedStatement,
  ({ hotkey, outcome }) => `${hotkey}/${outcome}`,
);

/** A peer's signed decision was refused. */
export const PeerDecisionRejected = defineEvent(
  'peer-decision.rejected.v1',
  { peer: Ss58, reason: RejectionReason, detail: z.string().max(400) },
  ({ peer, reason }) => `${peer}/${reason}`,
);

/** Signatures of at least the certificate quorum of stake on one outcome: one file that anybody can check. */
export const Certificate = z.strictObject({
  v: z.literal('eirel/certificate/1'),
  outcome: Outcome,
  /** Sorted by hotkey, one for each voter. */
  signatures: z
    .array(z.strictObject({ hotkey: Ss58, inputs: Hex32, signature: Signature }))
    .max(MAX_VALIDATORS),
});
export type Certificate = z.infer<typeof Certificate>;

/** A certificate stands for the run. */
export const CertificateBuilt = defineEvent('certificate.built.v1', {
  certificate: Certificate,
  signed: StakeRao,
  total: StakeRao,
});

/** The certify block was finalised without a certificate: the incumbent is held. */
export const CertificateMissed = defineEvent('certificate.missed.v1', {
  block: Block,
  signed: StakeRao,
  total: StakeRao,
});
