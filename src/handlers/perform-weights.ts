import { holdOutcome } from '../consensus/decide.ts';
import { ownerOutcome } from '../consensus/intended-weights.ts';
import { digestOf } from '../consensus/outcome.ts';
import { type Intent, lastIntended } from '../projectors/decisions.ts';
import { observeWeights, signWeights } from './apply-weights.ts';
import { failuresOf } from './extrinsic-retry.ts';
import { followLast } from './follow-last.ts';
import type { Identity, StepDeps } from './perform-step.ts';
import { factsOf, type RunView } from './run-view.ts';
import { intendWeights } from './set-weights.ts';
import { observableAt, weightProgressOf } from './weight-progress.ts';

/** Performs a step from a run's intent to weights that stand on the chain. */
export async function performWeights(
  step:
    | 'intend-weights'
    | 'supersede-weights'
    | 'sign-weights'
    | 'follow-weights'
    | 'observe-weights',
  view: RunView,
  block: number,
  identity: Identity,
  deps: StepDeps,
): Promise<string | null> {
  const { family, run } = view.run;
  switch (step) {
    case 'intend-weights':
      return intend(view, identity, deps);
    case 'supersede-weights': {
      const by = view.latestIntendedRun;
      if (by === null) return null;
      await deps.record([{ type: 'weights.superseded.v1', data: { family, run, by } }]);
      return `the weights of ${by} are newer`;
    }
    case 'sign-weights':
      return sign(view, block, identity, deps);
    case 'follow-weights':
      return followLast(view.weightAttempts, block, identity, deps);
    case 'observe-weights':
      return observe(view, block, identity, deps);
    default:
      return step satisfies never;
  }
}

async function intend(view: RunView, identity: Identity, deps: StepDeps): Promise<null> {
  const { family, run, phases } = view.run;
  const { mode, rules } = identity;
  const facts = await factsOf(view, identity, deps.projections);
  await intendWeights(
    {
      family,
      run,
      mode,
      targetBlock: phases.certify,
      certificate: view.certificate?.certificate ?? null,
      owner: ownerOutcome(view.owner.observed, view.current, rules.minVectorLength),
      hold: holdOutcome(facts, 'certificate-missed'),
      last: await lastIntended(deps.projections.decisions, family),
    },
    deps,
  );
  return null;
}

async function sign(
  { run: { family, run }, intents, weightAttempts: attempts, open, current }: RunView,
  block: number,
  { weightInterval }: Identity,
  { chain, record }: StepDeps,
): Promise<string | null> {
  const intent = intents.at(-1);
  if (intent === undefined || intent.vector === null) return null;
  const { vector, winner } = intent;
  const retry = { block, failures: failuresOf(attempts), interval: weightInterval };
  return signWeights(
    { family, run, attempt: attempts.length + 1, vector, winner, snapshot: current ?? open, retry },
    { metagraph: chain.metagraph, sign: chain.sign, record },
  );
}

async function observe(
  view: RunView,
  block: number,
  { weightInterval }: Identity,
  { chain, record, signer }: StepDeps,
): Promise<string | null> {
  const { family, run } = view.run;
  const { intents, weightAttempts: attempts, observations } = view;
  const log = { intents, attempts, observations, superseded: false };
  const at = { self: signer.hotkey, run, interval: weightInterval };
  const attempt = observableAt(weightProgressOf(log, at), block);
  const signed = attempts.find((each) => each.attempt === attempt)?.signed ?? null;
  const vector = signed === null ? null : vectorOf(intents, signed.carries);
  if (attempt === null || vector === null) return null;
  return observeWeights(
    { family, run, attempt, vector, self: signer.hotkey },
    { weightsOf: chain.weightsOf, record },
  );
}

/** The intended vector of that digest: an attempt is of the intent that stood when it was signed. */
function vectorOf(intents: readonly Intent[], carries: string): Intent['vector'] {
  return (
    intents.find(({ vector }) => vector !== null && digestOf(vector) === carries)?.vector ?? null
  );
}
