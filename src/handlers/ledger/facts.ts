import type { DomainEvent } from '../../events/catalogue.ts';
import type { Kept, KeptJob } from '../../projectors/ledger.ts';
import type { MeteredCost, ReservedCost, ToolCall } from './ledger-port.ts';
import type { Known } from './rule-on-wish.ts';

/** Facts by their names: those of one batch, of one request, or of what a projection was asked for. */
export type Facts = Readonly<{
  jobs: Map<string, KeptJob>;
  closed: Set<string>;
  toolCalls: Map<string, Kept<ToolCall>>;
  reserved: Map<string, Kept<ReservedCost>>;
  modelCalls: Map<string, Kept<MeteredCost>>;
  /** Every job that one of them is of. */
  touched: Set<string>;
}>;

export function noFacts(): Facts {
  return {
    jobs: new Map(),
    closed: new Set(),
    toolCalls: new Map(),
    reserved: new Map(),
    modelCalls: new Map(),
    touched: new Set(),
  };
}

/** Adds what an event of the ledger says. */
export function addFact(facts: Facts, { type, data }: DomainEvent, time: string): void {
  switch (type) {
    case 'job.opened.v1':
      facts.jobs.set(data.job, { data, time, closed: false });
      break;
    case 'job.closed.v1':
      facts.closed.add(data.job);
      break;
    case 'tool.called.v1':
      facts.toolCalls.set(data.call, { data, time });
      break;
    case 'cost.reserved.v1':
      facts.reserved.set(data.call, { data, time });
      break;
    case 'cost.metered.v1':
      facts.modelCalls.set(data.call, { data, time });
      break;
    default:
      return;
  }
  facts.touched.add(data.job);
}

/** All that these say together; a job that any of them closes is closed. */
export function knownIn(layers: readonly Facts[]): Known {
  const first = <T>(find: (facts: Facts) => T | undefined): T | undefined => {
    for (const facts of layers) {
      const found = find(facts);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    job: (job) => {
      const opened = first(({ jobs }) => jobs.get(job));
      if (opened === undefined || opened.closed) return opened;
      return layers.some(({ closed }) => closed.has(job)) ? { ...opened, closed: true } : opened;
    },
    toolCall: (call) => first(({ toolCalls }) => toolCalls.get(call)),
    reserved: (call) => first(({ reserved }) => reserved.get(call)),
    modelCall: (call) => first(({ modelCalls }) => modelCalls.get(call)),
  };
}
