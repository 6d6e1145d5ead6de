import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

import type { Projector } from '#src/projectors/projector.ts';
import { openProjection } from '#src/runtime/projection.ts';

import { counter, countOf } from '../support/counter-projector.ts';
import { cut, recordAll, SOURCE, scoresRecorded } from '../support/recorded-events.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const EVENTS = 24;
const whole = recordAll(scoresRecorded(EVENTS));

/** Where an attempt dies: `rows` at a row, the other two around the move of the checkpoint. */
const deaths = ['none', 'rows', 'before-checkpoint', 'after-checkpoint'] as const;
type Death = (typeof deaths)[number];

describe('whatever fails inside a transaction, no event is applied twice or skipped', () => {
  test.for(Array.from({ length: 20 }, (_, seed) => seed))('seed %d', async (seed) => {
    const random = generator(seed);
    await using directory = await scratchDirectory();
    const place = { dir: directory.path, source: SOURCE };
    let failures = 0;
    for (;;) {
      const death = deaths[random(deaths.length)] ?? 'none';
      await using projection = await openProjection(mortal(death, random(EVENTS)), place);
      const before = await countOf(projection.queries);
      expect(before).toEqual({ events: projection.head.size, exactlyOnce: true });
      if (projection.head.size === EVENTS) break;
      // Some batches start before the checkpoint, as after a restart of the reader.
      const start = random(projection.head.size + 1);
      const end = Math.min(EVENTS, projection.head.size + 1 + random(6));
      const batch = cut(whole, [start, end])[start === 0 ? 0 : 1] ?? whole;
      await projection.apply(batch).catch((error: unknown) => {
        expect(String(error)).toMatch(/died|no such table/);
        failures += 1;
      });
    }
    expect(failures).toBeGreaterThan(0);
  });
});

test('a killed process leaves a checkpoint that is exactly its rows', async () => {
  await using directory = await scratchDirectory();
  const script = fileURLToPath(new URL('../support/apply-for-ever.ts', import.meta.url));
  let last = 0;
  for (const batches of [1, 5, 12]) {
    const child = spawn(process.execPath, [script, directory.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for (let lines = 0; lines < batches; ) {
      const [chunk] = await once(child.stdout, 'data');
      lines += String(chunk).split('\n').length - 1;
    }
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    await using projection = await openProjection(counter, { dir: directory.path, source: SOURCE });
    const { size } = projection.head;
    expect(size).toBeGreaterThan(last);
    expect(await countOf(projection.queries)).toEqual({ events: size, exactlyOnce: true });
    last = size;
  }
});

/** The counter, which fails at the given event or around the move of the checkpoint. */
function mortal(death: Death, at: number): Projector {
  const kill = [{ statement: 'kill', rows: [] }];
  return {
    ...counter,
    statements: {
      ...counter.statements,
      kill: 'INSERT INTO absent SELECT value FROM json_each(?1)',
      // The trigger is part of the transaction that it ends, so that nothing of it stays either.
      trap: `CREATE TRIGGER trap ${death === 'before-checkpoint' ? 'BEFORE' : 'AFTER'} UPDATE ON checkpoint
        BEGIN SELECT raise(ABORT, 'died'); END; SELECT ?1`,
    },
    project: (recorded) => {
      const changes = counter.project(recorded);
      if (death === 'none') return changes;
      if (death === 'rows')
        return recorded.n % 3 === at % 3 ? changes.toSpliced(at % 3, 0, ...kill) : changes;
      return recorded.n % 6 === at % 6 ? [...changes, { statement: 'trap', rows: [] }] : changes;
    },
  };
}

/** Numbers below `bound` that follow from the seed (a linear congruential generator). */
function generator(seed: number): (bound: number) => number {
  let state = seed + 1;
  return (bound) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % bound;
  };
}
