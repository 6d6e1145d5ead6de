import type { JobCost } from '../../evaluation/job-cost.ts';
import type { EventOf } from '../../events/define-event.ts';
import type { Head } from '../../events/envelope.ts';
import type { CostMetered, CostReserved, JobOpened, ToolCalled } from '../../events/job.ts';

/** What a job is opened with: money in nano-USD. */
export type JobTerms = EventOf<typeof JobOpened>['data'];

/** One call of a tool, as the tool attests it. `call` names it: the same one sent again is one. */
export type ToolCall = EventOf<typeof ToolCalled>['data'];

/** A call of a model that is about to be made: it is pending until it is metered under the same name. */
export type ReservedCost = EventOf<typeof CostReserved>['data'];

/** One call of a model, as the provider proxy metered it. */
export type MeteredCost = EventOf<typeof CostMetered>['data'];

/** Where a job stands: what a tool or the proxy asks before it serves a call. */
export type JobState = Readonly<{
  job: string;
  /** Not closed. Whether its time is over is for who asks, by `expires`. */
  open: boolean;
  expires: string;
  budget: number;
  /** What was put down to it so far, the pending calls aside. */
  spent: JobCost;
  pending: readonly PendingCall[];
  /** The most calls of tools, and how many were attested, whatever became of them. */
  maxCalls: number;
  calls: number;
  /** How many calls of models were begun, metered by now or not. */
  modelCalls: number;
}>;

/** A call of a model that was reserved, at `time`, and is not metered. */
export type PendingCall = Readonly<{ time: string }> & Omit<ReservedCost, 'job'>;

/** A call of a tool as the ledger gives it back, without what it was called with. */
export type AttestedCall = Readonly<{ time: string }> &
  Pick<ToolCall, 'call' | 'tool' | 'result' | 'latencyMs' | 'cost' | 'status' | 'error'>;

/** A call of a model as the ledger gives it back. */
type MeteredCall = Readonly<{ time: string }> & Omit<MeteredCost, 'job'>;

/** All that the ledger has of a job. */
export type JobLedger = Readonly<{
  job: string;
  opened: boolean;
  closed: boolean;
  /** The distinct tools that were used: a call that failed is no use. Sorted. */
  tools: readonly string[];
  /** Every attested call, in the log's order, whatever became of it. */
  toolCalls: readonly AttestedCall[];
  modelCalls: readonly MeteredCall[];
  pending: readonly PendingCall[];
  /** Of all its calls: unknown while one of them is pending. */
  cost: JobCost;
  /** The log's head that this was read at: everything acknowledged before is in it. */
  ledger: Head;
}>;

/** The ledger did not answer in time, or not as it should: whether a write arrived is not known; send it again. */
type Unavailable = Readonly<{ kind: 'unavailable'; detail: string }>;

/** The ledger's word: this is not taken, also when it is sent again. 409: it contradicts what is there. */
type Refused = Readonly<{ kind: 'refused'; status: number; detail: string }>;

/** The ledger as the validator, the tools and the provider proxy see it. Nothing of it throws for the other side's faults. */
export type LedgerClient = Readonly<{
  /** Opens a job; `again` where it was opened with the same terms before. Other terms are refused (409). */
  openJob: (terms: JobTerms) => Promise<Readonly<{ kind: 'ok'; again: boolean }> | Failed>;
  /** Ends a job: no call is added to it. Closing it again gives the same; an unknown job is refused (404). */
  closeJob: (job: string) => Promise<Readonly<{ kind: 'ok'; cost: JobCost }> | Failed>;
  /** Null for a job that nobody opened. */
  readJob: (job: string) => Promise<Readonly<{ kind: 'ok'; job: JobState | null }> | Failed>;
  readLedger: (job: string) => Promise<Readonly<{ kind: 'ok'; ledger: JobLedger }> | Failed>;
  /** Durable once it is `ok`. A job that is closed, or another call by this name, is refused (409). */
  attest: (call: ToolCall) => Promise<Readonly<{ kind: 'ok' }> | Failed>;
  /** As `attest`; only for a job that was opened. */
  reserve: (call: ReservedCost) => Promise<Readonly<{ kind: 'ok' }> | Failed>;
  /** As `attest`; a call that was reserved is taken also when its job is closed by now. */
  meter: (cost: MeteredCost) => Promise<Readonly<{ kind: 'ok' }> | Failed>;
}>;

export type Failed = Unavailable | Refused;
