import type { Accused } from '../consensus/exclusion.ts';
import { runOf, subjectIn } from '../events/define-event.ts';
import type { Recorded } from '../events/envelope.ts';
import { type Again, decideAgain, type LoggedFacts, learn, noFacts } from './decision-facts.ts';

/** A decision that was computed again: equal to the recorded one in every byte, or what differs first. */
export type Recomputed = Readonly<{
  n: number;
  family: string;
  run: string;
  verdict: 'equal' | 'differs';
  detail: string | null;
}>;

/**
 * Computes every recorded decision again from the events before it. Feed it a log's events in order;
 * each `decision.made` gives a verdict, every other event null.
 */
export function createReplay(): (recorded: Recorded) => Recomputed | null {
  const runs = new Map<string, LoggedFacts>();
  const accepted: Accused[] = [];
  return ({ event, n }) => {
    if (runOf(event.data) === null) return null;
    if (event.type === 'evidence.accepted.v1') {
      const { family, run, hotkey } = event.data;
      accepted.push({ family, run, hotkey });
      return null;
    }
    const key = subjectIn(event.data);
    const facts = runs.get(key) ?? noFacts();
    runs.set(key, facts);
    if (event.type !== 'decision.made.v1') {
      learn(facts, event, accepted);
      return null;
    }
    runs.delete(key); // a run is decided once, and the bodies of all runs would fill the memory
    const { family, run } = event.data;
    const again = decideAgain(facts, event.data);
    const verdict = again === 'equal' ? 'equal' : 'differs';
    return { n, family, run, verdict, detail: DETAILS[again] };
  };
}

const DETAILS: Readonly<Record<Again, string | null>> = {
  equal: null,
  'inputs-missing': 'the log has no run.opened or inputs.gathered before it',
  'inputs-differ': 'inputs.gathered is not what the events before it give',
  'decision-differs': 'decision.made does not follow from its inputs',
};
