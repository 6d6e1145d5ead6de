import type { z } from 'zod';
import { gateFigures } from '../consensus/gate-figures.ts';
import {
  DivergenceRecorded,
  DivergenceRepeated,
  OwnerPickMissed,
  OwnerPickObserved,
} from '../events/divergence.ts';
import type { GateFigures } from '../events/mode.ts';
import { runSequence } from '../events/scalars.ts';
import { WeightMode } from '../events/weights.ts';
import { fact, factOf, factSchema, factStatements, factsOf } from './facts.ts';
import type { Projector, Queries } from './projector.ts';
import { integer, json, oneOf, text } from './row.ts';

/** How far the consensus agrees with the owner's pick: the figures of the gate to `decentralized`. */
export const divergence: Projector = {
  name: 'divergence',
  version: 2,
  schema: [
    ...factSchema,
    `CREATE TABLE closed (
      family TEXT NOT NULL, run TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (family, sequence)
    ) STRICT, WITHOUT ROWID`,
    'CREATE TABLE mode (number INTEGER PRIMARY KEY, mode TEXT NOT NULL) STRICT',
  ],
  statements: {
    ...factStatements,
    closed: `INSERT INTO closed (family, run, sequence)
      SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    mode: `INSERT INTO mode (number, mode)
      SELECT value ->> 0, value ->> 1 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
  },
  project(recorded) {
    const { event } = recorded;
    switch (event.type) {
      case 'run.closed.v1': {
        const { family, run } = event.data;
        return [{ statement: 'closed', rows: [[family, run, runSequence(run)]] }];
      }
      case 'mode.changed.v1':
        return [{ statement: 'mode', rows: [[event.data.number, event.data.to]] }];
      // Of a run that is compared again the first record stands: nobody re-rolls until it agrees.
      case 'divergence.recorded.v1':
      case 'divergence.repeated.v1':
      case 'owner-pick.observed.v1':
      case 'owner-pick.missed.v1':
        return [fact(recorded, 'first')];
      default:
        return [];
    }
  },
};

export type OwnerPick = Readonly<{
  observed: z.infer<typeof OwnerPickObserved.data> | null;
  missed: z.infer<typeof OwnerPickMissed.data> | null;
}>;
export type DivergenceRecord = z.infer<typeof DivergenceRecorded.data>;

/** What the owner picked for a run, or that it gave no usable pick; both null while neither is known. */
export async function ownerPickOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<OwnerPick> {
  return {
    observed: await factOf(queries, OwnerPickObserved, family, run),
    missed: await factOf(queries, OwnerPickMissed, family, run),
  };
}

/** How a run's consensus compared with the owner's pick; null when it was not compared. */
export function divergenceOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<DivergenceRecord | null> {
  return factOf(queries, DivergenceRecorded, family, run);
}

/** Later comparisons of a run, which do not count. */
export function repeatedOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly z.infer<typeof DivergenceRepeated.data>[]> {
  return factsOf(queries, DivergenceRepeated, family, run);
}

/** The mode that the log was last written in, and how often it changed; null before the first. */
export async function lastMode(
  queries: Queries,
): Promise<Readonly<{ number: number; mode: WeightMode }> | null> {
  const sql = 'SELECT number, mode FROM mode ORDER BY number DESC LIMIT 1';
  const [row] = await queries.all(sql);
  if (row === undefined) return null;
  return { number: integer(row, 'number'), mode: oneOf(row, 'mode', WeightMode.options) };
}

/** The figures of the gate; every one can be counted again from the records. */
export type DivergenceSummary = GateFigures &
  Readonly<{
    /** By run sequence; each holds its exact rank correlation. */
    records: readonly DivergenceRecord[];
  }>;

/** The summary over a family's last `window` closed runs, by run sequence and not by time. */
export async function divergenceSummary(
  queries: Queries,
  family: string,
  window: number,
): Promise<DivergenceSummary> {
  const rows = await queries.all(WINDOW, [family, window]);
  const runs = rows.map((row) => ({
    run: text(row, 'run'),
    record: row['data'] === null ? null : json(row, 'data', DivergenceRecorded.data),
    repeated: integer(row, 'repeated'),
  }));
  return { ...gateFigures(runs, window), records: runs.flatMap(({ record }) => record ?? []) };
}

const WINDOW = `SELECT closed.run AS run, record.data AS data, (
    SELECT count(*) FROM fact AS again WHERE again.family = closed.family AND again.run = closed.run
      AND again.type = 'divergence.repeated.v1'
  ) AS repeated
  FROM (SELECT * FROM closed WHERE family = ?1 ORDER BY sequence DESC LIMIT ?2) AS closed
  LEFT JOIN fact AS record ON record.family = closed.family AND record.run = closed.run
    AND record.type = 'divergence.recorded.v1'
  ORDER BY closed.sequence`;
