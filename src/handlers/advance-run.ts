import type { Chain } from '../chain/chain.ts';
import { holdOutcome } from '../consensus/decide.ts';
import type { Signer, Verify } from '../consensus/keys.ts';
import { digestOf } from '../consensus/outcome.ts';
import { stakeOf } from '../consensus/quorum.ts';
import type { Rules } from '../events/decision.ts';
import type { SnapshotPhase } from '../events/snapshot.ts';
import type { WeightMode } from '../events/weights.ts';
import * as decisions from '../projectors/decisions.ts';
import * as reports from '../projectors/reports.ts';
import { findRun, type Run } from '../projectors/run-state.ts';
import { tallies } from '../projectors/score-store.ts';
import type { Fetch } from './ask-peers.ts';
import { closeRun } from './control-run.ts';
import { decideRun } from './decide-run.ts';
import { exchangeDecisions, signDecision } from './exchange-decisions.ts';
import { exchangeReports, misdeedKey } from './exchange-reports.ts';
import { nextStep, type Step } from './next-step.ts';
import { observeOwner, ownerOutcome } from './observe-owner.ts';
import { recordDivergence } from './record-divergence.ts';
import type { Recorder } from './recorder.ts';
import { factsOf, loadRun, type Projections, progressOf, type RunView } from './run-view.ts';
import { intendWeights, observeWeights, submitWeights } from './set-weights.ts';
import { signReport } from './sign-report.ts';
import { takeSnapshot } from './take-snapshot.ts';
import { endsTheLoop } from './validator-loop.ts';

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
}>;

export type AdvanceDeps = Readonly<{
  projections: Projections;
  signer: Signer;
  verify: Verify;
  chain: Chain;
  fetch: Fetch;
  record: Recorder;
  signal: AbortSignal;
  /** Told of each step taken, and of what an outside party refused, for operators. */
  onStep: (run: string, step: Step, note: string | null) => void;
}>;

/** One round of asking all peers: slow ones must not take the time of the others' next round. */
const EXCHANGE_TIMEOUT_MS = 20_000;

/** A run has at most this many steps that follow each other without waiting for a block. */
const MAX_STEPS = 24;

/**
 * Takes a run as far as it gets at a finalised block: each step is decided on the log alone, performed,
 * and recorded before the next one is decided, so a restart resumes where the log ends. A step that
 * changed nothing waits for the next block. In `shadow` mode an exception in the consensus is thrown
 * like any other, but only after the owner's pick was set: the consensus never stands in its way.
 */
export async function advanceRun(
  run: Run,
  block: number,
  identity: Identity,
  deps: AdvanceDeps,
): Promise<void> {
  try {
    await takeSteps(run, block, identity, deps, identity.mode);
  } catch (error) {
    const apart = identity.mode === 'shadow' && block >= run.phases.certify;
    if (apart && !endsTheLoop(error)) await takeSteps(run, block, identity, deps, 'owner');
    throw error;
  }
}

/** Takes the steps of a mode: the validator's own, or the owner's alone. */
async function takeSteps(
  run: Run,
  block: number,
  identity: Identity,
  deps: AdvanceDeps,
  mode: WeightMode,
): Promise<void> {
  let previous: Step | null = null;
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const current = await findRun(deps.projections.runState, run.family, run.run);
    if (current === null || deps.signal.aborted) return;
    const view = await loadRun(current, deps.projections);
    const step = nextStep(progressOf(view, deps.signer.hotkey), block, mode);
    if (step === 'wait' || step === 'done' || step === previous) return;
    const note = await perform(step, view, block, identity, deps);
    deps.onStep(run.run, step, note);
    previous = step;
  }
}

/** Performs one step; gives what an outside party refused, if it did. */
async function perform(
  step: Exclude<Step, 'wait' | 'done'>,
  view: RunView,
  block: number,
  identity: Identity,
  deps: AdvanceDeps,
): Promise<string | null> {
  const { family, run } = view.run;
  const { record } = deps;
  switch (step) {
    case 'take-open-snapshot':
      return readChain('open', view, identity, deps);
    case 'take-current-snapshot':
      return readChain('decide', view, identity, deps);
    case 'close-run':
      await closeRun(
        { family, run, reason: 'commit-phase-ended' },
        { record, findRun: () => Promise.resolve(view.run) },
      );
      return null;
    case 'sign-report':
      await report(view, identity, deps);
      return null;
    case 'exchange-reports':
      await shareReports(view, identity, deps);
      return null;
    case 'decide':
      await decideRun(await factsOf(view, identity, deps.projections.reports), deps);
      return null;
    case 'sign-decision':
    case 'exchange-decisions':
    case 'miss-certificate':
      return agree(step, view, block, identity, deps);
    case 'observe-owner':
    case 'miss-owner':
    case 'compare-with-owner':
      return consultOwner(step, view, identity, deps);
    case 'intend-weights':
    case 'submit-weights':
    case 'observe-weights':
      return setWeights(step, view, block, identity, deps);
    default:
      return step satisfies never;
  }
}

