import type { Phases } from '../events/run.ts';
import type { UnknownReason } from '../events/snapshot.ts';
import type { WeightMode } from '../events/weights.ts';

/** What the log says about one run, as far as the next step depends on it. */
export type RunProgress = Readonly<{
  phases: Phases;
  status: 'open' | 'closed';
  /** Voters, stake and incumbent were read at the snapshot block. */
  openTaken: boolean;
  /** Why the chain's answer for the snapshot block was not used, if it was asked and gave none. */
  openMissed: UnknownReason | null;
  /** Seats were looked up again at the decide block. */
  currentTaken: boolean;
  /** Why the chain's answer for the decide block was not used, if it was asked and gave none. */
  currentMissed: UnknownReason | null;
  reportSigned: boolean;
  decided: boolean;
  /** The decision can be certified: voters are known, and this validator is one of them. */
  votes: boolean;
  decisionSigned: boolean;
  certified: boolean;
  certificateMissed: boolean;
  ownerKnown: boolean;
  ownerMissed: boolean;
  compared: boolean;
  /** Null until weights were intended. */
  intended: Readonly<{ settable: boolean; targetBlock: number }> | null;
  /** A later run has an intent of its own: this one's must not be set over it. */
  superseded: boolean;
  submitted: boolean;
  observed: boolean;
}>;

/** What the validator does next for a run; each is safe to repeat after a crash. */
export type Step =
  | 'wait'
  | 'take-open-snapshot'
  | 'close-run'
  | 'sign-report'
  | 'exchange-reports'
  | 'take-current-snapshot'
  | 'decide'
  | 'sign-decision'
  | 'exchange-decisions'
  | 'miss-certificate'
  | 'observe-owner'
  | 'miss-owner'
  | 'compare-with-owner'
  | 'intend-weights'
  | 'supersede-weights'
  | 'submit-weights'
  | 'observe-weights'
  | 'done';

/**
 * The next step of a run at a finalised block. Phases are block numbers, so every validator that sees
 * the same blocks takes the same steps, however late it starts.
 */
export function nextStep(progress: RunProgress, block: number, mode: WeightMode): Step {
  const { phases } = progress;
  if (block < phases.snapshot) return 'wait';
  // Peers' reports can be read from here on: no score may be taken any more, whatever the chain says.
  if (progress.status === 'open' && block > phases.commit) return 'close-run';
  // Signed as soon as it is closed, so that there is something to commit to before the phase ends.
  if (progress.status === 'closed' && !progress.reportSigned && block < phases.decide)
    return 'sign-report';
  if (!progress.openTaken && !isGivenUp(progress.openMissed, phases, block))
    return 'take-open-snapshot';
  if (block <= phases.commit) return 'wait';
  // In `owner` mode a validator lends its scores to the others' quorum, and needs none of theirs.
  if (block < phases.decide) return mode === 'owner' ? 'wait' : 'exchange-reports';
  if (!progress.currentTaken && !isGivenUp(progress.currentMissed, phases, block))
    return 'take-current-snapshot';
  return mode === 'owner' ? ownerStep(progress, block, mode) : consensusStep(progress, block, mode);
}

/**
 * The chain has had half of the time until the certificate is due to say what it held at a block. Asking
 * on would leave no time to agree; giving up at once would hold the incumbent for one lost answer. A
 * block that was never asked for is asked for however late it is: without the voters of the snapshot
 * block a validator that was away could not follow the others' certificate.
 */
function isGivenUp(
  missed: UnknownReason | null,
  { decide, certify }: Phases,
  block: number,
): boolean {
  return missed !== null && 2 * block >= decide + certify;
}

function consensusStep(progress: RunProgress, block: number, mode: WeightMode): Step {
  if (!progress.decided) return 'decide';
  if (progress.certified || progress.certificateMissed) return ownerStep(progress, block, mode);
  if (block >= progress.phases.certify) return 'miss-certificate';
  return progress.votes && !progress.decisionSigned ? 'sign-decision' : 'exchange-decisions';
}

function ownerStep(progress: RunProgress, block: number, mode: WeightMode): Step {
  if (mode !== 'decentralized' && !progress.ownerKnown && !progress.ownerMissed) {
    return block >= progress.phases.certify ? 'miss-owner' : 'observe-owner';
  }
  if (mode === 'shadow' && progress.ownerKnown && !progress.compared) return 'compare-with-owner';
  return weightStep(progress, block);
}

function weightStep(progress: RunProgress, block: number): Step {
  const { intended, submitted, observed, superseded } = progress;
  if (intended === null) return 'intend-weights';
  if (!intended.settable) return 'done';
  if (!submitted && superseded) return 'supersede-weights';
  if (!submitted) return block >= intended.targetBlock ? 'submit-weights' : 'wait';
  return observed ? 'done' : 'observe-weights';
}
