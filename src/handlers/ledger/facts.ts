import type { DomainEvent } from '../../events/catalogue.ts';
import type { JobRecord, Kept, KeptJob } from '../../projectors/ledger.ts';
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

/** A job's record together with what these say of it, in the log's order; what both say is there once. */
export function withFacts(record: JobRecord, layers: readonly Facts[], job: string): JobRecord {
  const touching = layers.filter(({ touched }) => touched.has(job));
  if (touching.length === 0) return record;
  const opened = record.opened ?? touching.find(({ jobs }) => jobs.has(job))?.jobs.get(job) ?? null;
  const closed = touching.some((facts) => facts.closed.has(job));
  return {
    opened: opened === null ? null : { ...opened, closed: opened.closed || closed },
    tools: joined(
      record.tools,
      touching.map(({ toolCalls }) => toolCalls),
      job,
    ),
    reserved: joined(
      record.reserved,
      touching.map(({ reserved }) => reserved),
      job,
    ),
    models: joined(
      record.models,
      touching.map(({ modelCalls }) => modelCalls),
      job,
    ),
  };
}

/** What a projection shows is the log up to some event: whatever it does not show comes after it. */
function joined<Call extends Kept<Readonly<{ call: string; job: string }>>>(
  shown: readonly Call[],
  layers: readonly ReadonlyMap<string, Call>[],
  job: string,
): readonly Call[] {
  const names = new Set(shown.map(({ data }) => data.call));
  const newer = layers
    .flatMap((calls) => [...calls.values()])
    .filter(({ data }) => data.job === job && !names.has(data.call));
  return [...shown, ...newer];
}
