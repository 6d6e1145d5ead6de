import type { Chain } from '../chain/chain.ts';
import { decide } from '../consensus/decide.ts';
import type { Signer, Verify } from '../consensus/keys.ts';
import { wantedSeats } from '../consensus/snapshot.ts';
import { countingTasks } from '../evaluation/sample.ts';
import type { Rules } from '../events/decision.ts';
import type { RunKeys } from '../events/run-key.ts';
import type { SnapshotPhase } from '../events/snapshot.ts';
import type { WeightMode } from '../events/weights.ts';
import * as decisions from '../projectors/decisions.ts';
import { tallies } from '../projectors/score-store.ts';
import type { Fetch } from './ask-peers.ts';
import type { Checkpoints } from './checkpoints.ts';
import { closeRun } from './control-run.ts';
import { decideRun } from './decide-run.ts';
import { exchangeDecisions, missCertificate, signDecision } from './exchange-decisions.ts';
import { decisionExchangeOf } from './exchange-inputs.ts';
import { type ExchangeDeps, exchangeWithPeers } from './exchange-with-peers.ts';
import { missOwner, observeOwner } from './observe-owner.ts';
import { performCommitments } from './perform-commitments.ts';
import { performWeights } from './perform-weights.ts';
import { recordDivergence } from './record-divergence.ts';
import type { Recorder } from './recorder.ts';
import type { Step } from './run-progress.ts';
import { factsOf, type Projections, type RunView } from './run-view.ts';
import { signReport } from './sign-report.ts';
import type { SigningHistory } from './signing-history.ts';
import { takeSnapshot } from './take-snapshot.ts';

/** Who this validator is and which rules it follows. */
export type Identity = Readonly<{
  /** The family whose runs it judges: each sets the whole vector, so there is one for a validator. */
  family: string;
  rules: Rules;
  genesis: string;
  netuid: number;
  mode: WeightMode;
  minStake: bigint;
  ownerUrl: string | null;
  /** Who signs rosters, by this validator's own configuration; null where it takes none. */
  ownerHotkey: string | null;
  /** Whether this validator commits to its reports on chain. */
  commitScores: boolean;
  /** Blocks after which the newest intent's weights are set again. */
  weightInterval: number;
  /** Blocks after which the newest checkpoint is anchored on chain again. */
  anchorInterval: number;
  /** Generation of the log that it writes. */
  generation: number;
}>;

export type StepDeps = Readonly<{
  projections: Projections;
  signer: Signer;
  verify: Verify;
  chain: Omit<Chain, 'finalizedBlock'>;
  fetch: Fetch;
  /** What was cosigned of others' logs. */
  witnessState: ExchangeDeps['witnessState'];
  /** Where evidence comes in. */
  desk: ExchangeDeps['desk'];
  /** What this hotkey has signed: asked before it signs a report, a commitment or a decision. */
  history: SigningHistory;
  /** The published checkpoints of the log, which commitments on chain name. */
  checkpoints: Pick<Checkpoints, 'published'>;
  /** The keys of the log's sealed facts. */
  keys: RunKeys;
  record: Recorder;
  signal: AbortSignal;
  /** The last block that a whole round was made for; null before the first. */
  settled: () => number | null;
}>;

/** Performs one step; gives what an outside party refused, if it did. */
export async function performStep(
  step: Exclude<Step, 'wait' | 'done'>,
  view: RunView,
  block: number,
  identity: Identity,
  deps: StepDeps,
): Promise<string | null> {
  switch (step) {
    case 'take-open-snapshot':
      return readChain('open', view, identity, deps);
    case 'take-current-snapshot':
      return readChain('decide', view, identity, deps);
    case 'close-run':
      return close(view, block, deps);
    case 'sign-report':
      return report(view, identity, deps);
    case 'exchange-reports':
      return exchangeWithPeers(view, identity, deps);
    case 'decide':
      return decideOrAsk(view, block, identity, deps);
    case 'sign-decision':
    case 'exchange-decisions':
    case 'miss-certificate':
    case 'follow-certificate':
      return agree(step, view, block, identity, deps);
    case 'observe-owner':
    case 'miss-owner':
    case 'compare-with-owner':
      return consultOwner(step, view, identity, deps);
    case 'sign-commitment':
    case 'prove-commitment':
    case 'follow-commitment':
    case 'sign-anchor':
    case 'follow-anchor':
    case 'open-scores':
    case 'read-commitments':
    case 'miss-commitments':
      return performCommitments(step, view, block, identity, deps);
    case 'intend-weights':
    case 'supersede-weights':
    case 'sign-weights':
    case 'follow-weights':
    case 'observe-weights':
      return performWeights(step, view, block, identity, deps);
    default:
      return step satisfies never;
  }
}

