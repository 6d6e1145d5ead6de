import type { Projector, Queries } from './projector.ts';
import { integer, text } from './row.ts';

/** This validator's own score of every (task, miner) pair. The first result of a pair stands. */
export const scoreStore: Projector = {
  name: 'score-store',
  version: 1,
  schema: [
    `CREATE TABLE score (
      family TEXT NOT NULL, run TEXT NOT NULL, miner TEXT NOT NULL, task TEXT NOT NULL,
      status TEXT NOT NULL, score INTEGER, basis TEXT NOT NULL, evidence TEXT NOT NULL,
      PRIMARY KEY (family, run, task, miner)
    ) STRICT, WITHOUT ROWID`,
  ],
  statements: {
    score: `INSERT INTO score (family, run, miner, task, status, score, basis, evidence)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
  },
  project({ event }) {
    if (event.type !== 'score.recorded.v1') return [];
    const { family, run, miner, task, status, score, basis, evidence } = event.data;
    return [
      { statement: 'score', rows: [[family, run, miner, task, status, score, basis, evidence]] },
    ];
  },
};

/** What a miner's composite of a run is made of. A pair without a row was not evaluated. */
export type Tally = Readonly<{
  miner: string;
  /** Of the judged pairs' scores, in 1e-9; at most 256 tasks of 1e9, so an exact double. */
  sum: number;
  /** Pairs that count: scored, or failed by the miner. */
  judged: number;
  excused: number;
}>;

/** One tally for each miner that has a result in the run for a task that counts, sorted by miner. */
export async function tallies(
  queries: Queries,
  { family, run, tasks }: Readonly<{ family: string; run: string; tasks: readonly string[] }>,
): Promise<readonly Tally[]> {
  const sql = `SELECT miner, coalesce(sum(score), 0) AS sum,
      sum(status <> 'excused') AS judged, sum(status = 'excused') AS excused
    FROM score WHERE family = ?1 AND run = ?2 AND task IN (SELECT value FROM json_each(?3))
    GROUP BY miner ORDER BY miner`;
  return (await queries.all(sql, [family, run, JSON.stringify(tasks)])).map((row) => ({
    miner: text(row, 'miner'),
    sum: integer(row, 'sum'),
    judged: integer(row, 'judged'),
    excused: integer(row, 'excused'),
  }));
}

/**
 * The evidence behind those of the pairs that have a result, by `task/miner` (neither contains a
 * slash): an import that comes again is told from one that differs.
 */
export async function recordedEvidence(
  queries: Queries,
  family: string,
  run: string,
  pairs: readonly Readonly<{ task: string; miner: string }>[],
): Promise<ReadonlyMap<string, string>> {
  const sql = `SELECT task, miner, evidence FROM json_each(?3) CROSS JOIN score
    ON family = ?1 AND run = ?2 AND miner = value ->> 1 AND task = value ->> 0`;
  const wanted = JSON.stringify(pairs.map(({ task, miner }) => [task, miner]));
  const rows = await queries.all(sql, [family, run, wanted]);
  return new Map(
    rows.map((row) => [`${text(row, 'task')}/${text(row, 'miner')}`, text(row, 'evidence')]),
  );
}
