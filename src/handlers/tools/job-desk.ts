import { closedBecause } from '../job-gate.ts';
import type { JobState, LedgerClient } from '../ledger/ledger-port.ts';
import { type CallRules, decideCall, type Refusal, refuse } from './decide-call.ts';

/** A job that may be called for; `leave` says whether the call is in the ledger. */
type Admitted = Readonly<{ kind: 'admitted'; leave: (attested: boolean) => void }>;

export type JobDesk = Readonly<{
  /** Asks the ledger, unless it said within the last second that the job is open, and counts the call. */
  admit: (
    caller: Readonly<{ job: string; asked: number | null }>,
    rules: CallRules,
  ) => Promise<Admitted | Refusal>;
  /** Why nothing may be called for a job now; null for one that is open. Asks the ledger as `admit` does. */
  whyClosed: (job: string) => Promise<Refusal | null>;
  /** Forgets how many calls were made here; those in the ledger count all the same. Gives the number of jobs. */
  reset: () => number;
}>;

/** How long the ledger's word that a job is open is good for. */
const FRESH_MS = 1_000;

/** Jobs that are remembered: many times what a validator has under way at once. */
const MAX_JOBS = 4_096;

/** Calls of one job under way at once: a task's turn is no load test. */
const MAX_AT_ONCE = 8;

/** Calls, and the most that they cost together, in 1e-9 USD. */
type Tally = Readonly<{ calls: number; cost: number }>;

type Entry = {
  state: JobState;
  readMs: number;
  /** Calls made here, those that are in the ledger, and those that were when `state` was asked for. */
  started: Tally;
  attested: Tally;
  attestedAtRead: Tally;
};

type DeskDeps = Readonly<{
  ledger: Pick<LedgerClient, 'readJob'>;
  nowMs: () => number;
  maxJobs?: number;
}>;

/**
 * The calls of jobs at one service. It knows nothing that the ledger does not know better: what it remembers saves
 * asking for a second, and is bounded by the number of jobs. A job that is forgotten, or a service that starts anew,
 * still has the calls that are in the ledger.
 */
export function createJobDesk(deps: DeskDeps): JobDesk {
  const { nowMs } = deps;
  const entries = new Map<string, Entry>();
  const fresh = (job: string): Promise<Entry | null | Refusal> => freshEntry(job, entries, deps);
  return {
    admit: async ({ job, asked }, rules) => {
      const entry = await fresh(job);
      if (entry !== null && 'kind' in entry) return entry;
      const refusal = decideCall(viewOf(entry, { nowMs: nowMs(), asked }), rules);
      if (refusal !== null) return refusal;
      if (entry === null) throw new Error('a call for a job that nobody opened was admitted');
      if (entry.started.calls - entry.attested.calls >= MAX_AT_ONCE)
        return refuse(429, 'too many calls of this job at once');
      const call = { calls: 1, cost: rules.price };
      entry.started = sum(entry.started, call);
      return {
        kind: 'admitted',
        leave: (attested) => {
          if (attested) entry.attested = sum(entry.attested, call);
          else entry.started = difference(entry.started, call);
        },
      };
    },
    whyClosed: async (job) => {
      const entry = await fresh(job);
      if (entry !== null && 'kind' in entry) return entry;
      return closedBecause(entry?.state ?? null, nowMs());
    },
    reset: () => {
      const { size } = entries;
      entries.clear();
      return size;
    },
  };
}

function viewOf(entry: Entry | null, at: Readonly<{ nowMs: number; asked: number | null }>) {
  if (entry === null) return { ...at, job: null, calls: 0, here: 0, held: 0 };
  const { state, started, attestedAtRead } = entry;
  const unread = difference(started, attestedAtRead);
  const calls = state.calls + unread.calls;
  return { ...at, job: state, calls, here: started.calls, held: unread.cost };
}

/** The entry with a state that holds; null for a job that nobody opened. */
async function freshEntry(
  job: string,
  entries: Map<string, Entry>,
  { ledger, nowMs, maxJobs = MAX_JOBS }: DeskDeps,
): Promise<Entry | null | Refusal> {
  const known = entries.get(job);
  // A job that is closed stays so.
  if (known !== undefined && (!known.state.open || nowMs() - known.readMs < FRESH_MS)) return known;
  const attestedAtRead = known?.attested ?? NONE;
  const read = await ledger.readJob(job);
  if (read.kind !== 'ok') return refuse(503, 'the ledger does not answer');
  if (read.job === null) return null;
  // Another call of the job may have asked meanwhile: there is one entry for both.
  const entry = entries.get(job) ?? newEntry(read.job);
  Object.assign(entry, { state: read.job, readMs: nowMs(), attestedAtRead });
  entries.delete(job);
  entries.set(job, entry);
  forgetOldest(entries, maxJobs);
  return entry;
}

/** Those that were asked for longest ago go first, unless a call of theirs is under way. */
function forgetOldest(entries: Map<string, Entry>, maxJobs: number): void {
  for (const [job, { started, attested }] of entries) {
    if (entries.size <= maxJobs) return;
    if (started.calls === attested.calls) entries.delete(job);
  }
}

const NONE: Tally = { calls: 0, cost: 0 };

function newEntry(state: JobState): Entry {
  return { state, readMs: 0, started: NONE, attested: NONE, attestedAtRead: NONE };
}

function sum(one: Tally, other: Tally): Tally {
  return { calls: one.calls + other.calls, cost: one.cost + other.cost };
}

function difference(one: Tally, other: Tally): Tally {
  return { calls: one.calls - other.calls, cost: one.cost - other.cost };
}
