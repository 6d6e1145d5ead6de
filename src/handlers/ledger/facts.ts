import type { DomainEvent } from '../../events/catalogue.ts';
import type { JobAccount, JobRecord, Kept, KeptJob } from '../../projectors/ledger-queries.ts';
import type { MeteredCost, ReservedCost, ToolCall } from './ledger-port.ts';
import type { Known } from './rule-on-wish.ts';

/** What is known of each job: from one batch, from one request, or from a projection that was asked. */
export type Facts = Map<string, JobFacts>;

/** What is known of one job; calls by their names. */
type JobFacts = {
  opened: KeptJob | null;
  closed: boolean;
  readonly toolCalls: Map<string, Kept<ToolCall>>;
  readonly reserved: Map<string, Kept<ReservedCost>>;
  readonly modelCalls: Map<string, Kept<MeteredCost>>;
};

/** Adds what an event of the ledger says. */
export function addFact(facts: Facts, { type, data }: DomainEvent, time: string): void {
  switch (type) {
    case 'job.opened.v1':
      factsOf(facts, data.job).opened = { data, time, closed: false };
      break;
    case 'job.closed.v1':
      factsOf(facts, data.job).closed = true;
      break;
    case 'tool.called.v1':
      factsOf(facts, data.job).toolCalls.set(data.call, { data, time });
      break;
    case 'cost.reserved.v1':
      factsOf(facts, data.job).reserved.set(data.call, { data, time });
      break;
    case 'cost.metered.v1':
      factsOf(facts, data.job).modelCalls.set(data.call, { data, time });
      break;
    default: // of another log
  }
}

/** What is known of a job, to be added to. */
export function factsOf(facts: Facts, job: string): JobFacts {
  const known = facts.get(job);
  if (known !== undefined) return known;
  const added: JobFacts = {
    opened: null,
    closed: false,
    toolCalls: new Map(),
    reserved: new Map(),
    modelCalls: new Map(),
  };
  facts.set(job, added);
  return added;
}

/** All that these say together; a job that any of them closes is closed. */
export function knownIn(layers: readonly Facts[]): Known {
  const first = <T>(job: string, find: (facts: JobFacts) => T | undefined): T | undefined => {
    for (const layer of layers) {
      const facts = layer.get(job);
      const found = facts && find(facts);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    job: (job) => {
      const opened = first(job, (facts) => facts.opened ?? undefined);
      if (opened === undefined || opened.closed) return opened;
      return layers.some((layer) => layer.get(job)?.closed) ? { ...opened, closed: true } : opened;
    },
    toolCall: ({ job, call }) => first(job, ({ toolCalls }) => toolCalls.get(call)),
    reserved: ({ job, call }) => first(job, ({ reserved }) => reserved.get(call)),
    modelCall: ({ job, call }) => first(job, ({ modelCalls }) => modelCalls.get(call)),
  };
}

/** A job's record together with what these say of it, in the log's order; what both say is there once. */
export function withFacts(record: JobRecord, layers: readonly Facts[], job: string): JobRecord;
export function withFacts(record: JobAccount, layers: readonly Facts[], job: string): JobAccount;
export function withFacts(record: JobAccount, layers: readonly Facts[], job: string): JobAccount {
  const newer = layers.flatMap((layer) => layer.get(job) ?? []);
  if (newer.length === 0) return record;
  const opened = record.opened ?? newer.find((facts) => facts.opened !== null)?.opened ?? null;
  const closed = newer.some((facts) => facts.closed);
  return {
    opened: opened === null ? null : { ...opened, closed: opened.closed || closed },
    tools: joined(
      record.tools,
      newer.map(({ toolCalls }) => toolCalls),
    ),
    reserved: joined(
      record.reserved,
      newer.map(({ reserved }) => reserved),
    ),
    models: joined(
      record.models,
      newer.map(({ modelCalls }) => modelCalls),
    ),
  };
}

/** What a projection shows is the log up to some event: whatever it does not show comes after it. */
function joined<Call extends Readonly<{ data: Readonly<{ call: string }> }>>(
  shown: readonly Call[],
  newer: readonly ReadonlyMap<string, Call>[],
): readonly Call[] {
  const names = new Set(shown.map(({ data }) => data.call));
  return [
    ...shown,
    ...newer.flatMap((calls) => [...calls.values()]).filter(({ data }) => !names.has(data.call)),
  ];
}
