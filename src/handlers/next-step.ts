import type { Phases } from '../events/run.ts';
import type { UnknownReason } from '../events/snapshot.ts';
import type { WeightMode } from '../events/weights.ts';
import { isAnchorDue } from './anchor-progress.ts';
import type { LastAttempt, RunProgress, Step } from './run-progress.ts';
import { weightSteps } from './weight-step.ts';

/**
 * A run closes by itself so many blocks before the commit block: an extrinsic is in a block within four
 * or five, and the rest is for one that has to be signed again. A short run gives half of its time.
 */
const COMMIT_ROOM_BLOCKS = 20;

/** A node without an archive keeps the state of about 300 blocks: read six times as often, nothing is lost. */
const READ_EVERY_BLOCKS = 50;

/**
 * The next step of a run at a finalised block. Phases are block numbers, so every validator that sees
 * the same blocks takes the same steps, however late it starts. `tried` names the steps of this block:
 * one that changed nothing is not taken again before the next block, and gives way to what can go on.
 */
export function nextStep(
  progress: RunProgress,
  block: number,
  mode: WeightMode,
  tried: ReadonlySet<Step> = NOTHING_TRIED,
): Step {
  if (block < progress.phases.snapshot) return 'wait';
  const ofTheRun = progress.done
    ? []
    : [
        scoringStep(progress, block),
        commitmentStep(progress, block),
        openingStep(progress, block),
        proofStep(progress),
        readingStep(progress, block, mode),
        phaseStep(progress, block, mode),
        lateStep(progress, block, mode),
        ...weightSteps(progress, block),
      ];
  const wanted = [followStep(progress), ...ofTheRun, anchorStep(progress, block)];
  return wanted.find((step) => step !== null && !tried.has(step)) ?? 'wait';
}

const NOTHING_TRIED: ReadonlySet<Step> = new Set();

/** The last block at which scores are taken while the run is open. */
function lastScoringBlock(
  { snapshot, commit }: Phases,
  { commits }: Readonly<{ commits: boolean }>,
): number {
  if (!commits) return commit;
  return commit - Math.min(COMMIT_ROOM_BLOCKS, Math.floor((commit - snapshot) / 2)) - 1;
}

function followStep({ commitment, anchor, weights }: RunProgress): Step | null {
  if (commitment?.living === true) return 'follow-commitment';
  if (anchor.last?.living === true) return 'follow-anchor';
  return weights.last?.living === true ? 'follow-weights' : null;
}

function scoringStep(progress: RunProgress, block: number): Step | null {
  const { phases, status, reportSigned, rostersDiffer } = progress;
  // Held for want of a quorum, by everybody who knows in time. Once a report is signed the run goes on: an owner who does
  // not like a result could take the run back by a second roster.
  if (rostersDiffer && !reportSigned) return status === 'open' ? 'close-run' : null;
  // After the commit block peers' reports can be read: no score may be taken any more, whatever the chain says.
  if (status === 'open') return block > lastScoringBlock(phases, progress) ? 'close-run' : null;
  // Signed as soon as it is closed, so that there is something to commit to before the phase ends.
  return !reportSigned && block < phases.decide ? 'sign-report' : null;
}

/** Whatever is signed at a finalised block comes into a later one, so at the commit block it is too late. */
function commitmentStep(progress: RunProgress, block: number): Step | null {
  const { commits, reportSigned, commitment, lane, phases } = progress;
  if (!commits || !reportSigned || lane.busy || block >= phases.commit) return null;
  return commitment === null || isDue(commitment, block) ? 'sign-commitment' : null;
}

/** Whether an attempt that is over may be made again. */
function isDue({ retryAt }: LastAttempt, block: number): boolean {
  return retryAt !== null && retryAt <= block;
}

/** Once nobody can commit any more, whoever reads the log may know the scores. A run that is open may get more of them. */
function openingStep({ phases, status, scoresOpened }: RunProgress, block: number): Step | null {
  return block > phases.commit && status === 'closed' && !scoresOpened ? 'open-scores' : null;
}