async function close(
  { run: found, rostersDiffer }: RunView,
  block: number,
  { record }: Pick<StepDeps, 'record'>,
): Promise<null> {
  const { family, run, phases } = found;
  const due = block <= phases.commit ? 'commit-due' : 'commit-phase-ended';
  const reason = rostersDiffer ? 'rosters-differ' : due;
  await closeRun({ family, run, reason }, { record, findRun: () => Promise.resolve(found) });
  return null;
}

async function readChain(
  phase: SnapshotPhase,
  view: RunView,
  { minStake }: Identity,
  deps: StepDeps,
): Promise<string | null> {
  const { family, run, phases } = view.run;
  const block = phase === 'open' ? phases.snapshot : phases.decide;
  const miners = wantedSeats(view.run.miners, phase === 'decide' ? view.open : null);
  // At the decide block an answer is measured against this run's own snapshot, else against the runs before.
  const lastRowCount =
    phase === 'decide' && view.open !== null
      ? view.open.rowCount
      : await decisions.lastRowCount(deps.projections.decisions, run);
  const taken = await takeSnapshot(
    { family, run, phase, block, miners, lastRowCount, minStake },
    { metagraph: deps.chain.metagraph, missed: view.missed, record: deps.record },
  );
  if (phase === 'decide' || taken === null) return null;
  const votes = taken.voters.some(({ hotkey }) => hotkey === deps.signer.hotkey);
  return votes
    ? null
    : `${deps.signer.hotkey} has no permit, no stake, or no seat at block ${block}`;
}

async function report(
  view: RunView,
  { genesis, netuid }: Identity,
  deps: StepDeps,
): Promise<string | null> {
  const { family, run, roster, miners, tasks, sample, phases } = view.run;
  const counting = countingTasks({ tasks, sample }, view.open?.blockHash ?? null);
  const scores = await tallies(deps.projections.scoreStore, { family, run, tasks: counting });
  return signReport(
    {
      genesis,
      netuid,
      family,
      run,
      roster,
      snapshotBlock: phases.snapshot,
      miners,
      taskCount: sample ?? tasks.length,
      tallies: scores,
    },
    deps,
  );
}

/**
 * Decides, but never for want of a quorum before the peers had a block to open their reports in.
 * Blocks can become final many at a time, so that no round fell between the commit and the decide
 * block: then the peers are asked, and the decision waits for the next block, as long as a certificate
 * can still be reached.
 */
async function decideOrAsk(
  view: RunView,
  block: number,
  identity: Identity,
  deps: StepDeps,
): Promise<string | null> {
  const facts = await factsOf(view, identity, deps.projections);
  const { commit, certify } = view.run.phases;
  if (!facts.open.known || block >= certify || decide(facts).decision.quorum.reached) {
    await decideRun(facts, deps);
    return null;
  }
  await exchangeWithPeers(view, identity, deps);
  const settled = deps.settled();
  if ((settled === null || settled <= commit) && block + 1 < certify) return 'no quorum yet';
  await decideRun(await factsOf(view, identity, deps.projections), deps);
  return null;
}

async function agree(
  step: 'sign-decision' | 'exchange-decisions' | 'miss-certificate' | 'follow-certificate',
  view: RunView,
  block: number,
  identity: Identity,
  deps: StepDeps,
): Promise<string | null> {
  if (step === 'follow-certificate' && !isTurn(block, deps.settled())) return null;
  const exchange = await decisionExchangeOf(view, identity, {
    self: deps.signer.hotkey,
    queries: deps.projections.decisions,
  });
  if (exchange === null) return null;
  const note = step === 'sign-decision' ? await signDecision(exchange, deps) : null;
  if (step === 'miss-certificate') await missCertificate(exchange, block, deps);
  // Without a statement of our own the others' are gathered all the same.
  else if (step !== 'sign-decision' || note !== null) await exchangeDecisions(exchange, deps);
  return note;
}

/** After the certify block peers are asked once in so many: all of a subnet may be asking for the rest of a run. */
const LATE_EVERY_BLOCKS = 10;

/** Whether the last whole round was in an earlier stretch of blocks. */
function isTurn(block: number, settled: number | null): boolean {
  const stretch = (at: number): number => Math.floor(at / LATE_EVERY_BLOCKS);
  return settled === null || stretch(settled) < stretch(block);
}

async function consultOwner(
  step: 'observe-owner' | 'miss-owner' | 'compare-with-owner',
  view: RunView,
  { ownerUrl }: Identity,
  deps: StepDeps,
): Promise<string | null> {
  const { family, run } = view.run;
  if (step === 'compare-with-owner') {
    const { decision, owner } = view;
    if (decision === null || owner.observed === null) return null;
    return recordDivergence(decision, owner.observed, deps);
  }
  const ask = step === 'miss-owner' ? missOwner : observeOwner;
  return (await ask({ family, run, ownerUrl }, deps)).reason;
}
