import { holderOf } from '../evaluation/job-name.ts';

/**
 * What the calls under way may still cost, by job. The ledger answers with what was: what is held here closes the gap
 * between its answer and the decision that rests on it.
 */
export type Reservations = Readonly<{
  /** Calls under way of the miner whose job this is: also those of its other jobs. */
  underWay: (job: string) => number;
  /** Holds an amount until it is released. */
  hold: (job: string, call: string, amount: number) => Disposable;
  /** Opens before a job is read from the ledger and closes after the decision. */
  reading: (job: string) => Reading;
  /** Resolves once no call is under way. */
  settled: () => Promise<void>;
}>;

/** A look at a job in the ledger, from when it is asked for. */
export type Reading = Disposable &
  Readonly<{
    /**
     * What the ledger's answer may lack, in 1e-9 USD by the names of the calls: those that are under way, and those
     * that ended since it was asked.
     */
    held: () => ReadonlyMap<string, number>;
    /** Whether a call ended since: the ledger's answer may have it, too. */
    unsure: () => boolean;
  }>;

type Held = { readonly amount: number; endedAt: number | null };

type Entry = { readonly calls: Map<string, Held>; readonly readings: Set<number> };

export function createReservations(): Reservations {
  const byJob = new Map<string, Entry>();
  const byHolder = new Map<string, number>();
  const waiting: (() => void)[] = [];
  /** Counts what happens here: what happened before has the lower number. */
  let happened = 0;

  function entryOf(job: string): Entry {
    const entry = byJob.get(job) ?? { calls: new Map(), readings: new Set() };
    byJob.set(job, entry);
    return entry;
  }

  function count(job: string, change: 1 | -1): void {
    const holder = holderOf(job);
    const calls = (byHolder.get(holder) ?? 0) + change;
    if (calls === 0) byHolder.delete(holder);
    else byHolder.set(holder, calls);
    if (byHolder.size === 0) for (const told of waiting.splice(0)) told();
  }

  /** Lets go of what ended before anybody who still reads began to. */
  function tidy(job: string, { calls, readings }: Entry): void {
    // Numbers are added as they grow: the first is the lowest.
    const [first = Number.POSITIVE_INFINITY] = readings;
    for (const [call, { endedAt }] of calls)
      if (endedAt !== null && endedAt < first) calls.delete(call);
    if (calls.size + readings.size === 0) byJob.delete(job);
  }

  return {
    underWay: (job) => byHolder.get(holderOf(job)) ?? 0,
    hold: (job, call, amount) => {
      const entry = entryOf(job);
      const held: Held = { amount, endedAt: null };
      entry.calls.set(call, held);
      count(job, 1);
      return once(() => {
        count(job, -1);
        held.endedAt = ++happened;
        tidy(job, entry);
      });
    },
    reading: (job) => {
      const entry = entryOf(job);
      const begunAt = ++happened;
      entry.readings.add(begunAt);
      const over = once(() => {
        entry.readings.delete(begunAt);
        tidy(job, entry);
      });
      return {
        held: () => heldSince(begunAt, entry),
        unsure: () => [...entry.calls.values()].some(({ endedAt }) => (endedAt ?? 0) > begunAt),
        [Symbol.dispose]: () => over[Symbol.dispose](),
      };
    },
    settled: () =>
      new Promise((resolve) => {
        if (byHolder.size === 0) resolve();
        else waiting.push(resolve);
      }),
  };
}

function heldSince(begunAt: number, { calls }: Entry): ReadonlyMap<string, number> {
  const held = [...calls].filter(([, { endedAt }]) => endedAt === null || endedAt > begunAt);
  return new Map(held.map(([call, { amount }]) => [call, amount]));
}

function once(act: () => void): Disposable {
  let done = false;
  return {
    [Symbol.dispose]: () => {
      if (done) return;
      done = true;
      act();
    },
  };
}