/** Nodes forget the state of a block, and what no state holds any more nobody can prove. */
function proofStep({ proofDue }: RunProgress): Step | null {
  return proofDue ? 'prove-commitment' : null;
}

/** Commitments are overwritten, and old state is forgotten: a long phase is read piece by piece. */
function readingStep(progress: RunProgress, block: number, mode: WeightMode): Step | null {
  const { phases, openTaken, decided, commitmentsRead } = progress;
  if (mode === 'owner' || !openTaken || decided) return null;
  const from = commitmentsRead ?? phases.snapshot;
  if (from >= phases.commit) return null;
  return block > phases.commit || block - from >= READ_EVERY_BLOCKS ? 'read-commitments' : null;
}

/** What a run does once, from the snapshot of its voters to the intent of what to set. */
function phaseStep(progress: RunProgress, block: number, mode: WeightMode): Step | null {
  const { phases } = progress;
  if (!progress.openTaken && !isGivenUp(progress.openMissed, phases, block))
    return 'take-open-snapshot';
  if (block <= phases.commit) return null;
  // In `owner` mode a validator lends its scores to the others' quorum, and needs none of theirs.
  if (block < phases.decide) return mode === 'owner' ? null : 'exchange-reports';
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
function isGivenUp(missed: UnknownReason | null, phases: Phases, block: number): boolean {
  return missed !== null && isHalfOver(phases, block);
}

function isHalfOver({ decide, certify }: Phases, block: number): boolean {
  return 2 * block >= decide + certify;
}

function consensusStep(progress: RunProgress, block: number, mode: WeightMode): Step | null {
  if (!progress.decided) return decideStep(progress, block);
  if (progress.certified || progress.certificateMissed) return ownerStep(progress, block, mode);
  if (block >= progress.phases.certify) return 'miss-certificate';
  return progress.votes && !progress.decisionSigned ? 'sign-decision' : 'exchange-decisions';
}

/** Required commitments are waited for as long as snapshots are; without voters there is nothing to wait for. */
function decideStep(progress: RunProgress, block: number): Step | null {
  const { requireCommitment, openTaken, commitmentsRead, commitmentsMissed, phases } = progress;
  const known = commitmentsRead !== null && commitmentsRead >= phases.commit;
  if (!requireCommitment || !openTaken || known || commitmentsMissed) return 'decide';
  return isHalfOver(phases, block) ? 'miss-commitments' : null;
}

function ownerStep(progress: RunProgress, block: number, mode: WeightMode): Step | null {
  if (mode !== 'decentralized' && !progress.ownerKnown && !progress.ownerMissed) {
    return block >= progress.phases.certify ? 'miss-owner' : 'observe-owner';
  }
  if (mode === 'shadow' && progress.ownerKnown && !progress.compared) return 'compare-with-owner';
  const { intended } = progress.weights;
  const certifiedSince = intended?.awaitsCertificate === true && progress.certified;
  return intended === null || certifiedSince ? 'intend-weights' : null;
}

/**
 * A certificate that somebody kept back until after the certify block is followed all the same, until a
 * later run's weights stand: otherwise one signer could split the weights by choosing whom to show it.
 */
function lateStep(progress: RunProgress, block: number, mode: WeightMode): Step | null {
  const { weights, certified, certificateMissed, phases } = progress;
  const waiting = weights.intended?.awaitsCertificate === true && !weights.superseded;
  const late = mode === 'decentralized' && certificateMissed && !certified;
  return waiting && late && block > phases.certify ? 'follow-certificate' : null;
}

/** The log grows all the time: its newest checkpoint goes on chain beside the commitment that stands there. */
function anchorStep(progress: RunProgress, block: number): Step | null {
  return isAnchorDue(progress, block) ? 'sign-anchor' : null;
}
