import type { Runtimes } from '../../cluster/cluster.ts';
import type { RunPlan } from './run-plan.ts';

/** A run whose submissions do not all find room at once: they take turns. */
export type Crowded = Readonly<{ run: string; members: number; room: number }>;

/** A quota is changed by hand, and seldom. */
const ASK_MS = 300_000;

/**
 * Compares how many submissions each run has with how many the cluster holds at once. `onCrowded` is told of a run once
 * for each pair of figures.
 */
export function createRoom({
  runtimes,
  clock,
  onCrowded,
}: Readonly<{
  runtimes: Pick<Runtimes, 'capacity'>;
  clock: () => number;
  onCrowded: (crowded: Crowded) => void;
}>) {
  let room: number | null = null;
  let askAt = Number.NEGATIVE_INFINITY;
  const told = new Map<string, string>();
  return async (plans: readonly RunPlan[]): Promise<readonly Crowded[]> => {
    if (plans.length > 0 && clock() >= askAt) {
      askAt = clock() + ASK_MS;
      room = await runtimes.capacity();
    }
    const known = room;
    if (known === null) return [];
    const crowded = plans
      .map(({ run, members }) => ({ run, members: members.length, room: known }))
      .filter(({ members }) => members > known);
    for (const each of crowded) {
      const figures = `${each.members}/${each.room}`;
      if (told.get(each.run) !== figures) onCrowded(each);
      told.set(each.run, figures);
    }
    for (const run of told.keys()) if (!plans.some((plan) => plan.run === run)) told.delete(run);
    return crowded;
  };
}
