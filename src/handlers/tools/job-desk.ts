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
  /** Forgets how many calls were made here; those in the ledger count all the same. Gives the number of jobs. */
  reset: () => number;
}>;

/** How long the ledger's word that a job is open is good for. */
const FRESH_MS = 1_000;

/** Jobs that are remembered: many times what a validator has under way at once. */
const MAX_JOBS = 4_096;

/** Calls of one job under way at once: a task's turn is no load test. */
const MAX_AT_ONCE = 8;

type Entry = {
  state: JobState;
  readMs: number;
  /** Calls made here, those that are in the ledger, and how many of those were when `state` was asked for. */
  started: number;
  attested: number;
  attestedAtRead: number;
};

/**
 * The calls of jobs at one service. It knows nothing that the ledger does not know better: what it remembers saves
 * asking for a second, and is bounded by the number of jobs. A job that is forgotten, or a service that starts anew,
 * still has the calls that are in the ledger.
 */
export function createJobDesk(
  deps: Readonly<{ ledger: Pick<LedgerClient, 'readJob'>; nowMs: () => number; maxJobs?: number }>,
): JobDesk {
  const { ledger, nowMs, maxJobs = MAX_JOBS } = deps;
  const entries = new Map<string, Entry>();

  /** The entry with a state that holds; null for a job that nobody opened. */
  async function fresh(job: string): Promise<Entry | null | Refusal> {
    const known = entries.get(job);
    // A job that is closed stays so.
    if (known !== undefined && (!known.state.open || nowMs() - known.readMs < FRESH_MS))
      return known;
    const attestedAtRead = known?.attested ?? 0;
    const read = await ledger.readJob(job);
    if (read.kind !== 'ok') return refuse(503, 'the ledger does not answer');
    if (read.job === null) return null;
    // Another call of the job may have asked meanwhile: there is one entry for both.
    const entry = entries.get(job) ?? newEntry(read.job);
    Object.assign(entry, { state: read.job, readMs: nowMs(), attestedAtRead });
    entries.delete(job);
    entries.set(job, entry);
    forgetOldest();
    return entry;
  }

  /** Those that were asked for longest ago go first, unless a call of theirs is under way. */
  function forgetOldest(): void {
    for (const [job, { started, attested }] of entries) {
      if (entries.size <= maxJobs) return;
      if (started === attested) entries.delete(job);
    }
  }

  return {
    admit: async ({ job, asked }, rules) => {
      const entry = await fresh(job);
      if (entry !== null && 'kind' in entry) return entry;
      const started = entry?.started ?? 0;
      const view = {
        job: entry?.state ?? null,
        nowMs: nowMs(),
        calls: (entry?.state.calls ?? 0) + started - (entry?.attestedAtRead ?? 0),
        here: started,
        asked,
      };
      const refusal = decideCall(view, rules);
      if (refusal !== null) return refusal;
      if (entry === null) throw new Error('a call for a job that nobody opened was admitted');
      if (started - entry.attested >= MAX_AT_ONCE)
        return refuse(429, 'too many calls of this job at once');
      entry.started += 1;
      return {
        kind: 'admitted',
        leave: (attested) => {
          if (attested) entry.attested += 1;
          else entry.started -= 1;
        },
      };
    },
    reset: () => {
      const { size } = entries;
      entries.clear();
      return size;
    },
  };
}

function newEntry(state: JobState): Entry {
  return { state, readMs: 0, started: 0, attested: 0, attestedAtRead: 0 };
}
