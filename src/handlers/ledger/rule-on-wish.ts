import type { DomainEvent } from '../../events/catalogue.ts';
import type { JobTerms, MeteredCost, ToolCall } from './ledger-port.ts';

/** What somebody wants to have in the ledger. */
export type Wish =
  | Readonly<{ kind: 'open'; terms: JobTerms }>
  | Readonly<{ kind: 'close'; job: string }>
  | Readonly<{ kind: 'attest'; call: ToolCall }>
  | Readonly<{ kind: 'meter'; call: MeteredCost }>;

/** What the ledger has already. A time is the one of the event that says so. */
export type Known = Readonly<{
  job: (job: string) => (Fact<JobTerms> & Readonly<{ closed: boolean }>) | undefined;
  toolCall: (call: string) => Fact<ToolCall> | undefined;
  modelCall: (call: string) => Fact<MeteredCost> | undefined;
}>;

type Fact<Data> = Readonly<{ data: Data; time: string }>;

/** What becomes of a wish: a new event, a fact that stands already, or a refusal. */
export type Ruling =
  | Readonly<{ kind: 'new'; event: DomainEvent }>
  | Readonly<{ kind: 'again'; time: string }>
  | Refusal;

/** Nothing is taken: it contradicts what is there, or there is no such job. */
export type Refusal = Readonly<{
  kind: 'refused';
  code: 'request.conflict' | 'request.not-found';
  detail: string;
}>;

/**
 * A job is opened once, with one set of terms, and closed for good; what is put down to a closed job is refused, what
 * is put down to one that nobody opened is taken, as the existing services expect; the same call twice is one.
 */
export function ruleOnWish(wish: Wish, known: Known): Ruling {
  switch (wish.kind) {
    case 'open':
      return openJob(wish.terms, known);
    case 'close':
      return closeJob(wish.job, known);
    case 'attest': {
      const event = { type: 'tool.called.v1', data: wish.call } as const;
      return putDown(event, known.toolCall(wish.call.call), known);
    }
    case 'meter': {
      const event = { type: 'cost.metered.v1', data: wish.call } as const;
      return putDown(event, known.modelCall(wish.call.call), known);
    }
  }
}

function openJob(terms: JobTerms, known: Known): Ruling {
  const opened = known.job(terms.job);
  if (opened === undefined) return { kind: 'new', event: { type: 'job.opened.v1', data: terms } };
  if (isSame(opened.data, terms)) return { kind: 'again', time: opened.time };
  return conflict(`the job ${terms.job} was opened with other terms`);
}

function closeJob(job: string, known: Known): Ruling {
  const opened = known.job(job);
  if (opened === undefined) {
    return { kind: 'refused', code: 'request.not-found', detail: `nobody opened the job ${job}` };
  }
  if (opened.closed) return { kind: 'again', time: opened.time };
  const { family, run } = opened.data;
  return { kind: 'new', event: { type: 'job.closed.v1', data: { family, run, job } } };
}

function putDown(
  event: Readonly<
    { type: 'tool.called.v1'; data: ToolCall } | { type: 'cost.metered.v1'; data: MeteredCost }
  >,
  earlier: Fact<ToolCall> | Fact<MeteredCost> | undefined,
  known: Known,
): Ruling {
  const { call, job } = event.data;
  if (earlier !== undefined) {
    // The retry of a call that was taken before its job was closed is no call after it.
    if (isSame(earlier.data, event.data)) return { kind: 'again', time: earlier.time };
    return conflict(`another call was recorded as ${call}`);
  }
  if (known.job(job)?.closed === true) return conflict(`the job ${job} is closed`);
  return { kind: 'new', event };
}

/** Flat data of one schema: the same members, with the same values. */
function isSame(one: object, other: object): boolean {
  const others = new Map<string, unknown>(Object.entries(other));
  return Object.entries(one).every(([key, value]) => others.get(key) === value);
}

function conflict(detail: string): Refusal {
  return { kind: 'refused', code: 'request.conflict', detail };
}
