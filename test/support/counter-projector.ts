import type { Projector, Queries } from '#src/projectors/projector.ts';

/**
 * Counts how often each event is applied, instead of upserting: a checkpoint that moves without its
 * rows, or rows without their checkpoint, would show.
 */
export const counter: Projector = {
  name: 'counter',
  version: 1,
  schema: [
    'CREATE TABLE tally (n INTEGER PRIMARY KEY, times INTEGER NOT NULL) STRICT',
    'CREATE TABLE total (one INTEGER PRIMARY KEY, events INTEGER NOT NULL) STRICT',
    'INSERT INTO total VALUES (1, 0)',
  ],
  statements: {
    tally: `INSERT INTO tally SELECT value ->> 0, 1 FROM json_each(?1) WHERE true
      ON CONFLICT DO UPDATE SET times = times + 1`,
    total: 'UPDATE total SET events = events + (SELECT count(*) FROM json_each(?1))',
  },
  project: ({ n }) => [
    { statement: 'tally', rows: [[n]] },
    { statement: 'total', rows: [[n]] },
  ],
};

/** How many events were applied, and whether each of them was exactly once. */
export async function countOf(
  queries: Queries,
): Promise<{ events: unknown; exactlyOnce: boolean }> {
  const [total] = await queries.all('SELECT events FROM total');
  const [tally] = await queries.all(
    'SELECT count(*) AS rows, coalesce(max(times), 0) AS times FROM tally',
  );
  const events = total?.['events'];
  return { events, exactlyOnce: tally?.['rows'] === events && Number(tally?.['times']) <= 1 };
}
