import type { z } from 'zod';
import { LeaseEnded } from '../events/submission.ts';
import type { Projector, Queries } from './projector.ts';
import { integer, oneOf, type ResultRow, text } from './row.ts';

/** Which validator had which task, and what it sent of it. The first result of an evaluation stands. */
export const ownerEvaluations: Projector = {
  name: 'owner-evaluations',
  version: 1,
  schema: [
    `CREATE TABLE lease (
      evaluation TEXT NOT NULL, attempt INTEGER NOT NULL, family TEXT NOT NULL, run TEXT NOT NULL,
      task TEXT NOT NULL, validator TEXT NOT NULL, expires TEXT NOT NULL,
      PRIMARY KEY (evaluation, attempt)
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX lease_by_validator ON lease (family, run, validator)',
    `CREATE TABLE lease_ended (
      evaluation TEXT NOT NULL, attempt INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (evaluation, attempt)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE result (
      evaluation TEXT NOT NULL PRIMARY KEY, family TEXT NOT NULL, run TEXT NOT NULL, task TEXT NOT NULL,
      validator TEXT NOT NULL, oracle_cost INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    'CREATE INDEX result_by_validator ON result (family, run, validator)',
    `CREATE TABLE score (
      evaluation TEXT NOT NULL, family TEXT NOT NULL, run TEXT NOT NULL, validator TEXT NOT NULL,
      miner TEXT NOT NULL, score INTEGER, PRIMARY KEY (family, run, miner, evaluation)
    ) STRICT, WITHOUT ROWID`,
  ],
  statements: {
    lease: `INSERT INTO lease (evaluation, attempt, family, run, task, validator, expires)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    leaseEnded: `INSERT INTO lease_ended (evaluation, attempt, reason)
      SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    result: `INSERT INTO result (evaluation, family, run, task, validator, oracle_cost)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    score: `INSERT INTO score (evaluation, family, run, validator, miner, score)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
  },
  project({ event }) {
    switch (event.type) {
      case 'task.leased.v1': {
        const { evaluation, attempt, family, run, task, validator, expires } = event.data;
        const row = [evaluation, attempt, family, run, task, validator, expires];
        return [{ statement: 'lease', rows: [row] }];
      }
      case 'lease.ended.v1': {
        const { evaluation, attempt, reason } = event.data;
        return [{ statement: 'leaseEnded', rows: [[evaluation, attempt, reason]] }];
      }
      case 'result.received.v1': {
        const { evaluation, family, run, task, validator, oracleCost, scores } = event.data;
        const rows = scores.map(({ miner, score }) => [
          evaluation,
          family,
          run,
          validator,
          miner,
          score,
        ]);
        return [
          { statement: 'result', rows: [[evaluation, family, run, task, validator, oracleCost]] },
          { statement: 'score', rows },
        ];
      }
      default:
        return [];
    }
  },
};

/** The last lease of an evaluation. */
export type Lease = Readonly<{
  evaluation: string;
  attempt: number;
  family: string;
  run: string;
  task: string;
  validator: string;
  expires: string;
  /** `held` until something ended it; whether its time is over is the clock's to say. */
  status: 'held' | 'evaluated' | LeaseEndReason;
}>;
type LeaseEndReason = z.infer<typeof LeaseEnded.data>['reason'];

/** The last lease of each task that a validator had of a run. */
export async function leasesOf(
  queries: Queries,
  at: Readonly<{ family: string; run: string; validator: string }>,
): Promise<readonly Lease[]> {
  const sql = `${LEASES} WHERE family = ?1 AND run = ?2 AND validator = ?3 ${LAST}`;
  return (await queries.all(sql, [at.family, at.run, at.validator])).map(toLease);
}

/** The leases of a run that nothing has ended: neither a result nor an end. */
export async function heldLeases(
  queries: Queries,
  at: Readonly<{ family: string; run: string }>,
): Promise<readonly Lease[]> {
  const sql = `${LEASES} WHERE family = ?1 AND run = ?2 ${LAST}`;
  const leases = (await queries.all(sql, [at.family, at.run])).map(toLease);
  return leases.filter(({ status }) => status === 'held');
}

/** The last lease of an evaluation; null where there never was one. */
export async function leaseOf(queries: Queries, evaluation: string): Promise<Lease | null> {
  const sql = `${LEASES} WHERE evaluation = ?1 ${LAST}`;
  return (await queries.all(sql, [evaluation])).map(toLease)[0] ?? null;
}

/** What one validator's results say of a miner: the sum of its scores in 1e-9, and how many there are. */
export type MinerTally = Readonly<{
  validator: string;
  miner: string;
  sum: number;
  /** Tasks with a score. */
  judged: number;
  /** Tasks whose result has none, by the validator's own fault. */
  excused: number;
}>;

/** The tallies of a run, by validator and miner. */
export async function resultTallies(
  queries: Queries,
  at: Readonly<{ family: string; run: string }>,
): Promise<readonly MinerTally[]> {
  const sql = `SELECT validator, miner, coalesce(sum(score), 0) AS sum,
      count(score) AS judged, count(*) - count(score) AS excused
    FROM score WHERE family = ?1 AND run = ?2 GROUP BY validator, miner ORDER BY validator, miner`;
  return (await queries.all(sql, [at.family, at.run])).map((row) => ({
    validator: text(row, 'validator'),
    miner: text(row, 'miner'),
    sum: integer(row, 'sum'),
    judged: integer(row, 'judged'),
    excused: integer(row, 'excused'),
  }));
}

/** How many results of a validator in a run name each miner. */
export async function resultCounts(
  queries: Queries,
  at: Readonly<{ family: string; run: string; validator: string }>,
): Promise<ReadonlyMap<string, number>> {
  const sql = `SELECT miner, count(*) AS results FROM score
    WHERE family = ?1 AND run = ?2 AND validator = ?3 GROUP BY miner`;
  const rows = await queries.all(sql, [at.family, at.run, at.validator]);
  return new Map(rows.map((row) => [text(row, 'miner'), integer(row, 'results')]));
}

const LEASES = `SELECT lease.*, CASE WHEN result.evaluation IS NOT NULL THEN 'evaluated' ELSE coalesce(reason, 'held') END AS status
  FROM lease LEFT JOIN lease_ended USING (evaluation, attempt)
  LEFT JOIN (SELECT evaluation FROM result) AS result USING (evaluation)`;

const LAST = `AND attempt = (SELECT max(attempt) FROM lease AS other WHERE other.evaluation = lease.evaluation)`;

const statuses = ['held', 'evaluated', ...LeaseEnded.data.shape.reason.options] as const;

function toLease(row: ResultRow): Lease {
  return {
    evaluation: text(row, 'evaluation'),
    attempt: integer(row, 'attempt'),
    family: text(row, 'family'),
    run: text(row, 'run'),
    task: text(row, 'task'),
    validator: text(row, 'validator'),
    expires: text(row, 'expires'),
    status: oneOf(row, 'status', statuses),
  };
}
