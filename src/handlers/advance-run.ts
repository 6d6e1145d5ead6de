import type { WeightMode } from '../events/weights.ts';
import { findRun, type Run } from '../projectors/run-state.ts';
import { nextStep, type Step } from './next-step.ts';
import { type Identity, performStep, type StepDeps } from './perform-step.ts';
import { loadRun, progressOf } from './run-view.ts';
import { endsTheLoop } from './validator-loop.ts';

export type AdvanceDeps = StepDeps &
  Readonly<{
    /** Told of each step taken, and of what an outside party refused, for operators. */
    onStep: (run: string, step: Step, note: string | null) => void;
  }>;

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
    const note = await performStep(step, view, block, identity, deps);
    deps.onStep(run.run, step, note);
    previous = step;
  }
}
