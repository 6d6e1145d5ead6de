import { commitmentFacts } from '../consensus/commitment-facts.ts';
import { type ChainFact, type DecisionFacts, decide } from '../consensus/decide.ts';
import { type Accused, excludedFrom } from '../consensus/exclusion.ts';
import { reportFacts } from '../consensus/report-inputs.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import type { DecisionRecord, InputsRecord } from '../events/decision.ts';
import { encode } from '../events/ej1.ts';
import type { UnknownReason } from '../events/snapshot.ts';

type Data<Type extends DomainEvent['type']> = Extract<DomainEvent, { type: Type }>['data'];

/** What a log says about one run, as far as its decision depends on it. */
export type LoggedFacts = {
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
  /** Who was excluded from the run when its inputs were gathered. */
  excluded: readonly string[];
  inputs: InputsRecord | null;
};

/** Nothing is known of a run yet. */
export function noFacts(): LoggedFacts {
  return {
    opened: null,
    open: null,
    current: null,
    reads: [],
    commitmentsMissed: null,
    self: null,
    held: [],
    equivocators: [],
    rejections: [],
    excluded: [],
    inputs: null,
  };
}

/**
 * Adds what an event of the run says; events that no decision depends on add nothing. `accepted` is the
 * evidence that precedes the event in the log, of all runs: the order of the log says who was excluded.
 */
export function learn(facts: LoggedFacts, event: DomainEvent, accepted: readonly Accused[]): void {
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
      facts.excluded = excludedFrom(accepted, event.data);
      facts.inputs = event.data;
      break;
    default:
      break;
  }
}

/** What a decision of the run looks at, by the rules that its inputs name; null while either is unknown. */
export function decisionFactsOf(facts: LoggedFacts): DecisionFacts | null {
  const { opened, inputs } = facts;
  if (opened === null || inputs === null) return null;
  const { family, run, roster, miners, phases } = opened;
  const { rules, genesis, netuid } = inputs;
  const unknown: ChainFact = { known: false, reason: 'unavailable' };
  return {
    rules,
    genesis,
    netuid,
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
    excluded: facts.excluded,
    reports: reportFacts(facts),
  };
}

/** A decision computed again: equal to the recorded one in every byte, or which of the two records differs first. */
export type Again = 'equal' | 'inputs-missing' | 'inputs-differ' | 'decision-differs';

/** Computes the run's decision again from what the log says before it. */
export function decideAgain(facts: LoggedFacts, recorded: DecisionRecord): Again {
  const known = decisionFactsOf(facts);
  if (known === null || facts.inputs === null) return 'inputs-missing';
  const again = decide(known);
  if (encode(again.inputs) !== encode(facts.inputs)) return 'inputs-differ';
  return encode(again.decision) === encode(recorded) ? 'equal' : 'decision-differs';
}
