import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { validatorEvents } from '#src/events/catalogue.ts';
import { projectors } from '#src/projectors/all.ts';
import type { Projector, Queries } from '#src/projectors/projector.ts';
import { openProjection } from '#src/runtime/projection.ts';
import { IN_MEMORY } from '#src/runtime/sqlite.ts';

import { cut, recordAll, SOURCE } from '../support/recorded-events.ts';
import { runEvents } from '../support/run-events.ts';

const all = Object.values(projectors);
const runs = ['run-9', 'run-10', 'run-11'];
/** Each run twice, as if every event had come again: of two events with one id the first stands. */
const whole = recordAll([...runs, ...runs].flatMap(runEvents));

/** What a reader gives as the fact inside, and what only the log itself rests on. */
const PROJECTED_BY_NOBODY = ['fact.sealed.v1', 'log.started.v1'];

test("every event type of the validator's log ends up in a projection", () => {
  const types = new Set<string>();
  for (const recorded of whole.events) {
    if (all.some((projector) => projector.project(recorded).length > 0))
      types.add(recorded.event.type);
  }
  expect([...types, ...PROJECTED_BY_NOBODY].toSorted()).toEqual(
    validatorEvents.map(({ type }) => type).toSorted(),
  );
});

describe('rows follow from the log alone, however it is cut into batches', () => {
  test.for(all)('$name', async (projector) => {
    const expected = await rowsAfter(projector, []);
    expect(Object.values(expected).flat().length).toBeGreaterThan(runs.length - 1);
    const positions = fc.array(fc.integer({ min: 0, max: whole.events.length }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(positions, async (at) => {
        expect(
          await rowsAfter(
            projector,
            at.toSorted((a, b) => a - b),
          ),
        ).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });
});

async function rowsAfter(
  projector: Projector,
  at: readonly number[],
): Promise<Record<string, unknown>> {
  await using projection = await openProjection(projector, { dir: IN_MEMORY, source: SOURCE });
  for (const batch of cut(whole, at)) await projection.apply(batch);
  return await dump(projection.queries);
}

async function dump(queries: Queries): Promise<Record<string, readonly unknown[]>> {
  const tables = await queries.all(
    `SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`,
  );
  const rows: Record<string, readonly unknown[]> = {};
  for (const { name } of tables)
    rows[String(name)] = await queries.all(`SELECT * FROM ${String(name)}`);
  return rows;
}