async function readChain(
  phase: SnapshotPhase,
  view: RunView,
  { minStake }: Identity,
  deps: AdvanceDeps,
): Promise<string | null> {
  const { family, run, phases } = view.run;
  const block = phase === 'open' ? phases.snapshot : phases.decide;
  const incumbent = phase === 'decide' ? view.open?.incumbent : null;
  const miners = [...view.run.miners, ...(incumbent ? [incumbent.hotkey] : [])];
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
  deps: AdvanceDeps,
): Promise<void> {
  const { family, run, roster, miners, tasks, phases } = view.run;
  const scores = await tallies(deps.projections.scoreStore, family, run);
  await signReport(
    {
      genesis,
      netuid,
      family,
      run,
      roster,
      snapshotBlock: phases.snapshot,
      miners,
      tasks,
      tallies: scores,
    },
    deps,
  );
}

async function shareReports(
  view: RunView,
  { genesis, netuid }: Identity,
  deps: AdvanceDeps,
): Promise<void> {
  const { family, run, roster, phases } = view.run;
  const voters = view.open?.voters ?? [];
  const queries = deps.projections.reports;
  const equivocators = await reports.equivocators(queries, family, run);
  const rejections = await reports.rejections(queries, family, run);
  await exchangeReports(
    {
      self: deps.signer.hotkey,
      expected: {
        genesis,
        netuid,
        family,
        run,
        roster,
        snapshotBlock: phases.snapshot,
        hotkey: null,
        voters: new Set(voters.map(({ hotkey }) => hotkey)),
      },
      voters,
      held: await reports.reportIndex(queries, family, run),
      equivocators: equivocators.map(({ hotkey }) => hotkey),
      known: new Set(rejections.map(misdeedKey)),
    },
    { ...deps, signal: exchangeSignal(deps.signal) },
  );
}

async function agree(
  step: 'sign-decision' | 'exchange-decisions' | 'miss-certificate',
  view: RunView,
  block: number,
  identity: Identity,
  deps: AdvanceDeps,
): Promise<string | null> {
  const { family, run } = view.run;
  const { decision, statements } = view;
  const voters = view.open?.voters ?? [];
  if (decision === null) return null;
  const expected = {
    genesis: identity.genesis,
    netuid: identity.netuid,
    family,
    run,
    hotkey: null,
    voters: new Set(voters.map(({ hotkey }) => hotkey)),
  };
  if (step === 'sign-decision') {
    await signDecision({ expected, decision }, deps);
    return null;
  }
  const known = new Set(
    (await decisions.statementRejections(deps.projections.decisions, family, run)).map((fault) =>
      misdeedKey({ ...fault, digest: null }),
    ),
  );
  const { certified } = await exchangeDecisions(
    {
      self: deps.signer.hotkey,
      expected,
      rules: identity.rules,
      voters,
      decision,
      statements,
      known,
    },
    { ...deps, signal: exchangeSignal(deps.signal) },
  );
  if (step === 'exchange-decisions' || certified) return null;
  // A certificate that peers hold is as good after the deadline as before it; only without one is it missed.
  const total = stakeOf(voters);
  const own = digestOf(decision.outcome);
  const signers = new Set(
    (await decisions.statementsOf(deps.projections.decisions, family, run))
      .filter(({ outcome }) => outcome === own)
      .map(({ hotkey }) => hotkey),
  );
  const signed = stakeOf(voters.filter(({ hotkey }) => signers.has(hotkey)));
  await deps.record([
    {
      type: 'certificate.missed.v1',
      data: { family, run, block, signed: String(signed), total: String(total) },
    },
  ]);
  return null;
}

async function consultOwner(
  step: 'observe-owner' | 'miss-owner' | 'compare-with-owner',
  view: RunView,
  { ownerUrl }: Identity,
  deps: AdvanceDeps,
): Promise<string | null> {
  const { family, run } = view.run;
  if (step === 'compare-with-owner') {
    if (view.decision !== null && view.owner.observed !== null)
      await recordDivergence(view.decision, view.owner.observed, deps);
    return null;
  }
  const { reason } = await observeOwner({ family, run, ownerUrl }, deps);
  if (step === 'miss-owner' && reason !== null) {
    await deps.record([
      {
        type: 'owner-pick.missed.v1',
        data: { family, run, detail: reason.slice(0, 400).toWellFormed() },
      },
    ]);
  }
  return reason;
}

async function setWeights(
  step: 'intend-weights' | 'submit-weights' | 'observe-weights',
  view: RunView,
  block: number,
  identity: Identity,
  deps: AdvanceDeps,
): Promise<string | null> {
  const { family, run, phases } = view.run;
  const { intended } = view.weights;
  if (step === 'intend-weights') {
    const { mode, rules } = identity;
    const facts = await factsOf(view, identity, deps.projections.reports);
    const pick = view.owner.observed;
    await intendWeights(
      {
        family,
        run,
        mode,
        targetBlock: phases.certify,
        certificate: view.certificate?.certificate ?? null,
        owner: ownerOutcome(pick, view.current, rules.minVectorLength),
        hold: holdOutcome(facts, 'certificate-missed'),
        lastVector:
          (await decisions.lastIntended(deps.projections.decisions, family))?.vector ?? null,
      },
      deps,
    );
    return null;
  }
  if (intended === null || intended.vector === null) return null;
  const intent = { family, run, vector: intended.vector, self: deps.signer.hotkey };
  if (step === 'submit-weights') {
    const { reason } = await submitWeights(intent, {
      setWeights: deps.chain.setWeights,
      record: deps.record,
    });
    return reason;
  }
  await observeWeights(
    { ...intent, block },
    { weightsOf: deps.chain.weightsOf, record: deps.record },
  );
  return null;
}

function exchangeSignal(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(EXCHANGE_TIMEOUT_MS)]);
}
