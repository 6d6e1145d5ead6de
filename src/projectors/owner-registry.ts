import { z } from 'zod';
import { Phases } from '../events/run.ts';
import { runSequence } from '../events/scalars.ts';
import { RunEnded } from '../events/submission.ts';
import type { Projector, Queries } from './projector.ts';
import { integer, json, oneOf, type ResultRow, text, textOrNull } from './row.ts';

/** What the subnet's owner has: submissions, task sets, the rosters of its runs, and how those ended. */
export const ownerRegistry: Projector = {
  name: 'owner-registry',
  version: 1,
  schema: [
    `CREATE TABLE submission (
      id TEXT NOT NULL PRIMARY KEY, n INTEGER NOT NULL, miner TEXT NOT NULL, family TEXT NOT NULL,
      archive TEXT NOT NULL, bytes INTEGER NOT NULL, manifest TEXT NOT NULL, time TEXT NOT NULL
    ) STRICT`,
    'CREATE INDEX submission_by_miner ON submission (miner, family, n)',
    `CREATE TABLE task_set (
      digest TEXT NOT NULL PRIMARY KEY, n INTEGER NOT NULL, family TEXT NOT NULL, tasks INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE roster (
      family TEXT NOT NULL, run TEXT NOT NULL, sequence INTEGER NOT NULL, roster TEXT NOT NULL,
      document TEXT NOT NULL, task_set TEXT NOT NULL, epoch INTEGER NOT NULL, phases TEXT NOT NULL,
      sample INTEGER, tasks TEXT NOT NULL, submissions TEXT NOT NULL, time TEXT NOT NULL,
      PRIMARY KEY (family, run)
    ) STRICT`,
    'CREATE INDEX roster_by_sequence ON roster (sequence)',
    `CREATE TABLE ended (
      family TEXT NOT NULL, run TEXT NOT NULL, winner TEXT, score INTEGER, reason TEXT NOT NULL, time TEXT NOT NULL,
      PRIMARY KEY (family, run)
    ) STRICT, WITHOUT ROWID`,
  ],
  statements: {
    submission: `INSERT INTO submission (id, n, miner, family, archive, bytes, manifest, time)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    taskSet: `INSERT INTO task_set (digest, n, family, tasks)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    roster: `INSERT INTO roster (family, run, sequence, roster, document, task_set, epoch, phases, sample, tasks, submissions, time)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, value ->> 11
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    ended: `INSERT INTO ended (family, run, winner, score, reason, time)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
  },
  project({ event, n, time }) {
    switch (event.type) {
      case 'submission.received.v1': {
        const { submission, miner, for: family, archive, bytes, manifest } = event.data;
        const row = [submission, n, miner, family, archive, bytes, manifest, time];
        return [{ statement: 'submission', rows: [row] }];
      }
      case 'task-set.published.v1': {
        const { for: family, taskSet, tasks } = event.data;
        return [{ statement: 'taskSet', rows: [[taskSet, n, family, tasks]] }];
      }
      case 'roster.published.v1': {
        const { family, run, roster, document, taskSet, epoch, sample } = event.data;
        const { phases, tasks, submissions } = event.data;
        const lists = [JSON.stringify(tasks), JSON.stringify(submissions)];
        const first = [family, run, runSequence(run), roster, document, taskSet, epoch];
        const row = [...first, JSON.stringify(phases), sample, ...lists, time];
        return [{ statement: 'roster', rows: [row] }];
      }
      case 'run.ended.v1': {
        const { family, run, winner, score, reason } = event.data;
        return [{ statement: 'ended', rows: [[family, run, winner, score, reason, time]] }];
      }
      default:
        return [];
    }
  },
};

/** A submission that was received; `order` counts events, so that the earlier one is the lower. */
export type Submission = Readonly<{
  submission: string;
  order: number;
  miner: string;
  family: string;
  archive: string;
  bytes: number;
  /** SHA-256 of its manifest's EJ1 text. */
  manifest: string;
  time: string;
}>;

/** Why a run has the winner that it has. */
export type RunEndReason = z.infer<typeof RunEnded.data>['reason'];

/** A run of the owner's: from its roster on. */
export type OwnerRun = Readonly<{
  family: string;
  run: string;
  sequence: number;
  roster: string;
  /** SHA-256 of the roster's document. */
  document: string;
  taskSet: string;
  epoch: number;
  phases: Phases;
  sample: number | null;
  tasks: readonly string[];
  submissions: readonly string[];
  /** When its roster was published. */
  time: string;
  /** Null while it is open. */
  ended: Readonly<{
    winner: string | null;
    score: number | null;
    reason: RunEndReason;
    time: string;
  }> | null;
}>;

/** Runs by sequence, the newest first; of one family if it is named. */
export async function ownerRuns(
  queries: Queries,
  { family, limit, offset = 0 }: { family?: string | undefined; limit: number; offset?: number },
): Promise<readonly OwnerRun[]> {
  const sql = `${RUNS} WHERE ?1 IS NULL OR family = ?1 ORDER BY sequence DESC, family LIMIT ?2 OFFSET ?3`;
  return (await queries.all(sql, [family ?? null, limit, offset])).map(toRun);
}

/** The runs that have not ended, the oldest first. */
export async function openRuns(queries: Queries): Promise<readonly OwnerRun[]> {
  return (await queries.all(`${RUNS} WHERE reason IS NULL ORDER BY sequence, family`)).map(toRun);
}

