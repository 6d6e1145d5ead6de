import { holderOf } from '../evaluation/job-name.ts';
import type { JobState } from './ledger/ledger-port.ts';

/** What one miner may have of a service, over all its jobs: what another does takes nothing of it. */
export type GateLimits = Readonly<{
  /** Requests at once, from their headers to the end of their answers. */
  atOnce: number;
  /** Requests in a row, and in the long run. */
  burst: number;
  perSecond: number;
}>;

/** Let in: `leave` when the request is over, whatever became of it. */
export type Entered = Readonly<{ kind: 'entered'; leave: () => void }>;

export type GateRefusal = Readonly<{
  kind: 'refused';
  status: number;
  detail: string | Readonly<Record<string, unknown>>;
}>;

/** Why nothing may be called for a job now; null for one that is open. */
type WhyClosed = (job: string) => Promise<GateRefusal | null>;

export type JobGate = Readonly<{
  /** Admits a request by the job that its headers show a token of, before a byte of its body is read. */
  enter: (job: string) => Entered | GateRefusal;
  /** As `enter`, where nothing says why the job is closed. */
  enterOpen: (job: string, whyClosed: WhyClosed) => Promise<Entered | GateRefusal>;
}>;

/** Miners that are remembered: many times what a validator asks at once. */
const MAX_HOLDERS = 4_096;

type Holder = { inside: number; tokens: number; atMs: number };

/** A gate that shares a service out between miners: each has its own places and its own rate. */
export function createJobGate(
  limits: GateLimits,
  {
    elapsedMs,
  }: Readonly<{
    /** Milliseconds from any beginning. */
    elapsedMs: () => number;
  }>,
): JobGate {
  const holders = new Map<string, Holder>();

  /** Who came longest ago goes first, unless a request of his is inside. */
  function forgetOldest(): void {
    for (const [name, { inside }] of holders) {
      if (holders.size <= MAX_HOLDERS) return;
      if (inside === 0) holders.delete(name);
    }
  }

  function enter(job: string): Entered | GateRefusal {
    const name = holderOf(job);
    const now = elapsedMs();
    const known = holders.get(name) ?? { inside: 0, tokens: limits.burst, atMs: now };
    const gained = ((now - known.atMs) / 1_000) * limits.perSecond;
    known.tokens = Math.min(limits.burst, known.tokens + gained);
    known.atMs = now;
    holders.delete(name);
    holders.set(name, known);
    forgetOldest();
    if (known.inside >= limits.atOnce) return refused('too many calls of this job at once');
    if (known.tokens < 1) return refused('too many calls of this job');
    known.tokens -= 1;
    known.inside += 1;
    let inside = true;
    return {
      kind: 'entered',
      leave: () => {
        if (inside) known.inside -= 1;
        inside = false;
      },
    };
  }

  return {
    enter,
    enterOpen: async (job, whyClosed) => {
      const entered = enter(job);
      if (entered.kind === 'refused') return entered;
      const closed = await whyClosed(job);
      if (closed === null) return entered;
      entered.leave();
      return closed;
    },
  };
}

/** Why nothing may be called for a job now, of what the ledger said of it; null for one that is open. */
export function closedBecause(job: JobState | null, nowMs: number): GateRefusal | null {
  if (job === null) return { kind: 'refused', status: 404, detail: 'job not found' };
  if (!job.open || Date.parse(job.expires) <= nowMs)
    return { kind: 'refused', status: 403, detail: 'job is closed' };
  return null;
}

function refused(detail: string): GateRefusal {
  return { kind: 'refused', status: 429, detail };
}
