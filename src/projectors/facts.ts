import type { DomainEvent } from '../events/catalogue.ts';
import { type EventDefinition, type InRun, runOf } from '../events/define-event.ts';
import { encode, type Json } from '../events/ej1.ts';
import type { Recorded } from '../events/envelope.ts';
import { runSequence } from '../events/scalars.ts';
import type { Change, Queries } from './projector.ts';
import { json } from './row.ts';

/**
 * A table of whole events, for projections that look single facts of a run up. An event's id follows
 * from its natural key, so of two events that claim the same fact the first stands.
 */
export const factSchema = [
  `CREATE TABLE fact (
    family TEXT NOT NULL, run TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
    sequence INTEGER NOT NULL, n INTEGER NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (family, run, type, id)
  ) STRICT`,
  'CREATE INDEX fact_by_type ON fact (type, n)',
] as const;

const INSERT = `INSERT INTO fact (family, run, type, id, sequence, n, data)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
  FROM json_each(?1) WHERE true`;

/** `first`: the first event of an id stands. `latest`: the last one does. */
export const factStatements = {
  first: `${INSERT} ON CONFLICT DO NOTHING`,
  latest: `${INSERT} ON CONFLICT (family, run, type, id) DO UPDATE SET n = excluded.n, data = excluded.data`,
} as const;

/** The change that stores an event. */
export function fact({ event, id, n }: Recorded, statement: keyof typeof factStatements): Change {
  const at = runOf(event.data);
  if (at === null) throw new TypeError(`${event.type} belongs to no run`);
  const { family, run } = at;
  // safe: every schema of the catalogue is JSON
  const data = encode(event.data as Json);
  return { statement, rows: [[family, run, event.type, id, runSequence(run), n, data]] };
}

type Stored<Data extends InRun> = EventDefinition<DomainEvent['type'], Data>;

/** The data of a run's events of one type, in the order of the log. */
export async function factsOf<Data extends InRun>(
  queries: Queries,
  { type, data }: Stored<Data>,
  family: string,
  run: string,
): Promise<readonly Data[]> {
  const sql = 'SELECT data FROM fact WHERE family = ?1 AND run = ?2 AND type = ?3 ORDER BY n';
  return (await queries.all(sql, [family, run, type])).map((row) => json(row, 'data', data));
}

/** The data of the one event of a type that a run has; null when there is none. */
export async function factOf<Data extends InRun>(
  queries: Queries,
  definition: Stored<Data>,
  family: string,
  run: string,
): Promise<Data | null> {
  return (await factsOf(queries, definition, family, run))[0] ?? null;
}
