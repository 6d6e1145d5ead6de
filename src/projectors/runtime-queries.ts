import type { EventOf } from '../events/define-event.ts';
import { RuntimeEnded, RuntimeFailed } from '../events/runtime.ts';
import type { Queries } from './projector.ts';
import { integer, json, oneOf, type ResultRow } from './row.ts';

/** What the log says of one deployment: its last attempt, and how far that came. */
export type RuntimeRecord = Readonly<{
  family: string;
  run: string;
  submission: string;
  miner: string;
  deployment: string;
  attempt: number;
  phase: 'ready' | 'failed' | 'ended';
  /** Why the last attempt failed, if it did. */
  failure: EventOf<typeof RuntimeFailed>['data'] | null;
  /** Attempts that failed: by the submission's own fault, and by ours. */
  faults: Readonly<{ own: number; ours: number }>;
}>;

/** What every event of a runtime names. */
const Instance = RuntimeEnded.data.loose();

/** What the log says of the deployments of a run, by their name. */
export async function runtimesOfRun(
  queries: Queries,
  family: string,
  run: string,
): Promise<ReadonlyMap<string, RuntimeRecord>> {
  return recordsOf(
    await queries.all(`${RUNTIMES} WHERE family = ?1 AND run = ?2 ${IN_ORDER}`, [family, run]),
  );
}

/** The deployments, of any run, of whose end the log does not tell. */
export async function runtimesNotEnded(queries: Queries): Promise<readonly RuntimeRecord[]> {
  const sql = `${RUNTIMES} WHERE (family, run, deployment) IN (
      SELECT family, run, deployment FROM runtime GROUP BY family, run, deployment
      HAVING max(attempt) > max(CASE phase WHEN 'ended' THEN attempt ELSE 0 END)
    ) ${IN_ORDER}`;
  return [...recordsOf(await queries.all(sql)).values()];
}

const RUNTIMES = 'SELECT attempt, phase, data FROM runtime';
/** The end of an attempt comes after its failure, and that after it was ready. */
const IN_ORDER = `ORDER BY deployment, attempt, CASE phase WHEN 'ready' THEN 0 WHEN 'failed' THEN 1 ELSE 2 END`;

function recordsOf(rows: readonly ResultRow[]): ReadonlyMap<string, RuntimeRecord> {
  const records = new Map<string, RuntimeRecord>();
  for (const found of rows) {
    const phase = oneOf(found, 'phase', ['ready', 'failed', 'ended']);
    const attempt = integer(found, 'attempt');
    const { family, run, submission, miner, deployment } = json(found, 'data', Instance);
    const before = records.get(deployment);
    const faults = before?.faults ?? { own: 0, ours: 0 };
    const failed = phase === 'failed' ? json(found, 'data', RuntimeFailed.data) : null;
    const same = before?.attempt === attempt ? before.failure : null;
    records.set(deployment, {
      family,
      run,
      submission,
      miner,
      deployment,
      attempt,
      phase,
      failure: failed ?? same,
      faults:
        failed === null
          ? faults
          : { own: faults.own + (failed.ours ? 0 : 1), ours: faults.ours + (failed.ours ? 1 : 0) },
    });
  }
  return records;
}
