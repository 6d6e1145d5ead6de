import { commitmentFacts } from '../consensus/commitment-facts.ts';
import { type ChainFact, decide } from '../consensus/decide.ts';
import { reportFacts } from '../consensus/report-inputs.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import { runOf, subjectIn } from '../events/define-event.ts';
import { encode } from '../events/ej1.ts';
import type { Recorded } from '../events/envelope.ts';
import type { UnknownReason } from '../events/snapshot.ts';

type Data<Type extends DomainEvent['type']> = Extract<DomainEvent, { type: Type }>['data'];

/** What a log says about one run, as far as its decision depends on it. */
type RunFacts = {
  opened: Data<'run.opened.v1'> | null;
  open: ChainFact | null;
  current: ChainFact | null;
  reads: Data<'commitments.read.v1'>[];
  commitmentsMissed: UnknownReason | null;
  /** Whose log it is, once it signed a report of the run. */
  self: string | null;
  held: { hotkey: string; digest: string; body: string }[];
  equivocators: { hotkey: string }[];
  rejections: Data<'peer-report.rejected.v1'>[];
  inputs: Data<'inputs.gathered.v1'> | null;
};

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
  const runs = new Map<string, RunFacts>();
  return ({ event, n }) => {
    if (runOf(event.data) === null) return null;
    const key = subjectIn(event.data);
    const facts = runs.get(key) ?? {
      opened: null,
      open: null,
      current: null,
      reads: [],
      commitmentsMissed: null,
      self: null,
      held: [],
      equivocators: [],
      rejections: [],
      inputs: null,
    };
    runs.set(key, facts);
    if (event.type === 'decision.made.v1') {
      runs.delete(key); // a run is decided once, and the bodies of all runs would fill the memory
      return { n, family: event.data.family, run: event.data.run, ...recompute(facts, event.data) };
    }
    learn(facts, event);
    return null;
  };
}

function learn(facts: RunFacts, event: DomainEvent): void {
  switch (event.type) {
    case 'run.opened.v1':
      facts.opened = event.data;
      break;
    case 'snapshot.taken.v1':
      facts[event.data.phase === 'open' ? 'open' : 'current'] = {
        known: true,
        snapshot: event.data.snapshot,
      };
      break;
    case 'snapshot.missed.v1': {
      const phase = event.data.phase === 'open' ? 'open' : 'current';
      if (facts[phase]?.known !== true) facts[phase] = { known: false, reason: event.data.reason };
      break;
    }
    case 'commitments.read.v1':
      facts.reads.push(event.data);
      break;
    case 'commitments.missed.v1':
      facts.commitmentsMissed = event.data.reason;
      break;
    case 'report.signed.v1':
      facts.self = event.data.hotkey;
      facts.held.push(event.data);
      break;
    case 'peer-report.accepted.v1':
      facts.held.push(event.data);
      break;
    case 'equivocation.recorded.v1':
      facts.equivocators.push(event.data);
      break;
    case 'peer-report.rejected.v1':
      facts.rejections.push(event.data);
      break;
    case 'inputs.gathered.v1':
      facts.inputs = event.data;
      break;
    default:
      break;
  }
}

function recompute(
  facts: RunFacts,
  recorded: Data<'decision.made.v1'>,
): Pick<Recomputed, 'verdict' | 'detail'> {
  const { opened, inputs } = facts;
  if (opened === null || inputs === null)
    return { verdict: 'differs', detail: 'the log has no run.opened or inputs.gathered before it' };
  const { family, run, roster, miners, phases } = opened;
  const unknown: ChainFact = { known: false, reason: 'unavailable' };
  const again = decide({
    rules: inputs.rules,
    genesis: inputs.genesis,
    netuid: inputs.netuid,
    family,
    run,
    roster,
    miners,
    phases,
    open: facts.open ?? unknown,
    current: facts.current ?? unknown,
    commitments: commitmentFacts(facts.reads, {
      commit: phases.commit,
      missed: facts.commitmentsMissed,
    }),
    self: facts.self,
    reports: reportFacts(facts),
  });
  if (encode(again.inputs) !== encode(inputs))
    return { verdict: 'differs', detail: 'inputs.gathered is not what the events before it give' };
  if (encode(again.decision) !== encode(recorded))
    return { verdict: 'differs', detail: 'decision.made does not follow from its inputs' };
  return { verdict: 'equal', detail: null };
}