/** The newest run that ended; of one family if it is named, and before a sequence if that is given. */
export async function latestEnded(
  queries: Queries,
  { family, before }: { family?: string | undefined; before?: number | undefined },
): Promise<OwnerRun | null> {
  const sql = `${RUNS} WHERE reason IS NOT NULL AND (?1 IS NULL OR family = ?1) AND (?2 IS NULL OR sequence < ?2)
    ORDER BY sequence DESC LIMIT 1`;
  return (await queries.all(sql, [family ?? null, before ?? null])).map(toRun)[0] ?? null;
}

/** Who won the newest run of a family, before a sequence, that has a winner. */
export async function previousWinner(
  queries: Queries,
  family: string,
  before: number,
): Promise<string | null> {
  const sql = `SELECT winner FROM ended JOIN roster USING (family, run)
    WHERE family = ?1 AND sequence < ?2 AND winner IS NOT NULL ORDER BY sequence DESC LIMIT 1`;
  return (await queries.all(sql, [family, before])).map((row) => text(row, 'winner'))[0] ?? null;
}

/** The runs of this name, at most one a family; of one family if it is named. */
export async function runsNamed(
  queries: Queries,
  run: string,
  family?: string,
): Promise<readonly OwnerRun[]> {
  const sql = `${RUNS} WHERE run = ?1 AND (?2 IS NULL OR family = ?2) ORDER BY family`;
  return (await queries.all(sql, [run, family ?? null])).map(toRun);
}

/** A run of a family; null where there is none of that name. */
export async function findOwnerRun(
  queries: Queries,
  family: string,
  run: string,
): Promise<OwnerRun | null> {
  return (await runsNamed(queries, run, family))[0] ?? null;
}

/** The runs whose tasks are this set. */
export async function runsOfTaskSet(
  queries: Queries,
  digest: string,
): Promise<readonly OwnerRun[]> {
  return (await queries.all(`${RUNS} WHERE task_set = ?1 ORDER BY sequence`, [digest])).map(toRun);
}

/** Every submission of a miner, the oldest first. */
export async function submissionsOf(
  queries: Queries,
  miner: string,
): Promise<readonly Submission[]> {
  const sql = 'SELECT * FROM submission WHERE miner = ?1 ORDER BY n';
  return (await queries.all(sql, [miner])).map(toSubmission);
}

/** The newest submission of each miner of a family, the oldest first: who takes part in its next run. */
export async function currentSubmissions(
  queries: Queries,
  family: string,
): Promise<readonly Submission[]> {
  const sql = `SELECT * FROM submission WHERE n IN (
      SELECT max(n) FROM submission WHERE family = ?1 GROUP BY miner
    ) ORDER BY n`;
  return (await queries.all(sql, [family])).map(toSubmission);
}

/** The submissions of these names, in the order of the log. */
export async function submissionsNamed(
  queries: Queries,
  names: readonly string[],
): Promise<readonly Submission[]> {
  const sql = 'SELECT * FROM submission WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY n';
  return (await queries.all(sql, [JSON.stringify(names)])).map(toSubmission);
}

/** The newest submissions of all miners, the newest first. */
export async function listSubmissions(
  queries: Queries,
  { limit }: { limit: number },
): Promise<readonly Submission[]> {
  const rows = await queries.all('SELECT * FROM submission ORDER BY n DESC LIMIT ?1', [limit]);
  return rows.map(toSubmission);
}

/** The family that a task set was published for; null where none of that digest was. */
export async function taskSetFamily(queries: Queries, digest: string): Promise<string | null> {
  const rows = await queries.all('SELECT family FROM task_set WHERE digest = ?1', [digest]);
  return rows.map((row) => text(row, 'family'))[0] ?? null;
}

/** The digest of the task set that was published last for a family; null where there is none. */
export async function newestTaskSet(queries: Queries, family: string): Promise<string | null> {
  const sql = 'SELECT digest FROM task_set WHERE family = ?1 ORDER BY n DESC LIMIT 1';
  return (await queries.all(sql, [family])).map((row) => text(row, 'digest'))[0] ?? null;
}

const RUNS = `SELECT roster.*, winner, score, reason, ended.time AS ended_time
  FROM roster LEFT JOIN ended USING (family, run)`;

const Names = z.array(z.string());
const reasons = RunEnded.data.shape.reason.options;

function toRun(row: ResultRow): OwnerRun {
  const ended =
    row['reason'] === null
      ? null
      : {
          winner: textOrNull(row, 'winner'),
          score: row['score'] === null ? null : integer(row, 'score'),
          reason: oneOf(row, 'reason', reasons),
          time: text(row, 'ended_time'),
        };
  return {
    family: text(row, 'family'),
    run: text(row, 'run'),
    sequence: integer(row, 'sequence'),
    roster: text(row, 'roster'),
    document: text(row, 'document'),
    taskSet: text(row, 'task_set'),
    epoch: integer(row, 'epoch'),
    phases: json(row, 'phases', Phases),
    sample: row['sample'] === null ? null : integer(row, 'sample'),
    tasks: json(row, 'tasks', Names),
    submissions: json(row, 'submissions', Names),
    time: text(row, 'time'),
    ended,
  };
}

function toSubmission(row: ResultRow): Submission {
  return {
    submission: text(row, 'id'),
    order: integer(row, 'n'),
    miner: text(row, 'miner'),
    family: text(row, 'family'),
    archive: text(row, 'archive'),
    bytes: integer(row, 'bytes'),
    manifest: text(row, 'manifest'),
    time: text(row, 'time'),
  };
}
