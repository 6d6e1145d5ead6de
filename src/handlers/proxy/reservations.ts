/** What the calls under way may still cost, by job, and how many there are. Nothing of it outlives them. */
export type Reservations = Readonly<{
  /** Of the calls of this job that are under way, in 1e-9 USD. */
  held: (job: string) => number;
  /** Calls under way: of this job, and of all. */
  calls: (job: string) => number;
  all: () => number;
  /** Holds an amount until it is released. */
  hold: (job: string, amount: number) => Disposable;
}>;

export function createReservations(): Reservations {
  const byJob = new Map<string, { amount: number; calls: number }>();
  let all = 0;
  return {
    held: (job) => byJob.get(job)?.amount ?? 0,
    calls: (job) => byJob.get(job)?.calls ?? 0,
    all: () => all,
    hold: (job, amount) => {
      const entry = byJob.get(job) ?? { amount: 0, calls: 0 };
      byJob.set(job, entry);
      entry.amount += amount;
      entry.calls += 1;
      all += 1;
      let held = true;
      return {
        [Symbol.dispose]: () => {
          if (!held) return;
          held = false;
          entry.amount -= amount;
          entry.calls -= 1;
          all -= 1;
          if (entry.calls === 0) byJob.delete(job);
        },
      };
    },
  };
}
