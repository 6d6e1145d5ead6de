import { holderOf } from '../../evaluation/job-name.ts';

/**
 * What the calls under way may still cost, by job. The ledger knows of each of them as well, but answers with what was:
 * what is held here closes the gap between its answer and the decision that rests on it.
 */
export type Reservations = Readonly<{
  /** What is held of a job, in 1e-9 USD by the names of its calls. */
  held: (job: string) => ReadonlyMap<string, number>;
  /** Calls under way of the miner whose job this is: also those of its other jobs. */
  underWay: (job: string) => number;
  /** Holds an amount until it is released. */
  hold: (job: string, call: string, amount: number) => Disposable;
  /**
   * Opens before a job is read from the ledger and closes after the decision: what is released in between stays held,
   * because the ledger's answer may be of the time before.
   */
  reading: (job: string) => Disposable;
  /** Resolves once no call is under way. */
  settled: () => Promise<void>;
}>;

type Entry = { readonly amounts: Map<string, number>; readonly over: Set<string>; readers: number };

const NOTHING: ReadonlyMap<string, number> = new Map();

export function createReservations(): Reservations {
  const byJob = new Map<string, Entry>();
  const byHolder = new Map<string, number>();
  const waiting: (() => void)[] = [];

  function entryOf(job: string): Entry {
    const entry = byJob.get(job) ?? { amounts: new Map(), over: new Set(), readers: 0 };
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

  /** Lets go of what is over once nobody reads. */
  function tidy(job: string, { amounts, over, readers }: Entry): void {
    if (readers > 0) return;
    for (const call of over) amounts.delete(call);
    over.clear();
    if (amounts.size === 0) byJob.delete(job);
  }

  return {
    held: (job) => byJob.get(job)?.amounts ?? NOTHING,
    underWay: (job) => byHolder.get(holderOf(job)) ?? 0,
    hold: (job, call, amount) => {
      const entry = entryOf(job);
      entry.amounts.set(call, amount);
      count(job, 1);
      return once(() => {
        count(job, -1);
        entry.over.add(call);
        tidy(job, entry);
      });
    },
    reading: (job) => {
      const entry = entryOf(job);
      entry.readers += 1;
      return once(() => {
        entry.readers -= 1;
        tidy(job, entry);
      });
    },
    settled: () =>
      new Promise((resolve) => {
        if (byHolder.size === 0) resolve();
        else waiting.push(resolve);
      }),
  };
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
