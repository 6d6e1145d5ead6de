import { type DecisionFacts, decide } from '../consensus/decide.ts';
import type { Recorder } from './recorder.ts';

/** Decides a run from its facts and records inputs and decision in one append. */
export async function decideRun(facts: DecisionFacts, deps: { record: Recorder }): Promise<void> {
  const { inputs, decision } = decide(facts);
  await deps.record([
    { type: 'inputs.gathered.v1', data: inputs },
    { type: 'decision.made.v1', data: decision },
  ]);
}
