import type { WeightMode } from '../events/weights.ts';
import { findRun, type Run } from '../projectors/run-state.ts';
import { laneFor } from './lane.ts';
import { nextStep } from './next-step.ts';
import { type Identity, performStep, type StepDeps } from './perform-step.ts';
import type { Step } from './run-progress.ts';
import { loadRun, progressOf } from './run-view.ts';
import { endsTheLoop } from './validator-loop.ts';

export type AdvanceDeps = StepDeps &
  Readonly<{
    /** Runs one step while nothing else reads the projections and appends. */
    alone: <T>(act: () => Promise<T>) => Promise<T>;
    /** Told of each step taken, and of what an outside party refused, for operators. */
    onStep: (run: string, step: Step, note: string | null) => void;
  }>;

/**
 * Takes a run as far as it gets at a finalised block: each step is decided on the log alone, performed,
 * and recorded before the next one is decided, so a restart resumes where the log ends. Each step is taken
 * at most once at a block, so that one that changed nothing waits for the next. In `shadow` mode an exception
 * in the consensus is thrown like any other, but only after the owner's pick was set: the consensus never
 * stands in its way.
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
  const tried = new Set<Step>();
  const next = () => takeStep(run, block, identity, deps, { mode, tried });
  while (await deps.alone(next)) {
    // Commands go in between: each step reads the projections anew.
  }
}

/** Takes the next step; false when there is none. */
async function takeStep(
  run: Run,
  block: number,
  identity: Identity,
  deps: AdvanceDeps,
  { mode, tried }: Readonly<{ mode: WeightMode; tried: Set<Step> }>,
): Promise<boolean> {
  const at = { ...identity, self: deps.signer.hotkey };
  const current = await findRun(deps.projections.runState, run.family, run.run);
  if (current === null || deps.signal.aborted) return false;
  const view = await loadRun(current, deps.projections);
  const progress = progressOf(view, await laneFor(current, block, identity, deps), at);
  const step = nextStep(progress, block, mode, tried);
  if (step === 'wait' || step === 'done') return false;
  tried.add(step);
  const note = await performStep(step, view, block, identity, deps);
  deps.onStep(run.run, step, note);
  return true;
}
