import type { Chain } from '../chain/chain.ts';
import { digestOf } from '../consensus/outcome.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import type { Certificate, Outcome } from '../events/decision.ts';
import type { Vector, WeightMode } from '../events/weights.ts';
import type { Recorder } from './recorder.ts';

type Intent = Extract<DomainEvent, { type: 'weights.intended.v1' }>['data'];

/** What the owner's pick comes to on the seats of the decide block. */
export type OwnerOutcome =
  | { readonly kind: 'pick'; readonly winner: string | null; readonly vector: Vector }
  | { readonly kind: 'unregistered'; readonly winner: string }
  | { readonly kind: 'unknown' };

export type WeightView = Readonly<{
  family: string;
  run: string;
  mode: WeightMode;
  targetBlock: number;
  /** The certificate that stands for the run, if one does. */
  certificate: Certificate | null;
  owner: OwnerOutcome;
  /** The hold that is shared by all when there is neither certificate nor pick. */
  hold: Outcome;
  /** The vector that this validator set last. */
  lastVector: Vector | null;
}>;

/**
 * Which vector this validator sets for a run. In `decentralized` mode only a certificate changes the
 * weights; in `owner` and `shadow` mode the owner's pick is set. Whatever is missing holds the
 * incumbent: a hold sets its vector again, because weights decay; where the chain could not even name
 * the incumbent, the vector of the last intent is set again.
 */
export function decideWeights(view: WeightView): Intent {
  const { family, run, mode, targetBlock } = view;
  const common = { family, run, mode, targetBlock };
  if (mode === 'decentralized') {
    if (view.certificate === null) return held(view, view.hold);
    const { outcome } = view.certificate;
    const intent =
      outcome.kind === 'winner' || outcome.vector !== null
        ? outcome
        : { ...outcome, vector: view.lastVector };
    return {
      ...common,
      reason: outcome.reason,
      winner: outcome.winner?.hotkey ?? null,
      vector: intent.vector,
      outcome: digestOf(outcome),
    };
  }
  switch (view.owner.kind) {
    case 'pick':
      return {
        ...common,
        reason: 'owner-pick',
        winner: view.owner.winner,
        vector: view.owner.vector,
        outcome: null,
      };
    case 'unregistered':
      return held(view, { ...view.hold, reason: 'owner-pick-unregistered' });
    case 'unknown':
      return held(view, { ...view.hold, reason: 'owner-unknown' });
    default:
      return view.owner satisfies never;
  }
}

function held({ family, run, mode, targetBlock, lastVector }: WeightView, hold: Outcome): Intent {
  return {
    family,
    run,
    mode,
    targetBlock,
    reason: hold.reason,
    winner: hold.winner?.hotkey ?? null,
    vector: hold.vector ?? lastVector,
    outcome: null,
  };
}

/** Records what will be set, before the chain is called. */
export async function intendWeights(view: WeightView, deps: { record: Recorder }): Promise<void> {
  await deps.record([{ type: 'weights.intended.v1', data: decideWeights(view) }]);
}

/** Sets the intended vector; a refusal is tried again at the next block. Gives whether the chain took it. */
export async function submitWeights(
  {
    family,
    run,
    vector,
    self,
  }: Readonly<{ family: string; run: string; vector: Vector; self: string }>,
  deps: { setWeights: Chain['setWeights']; record: Recorder },
): Promise<{ readonly accepted: boolean; readonly reason: string | null }> {
  const receipt = await deps.setWeights(self, vector);
  if (receipt.kind === 'refused') return { accepted: false, reason: receipt.reason };
  await deps.record([
    {
      type: 'weights.submitted.v1',
      data: { family, run, block: receipt.block, receipt: receipt.receipt },
    },
  ]);
  return { accepted: true, reason: null };
}

/** Compares what the chain holds with what was intended. Unknown is asked again at the next block. */
export async function observeWeights(
  {
    family,
    run,
    vector,
    self,
    block,
  }: Readonly<{ family: string; run: string; vector: Vector; self: string; block: number }>,
  deps: { weightsOf: Chain['weightsOf']; record: Recorder },
): Promise<void> {
  const observed = await deps.weightsOf(self);
  if (!observed.known) return;
  const matches =
    JSON.stringify(significant(observed.value ?? [])) === JSON.stringify(significant(vector));
  const detail = matches
    ? 'the chain holds the intended vector'
    : 'the chain holds another vector than intended';
  await deps.record([
    {
      type: 'weights.observed.v1',
      data: { family, run, block, vector: observed.value, matches, detail },
    },
  ]);
}

/** Zero weights are padding: the chain need not keep them. */
function significant(vector: Vector): readonly (readonly [number, number])[] {
  return vector.filter(({ weight }) => weight > 0).map(({ uid, weight }) => [uid, weight] as const);
}
