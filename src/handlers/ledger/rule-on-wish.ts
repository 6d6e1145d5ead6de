import type { DomainEvent } from '../../events/catalogue.ts';
import type { JobTerms, MeteredCost, ReservedCost, ToolCall } from './ledger-port.ts';

/** What somebody wants to have in the ledger. */
export type Wish =
  | Readonly<{ kind: 'open'; terms: JobTerms }>
  | Readonly<{ kind: 'close'; job: string }>
  | Readonly<{ kind: 'attest'; call: ToolCall }>
  | Readonly<{ kind: 'reserve'; call: ReservedCost }>
  | Readonly<{ kind: 'meter'; call: MeteredCost }>;

/** What the ledger has already. A time is the one of the event that says so. */
export type Known = Readonly<{
  job: (job: string) => (Fact<JobTerms> & Readonly<{ closed: boolean }>) | undefined;
  toolCall: (name: CallName) => Fact<ToolCall> | undefined;
  reserved: (name: CallName) => Fact<ReservedCost> | undefined;
  modelCall: (name: CallName) => Fact<MeteredCost> | undefined;
}>;

/** A call is named within its job: what another job's sender names so is another one. */
type CallName = Readonly<{ job: string; call: string }>;

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
 * is put down to one that nobody opened is taken, as the existing services expect; the same call twice is one. A call
 * of a model that was reserved while its job was open is metered whenever its end comes.
 */
export function ruleOnWish(wish: Wish, known: Known): Ruling {
  switch (wish.kind) {
    case 'open':
      return openJob(wish.terms, known);
    case 'close':
      return closeJob(wish.job, known);
    case 'attest': {
      const event = { type: 'tool.called.v1', data: wish.call } as const;
      return putDown(event, known.toolCall(wish.call), known);
    }
    case 'reserve':
      return reserve(wish.call, known);
    case 'meter':
      return meter(wish.call, known);
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
  if (opened === undefined) return notFound(job);
  if (opened.closed) return { kind: 'again', time: opened.time };
  const { family, run } = opened.data;
  return { kind: 'new', event: { type: 'job.closed.v1', data: { family, run, job } } };
}

function reserve(call: ReservedCost, known: Known): Ruling {
  const event = { type: 'cost.reserved.v1', data: call } as const;
  if (known.reserved(call) === undefined) {
    if (known.modelCall(call) !== undefined)
      return conflict(`a call was metered as ${call.call} before`);
    if (known.job(call.job) === undefined) return notFound(call.job);
  }
  return putDown(event, known.reserved(call), known);
}

/** What was reserved is metered as what it was reserved as, whether its job is still open or not. */
function meter(call: MeteredCost, known: Known): Ruling {
  const event = { type: 'cost.metered.v1', data: call } as const;
  const [metered, reserved] = [known.modelCall(call), known.reserved(call)];
  if (metered !== undefined || reserved === undefined) return putDown(event, metered, known);
  const { provider, model } = reserved.data;
  if (provider === call.provider && model === call.model) return { kind: 'new', event };
  return conflict(`another call was reserved as ${call.call}`);
}

type Call = Readonly<
  | { type: 'tool.called.v1'; data: ToolCall }
  | { type: 'cost.reserved.v1'; data: ReservedCost }
  | { type: 'cost.metered.v1'; data: MeteredCost }
>;

function putDown(event: Call, earlier: Fact<Call['data']> | undefined, known: Known): Ruling {
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

function notFound(job: string): Refusal {
  return { kind: 'refused', code: 'request.not-found', detail: `nobody opened the job ${job}` };
}

function conflict(detail: string): Refusal {
  return { kind: 'refused', code: 'request.conflict', detail };
}
