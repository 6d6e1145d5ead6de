import type { Phases } from '../events/run.ts';
import type { UnknownReason } from '../events/snapshot.ts';
import type { WeightProgress } from './weight-progress.ts';

/** What the log says about one run, as far as the next step depends on it. */
export type RunProgress = Readonly<{
  phases: Phases;
  status: 'open' | 'closed';
  /** Its weights are over: what was signed is followed, and its commitment anchored, nothing else. */
  done: boolean;
  /** Voters, stake and incumbent were read at the snapshot block. */
  openTaken: boolean;
  /** Why the chain's answer for the snapshot block was not used, if it was asked and gave none. */
  openMissed: UnknownReason | null;
  /** Seats were looked up again at the decide block. */
  currentTaken: boolean;
  /** Why the chain's answer for the decide block was not used, if it was asked and gave none. */
  currentMissed: UnknownReason | null;
  reportSigned: boolean;
  /** The owner is convicted of two rosters of this run. */
  rostersDiffer: boolean;
  /** This validator commits to its reports on chain. */
  commits: boolean;
  /** The newest attempt to commit to the report. */
  commitment: LastAttempt | null;
  /** The commitment is on chain, and the chain was not yet asked to prove it. */
  proofDue: boolean;
  /** No decision without knowing what the voters committed to. */
  requireCommitment: boolean;
  /** The last block up to which the voters' commitments are known; null before the first read. */
  commitmentsRead: number | null;
  commitmentsMissed: boolean;
  /** The key of the run's sealed facts is in the log. */
  scoresOpened: boolean;
  decided: boolean;
  /** The decision can be certified: voters are known, and this validator is one of them. */
  votes: boolean;
  decisionSigned: boolean;
  certified: boolean;
  certificateMissed: boolean;
  ownerKnown: boolean;
  ownerMissed: boolean;
  compared: boolean;
  anchor: AnchorProgress;
  weights: WeightProgress;
  lane: Lane;
}>;

/** How an attempt to do something on chain stands. */
export type LastAttempt = Readonly<{
  /** Signed and not settled: it may still be included. */
  living: boolean;
  succeeded: boolean;
  /** The block from which a further attempt may pass; null while living, and after a success. */
  retryAt: number | null;
}>;

/** How the log is anchored again beside a run's commitment. */
export type AnchorProgress = Readonly<{
  /** The newest attempt; null before the first. */
  last: LastAttempt | null;
  /** The block from which the newest checkpoint is anchored; null where another run's commitment stands, or none. */
  dueAt: number | null;
}>;

/** What else is about to happen under this hotkey, whose extrinsics follow each other by their nonces. */
export type Lane = Readonly<{
  /** An extrinsic of some run may still be included: nothing is signed beside it. */
  busy: boolean;
  /** Some run's commitment has yet to be signed. It has a deadline, so weights wait for it. */
  commitmentDue: boolean;
  /** Some run's commitment is yet to be made and near its deadline. An anchor has none, so it waits for that. */
  commitmentAhead: boolean;
  /** When the next run's weights are due; null where no later run is under way. */
  nextTarget: number | null;
}>;

/** What the validator does next for a run; each is safe to repeat after a crash. */
export type Step =
  | 'wait'
  | 'follow-commitment'
  | 'follow-anchor'
  | 'follow-weights'
  | 'close-run'
  | 'sign-report'
  | 'sign-commitment'
  | 'prove-commitment'
  | 'open-scores'
  | 'take-open-snapshot'
  | 'read-commitments'
  | 'exchange-reports'
  | 'take-current-snapshot'
  | 'miss-commitments'
  | 'decide'
  | 'sign-decision'
  | 'exchange-decisions'
  | 'miss-certificate'
  | 'follow-certificate'
  | 'observe-owner'
  | 'miss-owner'
  | 'compare-with-owner'
  | 'intend-weights'
  | 'supersede-weights'
  | 'sign-weights'
  | 'observe-weights'
  | 'sign-anchor'
  | 'done';
