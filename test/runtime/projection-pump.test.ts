import { describe, expect, test } from 'vitest';

import type { Head } from '#src/events/envelope.ts';
import type { LogReader, ReadBatch } from '#src/events/log.ts';
import { openProjection, type Projection } from '#src/runtime/projection.ts';
import { runProjections } from '#src/runtime/projection-pump.ts';
import { IN_MEMORY } from '#src/runtime/sqlite.ts';

import { counter, countOf } from '../support/counter-projector.ts';
import {
  logOf,
  recordAll,
  repeat,
  SOURCE,
  scoreRecorded,
  scoresRecorded,
} from '../support/recorded-events.ts';

const MORE_THAN_ONE_BATCH = 1_234;
const events = scoresRecorded(MORE_THAN_ONE_BATCH);
const all = { events: MORE_THAN_ONE_BATCH, exactlyOnce: true };

describe('one reading feeds all projections', () => {
  test('from the smallest checkpoint to the end of the log', async () => {
    await using ahead = await open();
    await using behind = await open();
    const log = logOf(events);
    await ahead.apply(recordAll(events.slice(0, 700)));
    await behind.apply(recordAll(events.slice(0, 20)));
    const { log: watched, starts } = watch(log);
    const pump = runProjections(watched, [ahead, behind], toTheEnd());
    await pump.reached(MORE_THAN_ONE_BATCH);
    await pump.ended;
    expect(starts).toEqual([20]);
    expect(await countOf(ahead.queries)).toEqual(all);
    expect(await countOf(behind.queries)).toEqual(all);
  });

  test('and what is appended later, until it is aborted', async () => {
    await using projection = await open();
    const log = logOf(events.slice(0, 3));
    const stop = new AbortController();
    const pump = runProjections(log, [projection], { signal: stop.signal, follow: true });
    await pump.reached(3);
    await log.add([scoreRecorded(3), scoreRecorded(4)]);
    await pump.reached(5);
    expect(await countOf(projection.queries)).toEqual({ events: 5, exactlyOnce: true });
    const never = pump.reached(6);
    stop.abort(new Error('the end of the day'));
    await expect(never).rejects.toThrow('the end of the day');
    await pump.ended;
    await expect(pump.reached(6)).rejects.toThrow('the end of the day');
    await pump.reached(5);
  });

  test('the next batch is fetched while one is written, and never more than one', async () => {
    await using projection = await open();
    const gate = Promise.withResolvers<void>();
    const fetched: number[] = [];
    const { log } = watch(logOf(events), (batch) => fetched.push(batch.head.size));
    const slow: Projection = held(projection, () => gate.promise);
    const pump = runProjections(log, [slow], toTheEnd());
    await expect.poll(() => fetched).toEqual([500, 1_000]);
    expect(projection.head.size).toBe(0);
    gate.resolve();
    await pump.ended;
    expect(fetched).toEqual([500, 1_000, 1_234]);
    expect(await countOf(projection.queries)).toEqual(all);
  });

  test('a projection that waits for events beyond the end of the log is told', async () => {
    await using projection = await open();
    const pump = runProjections(logOf(events), [projection], toTheEnd());
    await expect(pump.reached(MORE_THAN_ONE_BATCH + 1)).rejects.toMatchObject({
      code: 'input.invalid',
    });
    await pump.ended;
  });

  test('without projections there is nothing to run', async () => {
    const pump = runProjections(logOf(events), [], toTheEnd());
    await expect(pump.failed).rejects.toMatchObject({ code: 'input.invalid' });
  });
});

