import { decideWeights, type WeightView } from '../consensus/intended-weights.ts';
import type { Recorder } from './recorder.ts';

/** Records what will be set, before anything is signed. */
export async function intendWeights(view: WeightView, deps: { record: Recorder }): Promise<void> {
  await deps.record([{ type: 'weights.intended.v1', data: decideWeights(view) }]);
}
