import { documentsOf } from '../../projectors/evaluation-queries.ts';
import type { Queries } from '../../projectors/projector.ts';
import { listRuns, type Run } from '../../projectors/run-state.ts';

/** Between two looks at which runs are old: a run takes days. */
const LOOK_EVERY_MS = 600_000;

/** Runs that are looked at, the newest ones: years of them. */
const MAX_RUNS = 1_000;

/** Files that go in one round: it takes some tenths of a second. */
const MAX_REMOVED = 500;

export type SweepDeps = Readonly<{
  queries: Readonly<{ runState: Queries; evaluation: Queries }>;
  has: (digest: string) => Promise<boolean>;
  /** Removes a document; fine where there is none. */
  remove: (digest: string) => Promise<void>;
  clock: () => number;
  /** Told of a run whose documents begin to go. */
  onSweep: (run: string, documents: number) => void;
}>;

/**
 * Removes the documents of old runs, some in each round: archives, task sets, answers, transcripts and what else scores rest
 * on, but none that a run names whose documents are kept. Rosters and references stay, because others serve and share
 * them; so does the whole log, which is all that bundles and audits need.
 */
export function createSweeper(keep: number, deps: SweepDeps): () => Promise<void> {
  const swept = new Set<string>();
  const queue: string[] = [];
  let lookAt = 0;
  return async () => {
    if (queue.length === 0 && deps.clock() >= lookAt) {
      lookAt = deps.clock() + LOOK_EVERY_MS;
      queue.push(...(await documentsToGo(keep, swept, deps)));
    }
    for (const digest of queue.splice(0, MAX_REMOVED)) await deps.remove(digest);
  };
}

/**
 * Which runs' documents may go, of all runs with the newest first: those that are done, and older than the newest `keep`.
 * Whatever else there is keeps its own.
 */
export function decideSweep<R extends Pick<Run, 'done'>>(
  runs: readonly R[],
  keep: number,
): Readonly<{ old: readonly R[]; kept: readonly R[] }> {
  const isOld = ({ done }: R, index: number): boolean => done && index >= keep;
  return {
    old: runs.filter(isOld),
    kept: runs.filter((run, index) => !isOld(run, index)),
  };
}

async function documentsToGo(
  keep: number,
  swept: Set<string>,
  { queries, has, onSweep }: SweepDeps,
): Promise<readonly string[]> {
  const { old, kept } = decideSweep(await listRuns(queries.runState, { limit: MAX_RUNS }), keep);
  const next = old.filter(({ family, run }) => !swept.has(`${family}/${run}`));
  if (next.length === 0) return [];
  const lists = await Promise.all(kept.map((run) => documentsOf(queries.evaluation, run)));
  const needed = new Set(lists.flat());
  const going: string[] = [];
  for (const run of next) {
    swept.add(`${run.family}/${run.run}`);
    const documents = await documentsOf(queries.evaluation, run);
    const own = documents.filter((digest) => !needed.has(digest));
    // They go in their order: where the last one is gone an earlier process removed them all.
    const last = own.at(-1);
    if (last === undefined || !(await has(last))) continue;
    onSweep(run.run, own.length);
    going.push(...own);
  }
  return going;
}