describe('a failure stops the pump', () => {
  test('also while the log is silent, and is what everybody who waits gets', async () => {
    await using projection = await open();
    const failing = held(projection, () => Promise.reject(new Error('disk full')));
    const log = logOf(events.slice(0, 3));
    const pump = runProjections(log, [failing], {
      signal: new AbortController().signal,
      follow: true,
    });
    await expect(pump.reached(3)).rejects.toThrow('disk full');
    await expect(pump.failed).rejects.toThrow('disk full');
    await pump.ended;
    await expect(pump.reached(1)).rejects.toThrow('disk full');
  });

  test('of one projection leaves the others with whole batches', async () => {
    await using good = await open();
    await using bad = await open();
    const pump = runProjections(
      logOf(events),
      [held(bad, () => Promise.reject(new Error('disk full'))), good],
      toTheEnd(),
    );
    await pump.ended;
    await expect(pump.failed).rejects.toThrow('disk full');
    expect(await countOf(good.queries)).toEqual({ events: 500, exactlyOnce: true });
    expect(good.head.size).toBe(500);
  });

  test('of the log is passed on as it is', async () => {
    await using projection = await open();
    const away = { ...logOf(events), head: () => Promise.reject(new Error('server is away')) };
    const pump = runProjections(away, [projection], toTheEnd());
    await expect(pump.failed).rejects.toThrow('server is away');
    await pump.ended;
  });

  test('of the log in the middle keeps the batches before it', async () => {
    await using projection = await open();
    const { disk, ...log } = logOf(events);
    repeat(disk, 600);
    const pump = runProjections(log, [projection], toTheEnd());
    await expect(pump.failed).rejects.toMatchObject({
      code: 'log.broken',
      details: { index: 600 },
    });
    await pump.ended;
    expect(await countOf(projection.queries)).toEqual({ events: 500, exactlyOnce: true });
  });
});

describe('a log that contradicts a checkpoint is a damaged projection', () => {
  const applied = recordAll(events.slice(0, 30));
  const other = scoresRecorded(60).slice(20);

  test.for([
    ['that is empty', [], 'rows of 30 events'],
    ['that is shorter', events.slice(0, 10), 'rows of 30 events'],
    ['of the same size with other events', other.slice(0, 30), 'rows of 30 events'],
    ['that is longer with other events', other, 'another event'],
  ] as const)('one %s', async ([, stored, found]) => {
    await using projection = await open();
    await projection.apply(applied);
    const pump = runProjections(logOf(stored), [projection], toTheEnd());
    await expect(pump.failed).rejects.toMatchObject({
      code: 'projection.damaged',
      details: {
        found: expect.stringContaining(found),
        next: expect.stringContaining('eirel rebuild'),
      },
    });
    await pump.ended;
    expect(projection.head).toEqual(applied.head);
  });

  test('also when another projection, further behind, agrees with the log', async () => {
    await using ahead = await open();
    await using behind = await open();
    await ahead.apply(recordAll([...events.slice(0, 10), ...other.slice(0, 10)]));
    await behind.apply(recordAll(events.slice(0, 10)));
    const pump = runProjections(logOf(events), [ahead, behind], toTheEnd());
    await expect(pump.failed).rejects.toMatchObject({
      code: 'projection.damaged',
      details: { found: expect.stringContaining('event 19 with the hash') },
    });
    await pump.ended;
    expect(ahead.head.size).toBe(20);
  });

  test('but a broken event behind the checkpoint is the fault of the log', async () => {
    await using projection = await open();
    await projection.apply(applied);
    const { disk, ...log } = logOf(events);
    repeat(disk, 30);
    const pump = runProjections(log, [projection], toTheEnd());
    await expect(pump.failed).rejects.toMatchObject({ code: 'log.broken', details: { index: 30 } });
    await pump.ended;
    expect(projection.head).toEqual(applied.head);
  });
});

function open(): Promise<Projection> {
  return openProjection(counter, { dir: IN_MEMORY, source: SOURCE });
}

function toTheEnd(): { signal: AbortSignal; follow: false } {
  return { signal: new AbortController().signal, follow: false };
}

/** The projection, with something that happens before each batch is applied. */
function held(projection: Projection, before: () => Promise<void>): Projection {
  return {
    ...projection,
    get head(): Head {
      return projection.head;
    },
    apply: async (batch) => {
      await before();
      await projection.apply(batch);
    },
  };
}

/** The log, with a note of where each reading starts and of each batch that it gives. */
function watch(
  log: LogReader,
  onBatch: (batch: ReadBatch) => void = () => undefined,
): { log: LogReader; starts: number[] } {
  const starts: number[] = [];
  return {
    starts,
    log: {
      ...log,
      read: async function* (options) {
        starts.push(options.after.size);
        for await (const batch of log.read(options)) {
          onBatch(batch);
          yield batch;
        }
      },
    },
  };
}
