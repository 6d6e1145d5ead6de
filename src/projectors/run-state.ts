import { z } from 'zod';
import type { InRun } from '../events/define-event.ts';
import { Phases, RunClosed } from '../events/run.ts';
import { runSequence } from '../events/scalars.ts';
import type { Projector, Queries } from './projector.ts';
import { integer, integerOrNull, json, oneOf, type ResultRow, text } from './row.ts';

/** Which runs there are, and which still need something done. */
export const runState: Projector = {
  name: 'run-state',
  version: 4,
  schema: [
    `CREATE TABLE opened (
      family TEXT NOT NULL, run TEXT NOT NULL, sequence INTEGER NOT NULL, n INTEGER NOT NULL,
      roster TEXT NOT NULL, phases TEXT NOT NULL, miners TEXT NOT NULL, tasks TEXT NOT NULL,
      PRIMARY KEY (family, run)
    ) STRICT`,
    'CREATE INDEX opened_by_sequence ON opened (sequence, n)',
    `CREATE TABLE measured (
      family TEXT NOT NULL, run TEXT NOT NULL, sample INTEGER, PRIMARY KEY (family, run)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE closed (
      family TEXT NOT NULL, run TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (family, run)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE done (
      family TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (family, run)
    ) STRICT, WITHOUT ROWID`,
  ],
  statements: {
    opened: `INSERT INTO opened (family, run, sequence, n, roster, phases, miners, tasks)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    measured: `INSERT INTO measured (family, run, sample)
      SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    closed: `INSERT INTO closed (family, run, reason)
      SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    done: `INSERT INTO done (family, run)
      SELECT value ->> 0, value ->> 1 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
  },
  project({ event, n }) {
    switch (event.type) {
      case 'run.opened.v1': {
        const { family, run, roster, phases, miners, tasks } = event.data;
        const lists = [phases, miners, tasks].map((list) => JSON.stringify(list));
        return [
          { statement: 'opened', rows: [[family, run, runSequence(run), n, roster, ...lists]] },
        ];
      }
      case 'roster.accepted.v1':
        return [{ statement: 'measured', rows: [[...runColumns(event.data), event.data.sample]] }];
      case 'run.closed.v1':
        return [{ statement: 'closed', rows: [[...runColumns(event.data), event.data.reason]] }];
      case 'weights.intended.v1':
        // A null vector is nothing to set: such a run ends with its intent.
        return event.data.vector === null
          ? [{ statement: 'done', rows: [runColumns(event.data)] }]
          : [];
      case 'weights.superseded.v1':
        return [{ statement: 'done', rows: [runColumns(event.data)] }];
      default:
        return [];
    }
  },
};

function runColumns({ family, run }: InRun): readonly [string, string] {
  return [family, run];
}

export type Run = Readonly<{
  family: string;
  run: string;
  /** 7 for `run-7`. */
  sequence: number;
  /** Index of its `run.opened` in the log. */
  openedN: number;
  roster: string;
  phases: Phases;
  miners: readonly string[];
  tasks: readonly string[];
  /** How many of the tasks count, chosen by the snapshot block; null where all do. */
  sample: number | null;
  /** Whether this validator measures it itself, by a roster that it accepted. */
  measured: boolean;
  status: 'open' | 'closed';
  /** Null while the run is open. */
  closedReason: z.infer<typeof RunClosed.data>['reason'] | null;
  /** Its weights are superseded or given up: what is left are extrinsics that were signed, and its anchor. */
  done: boolean;
}>;

/** A run that was opened; null when there is none of that name. */
export async function findRun(queries: Queries, family: string, run: string): Promise<Run | null> {
  const rows = await queries.all(`${RUNS} WHERE family = ?1 AND run = ?2`, [family, run]);
  return rows.map(toRun)[0] ?? null;
}

/** Runs by sequence, the newest first; of all families or of one. */
export async function listRuns(
  queries: Queries,
  { family, limit }: { family?: string; limit: number },
): Promise<readonly Run[]> {
  const sql = `${RUNS} WHERE ?1 IS NULL OR family = ?1 ORDER BY sequence DESC, n DESC LIMIT ?2`;
  return (await queries.all(sql, [family ?? null, limit])).map(toRun);
}

/** The runs whose weights are neither superseded nor given up, the oldest first: what the handlers still work on. */
export async function unfinishedRuns(queries: Queries): Promise<readonly Run[]> {
  const sql = `${RUNS} WHERE (family, run) NOT IN (SELECT family, run FROM done) ORDER BY sequence, n`;
  return (await queries.all(sql)).map(toRun);
}

const RUNS = `SELECT family, run, sequence, n, roster, phases, miners, tasks, sample, reason AS closed_reason,
    (family, run) IN (SELECT family, run FROM measured) AS measured,
    (family, run) IN (SELECT family, run FROM done) AS done
  FROM opened LEFT JOIN measured USING (family, run) LEFT JOIN closed USING (family, run)`;

const Names = z.array(z.string());
const closedReasons = RunClosed.data.shape.reason.options;

function toRun(row: ResultRow): Run {
  const closedReason =
    row['closed_reason'] === null ? null : oneOf(row, 'closed_reason', closedReasons);
  return {
    family: text(row, 'family'),
    run: text(row, 'run'),
    sequence: integer(row, 'sequence'),
    openedN: integer(row, 'n'),
    roster: text(row, 'roster'),
    phases: json(row, 'phases', Phases),
    miners: json(row, 'miners', Names),
    tasks: json(row, 'tasks', Names),
    sample: integerOrNull(row, 'sample'),
    measured: integer(row, 'measured') === 1,
    status: closedReason === null ? 'open' : 'closed',
    closedReason,
    done: integer(row, 'done') === 1,
  };
}
