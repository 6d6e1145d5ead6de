import { closedBecause } from '../job-gate.ts';
import type { JobState } from '../ledger/ledger-port.ts';
import type { Reservations } from '../reservations.ts';
import { type SeeDeps, seeJob } from '../see-job.ts';
import { type CallRules, decideCall, type Refusal, refuse } from './decide-call.ts';

/** What became of a call at the ledger: where it did not answer, it may have it all the same. */
export type Attested = 'taken' | 'refused' | 'unavailable';

/** A call that may be made: its place and its price are held until `leave`. */
type Admitted = Readonly<{ kind: 'admitted'; leave: (attested: Attested) => void }>;

export type JobDesk = Readonly<{
  /** Asks the ledger, and holds the call's place and the most that it can cost in the moment of the decision. */
  admit: (
    asked: Readonly<{ job: string; asked: number | null; call: string }>,
    rules: CallRules,
  ) => Promise<Admitted | Refusal>;
  /** Why nothing may be called for a job now; null for one that is open, which the ledger is asked once a second. */
  whyClosed: (job: string) => Promise<Refusal | null>;
  /** Forgets how many calls were made here; those in the ledger count all the same. Gives the number of jobs. */
  reset: () => number;
}>;

/** How long the ledger's word that a job is open is good for, where nothing is spent on it. */
const FRESH_MS = 1_000;

/** Jobs that are remembered: many times what a validator has under way at once. */
const MAX_JOBS = 4_096;

/** Calls of one miner under way at once: a task's turn is no load test. */
const MAX_AT_ONCE = 8;

/** Who was refused for what is under way is refused again so long without a question to the ledger. */
const REFUSED_MS = 250;

/** As often as calls that are under way can end while the ledger is asked. */
const MAX_QUESTIONS = MAX_AT_ONCE;

/** A write whose sender gave up may still wait at the ledger, which has at most some seconds of work before it. */
const LATE_MS = 10_000;

type Entry = {
  state: JobState;
  readMs: number;
  /** When it was last refused, by an answer of the ledger. */
  refusedMs: number;
  /** Calls made here, under way or attested. */
  made: number;
};

type DeskDeps = SeeDeps &
  Readonly<{
    reservations: Pick<Reservations, 'reading' | 'hold' | 'underWay'>;
    maxJobs?: number;
  }>;

type Desk = DeskDeps &
  Readonly<{
    entries: Map<string, Entry>;
    /** Held for calls of which the ledger did not say whether it has them; in the order of their times. */
    unsure: Readonly<{ held: Disposable; untilMs: number }>[];
  }>;

/**
 * The calls of jobs at one service, which together never exceed what the ledger says is left of a job: those that it
 * may not know of are held here. Beyond that it knows nothing that the ledger does not know better: a job that is
 * forgotten, or a service that starts anew, still has the calls that are in the ledger. What other services have under
 * way, and have not attested, nobody knows: each can exceed a job by as much as it has under way at once.
 */
export function createJobDesk(deps: DeskDeps): JobDesk {
  const desk: Desk = { ...deps, entries: new Map(), unsure: [] };
  return {
    admit: (asked, rules) => admit(asked, rules, desk),
    whyClosed: (job) => whyClosed(job, desk),
    reset: () => {
      const { size } = desk.entries;
      desk.entries.clear();
      return size;
    },
  };
}

async function admit(
  { job, asked, call }: Parameters<JobDesk['admit']>[0],
  rules: CallRules,
  desk: Desk,
): Promise<Admitted | Refusal> {
  const { nowMs } = desk;
  releaseLate(desk);
  const known = desk.entries.get(job);
  const again = known === undefined ? null : knownRefusal(known, asked, rules, nowMs());
  if (again !== null) return again;
  for (let question = 1; ; question++) {
    const answer = await askOnce({ job, asked, call }, rules, desk);
    if (answer.kind !== 'unsure') return answer;
    if (question === MAX_QUESTIONS) return answer.refusal;
  }
}

/** Decides on a call by one answer of the ledger; unsure where it is refused for calls that may be counted twice. */
async function askOnce(
  { job, asked, call }: Parameters<JobDesk['admit']>[0],
  rules: CallRules,
  desk: Desk,
): Promise<Admitted | Refusal | Readonly<{ kind: 'unsure'; refusal: Refusal }>> {
  const { reservations, nowMs } = desk;
  const found = await seeJob(job, desk);
  if (found.kind === 'refused') return found;
  using seen = found.seen;
  if (seen.job === null) return refuse(404, 'job not found');
  const entry = remember(seen.job, seen.askedMs, desk);
  const held = seen.held();
  const view = {
    job: seen.job,
    nowMs: nowMs(),
    calls: seen.job.calls + held.size,
    here: entry.made,
    held: [...held.values()].reduce((sum, amount) => sum + amount, 0),
    asked,
  };
  const refusal = decideCall(view, rules);
  if (refusal !== null && seen.unsure()) return { kind: 'unsure', refusal };
  if (refusal !== null) {
    entry.refusedMs = nowMs();
    return refusal;
  }
  if (reservations.underWay(job) >= MAX_AT_ONCE)
    return refuse(429, 'too many calls of this job at once');
  entry.made += 1;
  const hold = reservations.hold(job, call, rules.price);
  return {
    kind: 'admitted',
    leave: (attested) => {
      if (attested !== 'taken') entry.made -= 1;
      if (attested === 'unavailable') desk.unsure.push({ held: hold, untilMs: nowMs() + LATE_MS });
      else hold[Symbol.dispose]();
    },
  };
}

/** Why a call is refused by what is known already: what was called and spent only grows, and what is pending may end. */
function knownRefusal(
  { state, refusedMs, made }: Entry,
  asked: number | null,
  rules: CallRules,
  nowMs: number,
): Refusal | null {
  const job = nowMs - refusedMs < REFUSED_MS ? state : { ...state, pending: [] };
  return decideCall({ job, nowMs, calls: job.calls, here: made, held: 0, asked }, rules);
}

async function whyClosed(job: string, desk: Desk): Promise<Refusal | null> {
  const known = desk.entries.get(job);
  // A job that is closed stays so.
  if (known !== undefined && (!known.state.open || desk.nowMs() - known.readMs < FRESH_MS))
    return closedBecause(known.state, desk.nowMs());
  const found = await seeJob(job, desk);
  if (found.kind === 'refused') return found;
  using seen = found.seen;
  if (seen.job !== null) remember(seen.job, seen.askedMs, desk);
  return closedBecause(seen.job, desk.nowMs());
}

/** Whoever was asked for longest ago is forgotten first. */
function remember(state: JobState, readMs: number, { entries, maxJobs = MAX_JOBS }: Desk): Entry {
  const fresh = { state, readMs, refusedMs: Number.NEGATIVE_INFINITY, made: 0 };
  const entry = entries.get(state.job) ?? fresh;
  Object.assign(entry, { state, readMs });
  entries.delete(state.job);
  entries.set(state.job, entry);
  const [oldest] = entries.keys();
  if (entries.size > maxJobs && oldest !== undefined) entries.delete(oldest);
  return entry;
}

/** Lets go of what the ledger would have by now: from here on it says itself whether it does. */
function releaseLate({ unsure, nowMs }: Desk): void {
  const first = unsure.findIndex(({ untilMs }) => untilMs > nowMs());
  for (const { held } of unsure.splice(0, first < 0 ? unsure.length : first))
    held[Symbol.dispose]();
}
