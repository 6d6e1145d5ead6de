import { closedBecause } from '../job-gate.ts';
import type { JobState } from '../ledger/ledger-port.ts';

/** Why a call is not made: a status and the existing services' detail, a text or an object. */
export type Refusal = Readonly<{
  kind: 'refused';
  status: number;
  detail: string | Readonly<Record<string, unknown>>;
}>;

/** What a tool knows when a call comes. */
export type CallView = Readonly<{
  /** As the ledger has it; null for a job that nobody opened. */
  job: JobState | null;
  nowMs: number;
  /** Calls of the job: all that are attested or may be soon, and those of this service. */
  calls: number;
  here: number;
  /** The most that those cost which the ledger's word does not have, in 1e-9 USD. */
  held: number;
  /** What the caller allows itself: it can only lower. Null where it says nothing. */
  asked: number | null;
}>;

/** The rules of one service. */
export type CallRules = Readonly<{
  /** The most calls of one job. */
  quota: number;
  /** What a call costs at most, in 1e-9 USD. */
  price: number;
  /** How this service says that there are no more. */
  exhausted: (maxRequests: number) => Refusal['detail'];
}>;

/**
 * Whether a call is made: for a job that was opened, is not closed and whose time is not over, within the calls that
 * its terms, the service and the caller allow, each the lower one, and within its budget, of which calls under way
 * take the most that they can cost. Where the job's cost is unknown, only what costs nothing is made.
 */
export function decideCall(view: CallView, rules: CallRules): Refusal | null {
  const { job, nowMs, calls, here, held, asked } = view;
  const { quota, price, exhausted } = rules;
  const closed = closedBecause(job, nowMs);
  if (closed !== null || job === null) return closed;
  const most = Math.min(quota, asked ?? quota);
  if (here >= most) return refuse(429, exhausted(most));
  if (calls >= job.maxCalls) return refuse(429, exhausted(job.maxCalls));
  if (price === 0) return null;
  if (job.spent.state === 'unknown')
    return refuse(429, 'run budget exhausted: what was spent is unknown');
  const pending = job.pending.reduce((sum, { most }) => sum + (most ?? 0), held);
  if (job.spent.nanoUsd + pending + price > job.budget) return refuse(429, 'run budget exhausted');
  return null;
}

/** A refusal as a value. */
export function refuse(status: number, detail: Refusal['detail']): Refusal {
  return { kind: 'refused', status, detail };
}
