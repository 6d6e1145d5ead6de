import { closedBecause, type Entered, type GateRefusal, type JobGate } from './job-gate.ts';
import type { JobState, LedgerClient } from './ledger/ledger-port.ts';
import type { Reading, Reservations } from './reservations.ts';

/** A job as the ledger told of it, with what that answer may lack. */
export type SeenJob = Reading &
  Readonly<{
    job: JobState | null;
    /** When it was asked for, in milliseconds since 1970. */
    askedMs: number;
  }>;

export type SeeDeps = Readonly<{
  ledger: Pick<LedgerClient, 'readJob'>;
  reservations: Pick<Reservations, 'reading'>;
  /** Milliseconds since 1970. */
  nowMs: () => number;
}>;

/** Asks the ledger for a job; 503 where it does not answer. */
export async function seeJob(
  job: string,
  { ledger, reservations, nowMs }: SeeDeps,
): Promise<
  | Readonly<{ kind: 'seen'; seen: SeenJob }>
  | Readonly<{ kind: 'refused'; status: 503; detail: string }>
> {
  const reading = reservations.reading(job);
  const askedMs = nowMs();
  const read = await ledger.readJob(job);
  if (read.kind === 'ok')
    return {
      kind: 'seen',
      seen: {
        job: read.job,
        askedMs,
        held: reading.held,
        unsure: reading.unsure,
        [Symbol.dispose]: () => reading[Symbol.dispose](),
      },
    };
  reading[Symbol.dispose]();
  return { kind: 'refused', status: 503, detail: 'the ledger does not answer' };
}

/** Jobs that are remembered as over: of many runs. */
const MAX_CLOSED = 4_096;

/**
 * Lets requests for open jobs in, with what the ledger told of them, so that it is not asked again for the decision. A
 * job that is over stays so: whoever kept its token costs the ledger nothing any more.
 */
export function createEntrance(
  { enter }: Pick<JobGate, 'enter'>,
  deps: SeeDeps,
): (job: string) => Promise<(Entered & Readonly<{ seen: SeenJob }>) | GateRefusal> {
  const closed = new Map<string, GateRefusal>();
  return async (job) => {
    const entered = enter(job);
    if (entered.kind === 'refused') return entered;
    const found = closed.get(job) ?? (await seeJob(job, deps));
    if (found.kind === 'refused') {
      entered.leave();
      return found;
    }
    const { seen } = found;
    const leave = (): void => {
      seen[Symbol.dispose]();
      entered.leave();
    };
    const why = closedBecause(seen.job, deps.nowMs());
    if (why === null) return { kind: 'entered', leave, seen };
    leave();
    if (seen.job !== null) closed.set(job, why);
    const [oldest] = closed.keys();
    if (closed.size > MAX_CLOSED && oldest !== undefined) closed.delete(oldest);
    return why;
  };
}
