import { expect, test } from 'vitest';
import type { Draft, Recorded } from '#src/events/envelope.ts';
import { MAX_TASKS } from '#src/events/run.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import type { LogStore } from '#src/runtime/log-store.ts';
import { MAX_QUEUED_BYTES } from '#src/runtime/log-writer.ts';
import { type MemoryDisk, memoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { draft, drafts, indices, readAll } from '../support/log-drafts.ts';
import { prng } from '../support/prng.ts';
import { digest, hotkey, SOURCE } from '../support/recorded-events.ts';
import { type Fault, noWait, simStore } from '../support/sim-store.ts';

const storeOn = (disk: MemoryDisk): LogStore =>
  memoryStore({ name: 'validator', source: SOURCE }, disk);

/** The publishes of a store, one entry each: how many messages it held. */
function counting(store: LogStore): { store: LogStore; publishes: number[] } {
  const publishes: number[] = [];
  const publish: LogStore['publish'] = (messages, expectedSize) => {
    publishes.push(messages.length);
    return store.publish(messages, expectedSize);
  };
  return { store: { ...store, publish }, publishes };
}

test('appends of one turn share a batch, and an append is never split over two', async () => {
  const { store, publishes } = counting(storeOn(memoryDisk()));
  const log = await openLog(store);
  await Promise.all([400, 400, 400, 200, 1_000, 1].map((size) => log.append(drafts(0, size))));
  expect(publishes).toEqual([800, 600, 1_000, 1]);
});

test('what is appended while a batch is in flight goes out as the next one', async () => {
  const inner = storeOn(memoryDisk());
  const gate = Promise.withResolvers<void>();
  const slow: LogStore = {
    ...inner,
    publish: async (messages, expectedSize) => {
      await gate.promise;
      return inner.publish(messages, expectedSize);
    },
  };
  const { store, publishes } = counting(slow);
  const log = await openLog(store);
  const first = log.append([draft(0)]);
  // The first batch is in flight once it was published, a few turns from here.
  while (publishes.length === 0) await Promise.resolve();
  const later = Array.from({ length: 50 }, (_, index) => log.append([draft(1 + index)]));
  gate.resolve();
  await Promise.all([first, ...later]);
  expect(publishes).toEqual([1, 50]);
});

test('the queue is bounded in bytes too, but takes any one append', async () => {
  const log = await openLog(storeOn(memoryDisk()));
  const append = () => log.append(Array.from({ length: 400 }, () => largeDraft()));
  const bytes = 400 * 256 * 128;
  const [first, ...others] = await Promise.allSettled(
    Array.from({ length: Math.ceil(MAX_QUEUED_BYTES / bytes) + 1 }, append),
  );
  expect(first?.status).toBe('fulfilled');
  expect(others.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'log.full' } });
  // Drained, it has room for more than one again.
  for (const result of await Promise.all([append(), append()])) {
    expect(result.kind).toBe('appended');
  }
});

test('after a conflict nothing is published any more, neither what waits nor what comes', async () => {
  const disk = memoryDisk();
  const { store, publishes } = counting(storeOn(disk));
  const log = await openLog(store);
  await (await openLog(storeOn(disk))).append(drafts(0, 3));
  const waiting = [drafts(3, 900), drafts(903, 900)].map((each) => log.append(each));
  for (const result of await Promise.all(waiting)) expect(result.kind).toBe('conflict');
  expect((await log.append(drafts(0, 1))).kind).toBe('conflict');
  expect(publishes).toEqual([900]);
});

test('a closed writer still stores what is queued, and takes no more', async () => {
  const close = new AbortController();
  const log = await openLog(storeOn(memoryDisk()), { signal: close.signal });
  const queued = Array.from({ length: 5 }, (_, index) => log.append(drafts(index * 500, 500)));
  close.abort();
  for (const result of await Promise.all(queued)) expect(result.kind).toBe('appended');
  await expect(log.append([draft(0)])).rejects.toMatchObject({ code: 'log.unavailable' });
});

test('a fault that is no outage ends the writer with that fault', async () => {
  const store: LogStore = {
    ...storeOn(memoryDisk()),
    publish: () => Promise.reject(new TypeError('a defect')),
  };
  const log = await openLog(store);
  await expect(log.append([draft(0)])).rejects.toThrow('a defect');
  await expect(log.append([draft(1)])).rejects.toThrow('a defect');
});

test('a log that was cut behind our back is a conflict, not a place to write on', async () => {
  const disk = memoryDisk();
  let publishes = 0;
  const store = simStore(storeOn(disk), () => (publishes++ === 1 ? 'before' : 'none'));
  const log = await openLog(store, { wait: async () => void disk.messages.splice(3) });
  const first = await log.append(drafts(0, 5));
  const cut = await log.append(drafts(5, 2));
  expect(first.kind).toBe('appended');
  expect(cut).toMatchObject({ kind: 'conflict', expected: { size: 5 } });
  expect(disk.messages).toHaveLength(3);
});

const seeds = Array.from({ length: 100 }, (_, seed) => seed);

test.for(seeds)(
  'seed %d: whatever fails and dies, no acknowledged event is lost and none is doubled',
  async (seed) => {
    const random = prng(`log writer ${seed}`);
    const disk = memoryDisk();
    const acknowledged: Recorded[] = [];
    for (let life = 0; life < 6; life++) {
      // What the log does not hold is drafted again, as a handler does after a restart.
      let next = disk.messages.length;
      const die = new AbortController();
      const store = simStore(storeOn(disk), () => {
        const fault = FAULTS[Math.floor(random() * FAULTS.length)] ?? 'none';
        if (fault.startsWith('killed')) die.abort();
        return fault;
      });
      const log = await openLog(store, { wait: noWait, signal: die.signal });
      const appends = Array.from({ length: 1 + Math.floor(random() * 10) }, () => {
        const count = 1 + Math.floor(random() * 25);
        next += count;
        return log.append(drafts(next - count, count));
      });
      for (const result of await Promise.allSettled(appends)) {
        if (result.status === 'rejected') expect(die.signal.aborted).toBe(true);
        else if (result.value.kind === 'appended') acknowledged.push(...result.value.events);
        else expect.fail(`a conflict without a second writer: ${result.value.found}`);
      }
    }
    const events = await readAll(logReader(storeOn(disk)));
    expect(indices(events)).toEqual(events.map((_, index) => index));
    expect(acknowledged).toEqual(acknowledged.map(({ n }) => events[n]));
  },
);

const FAULTS: readonly Fault[] = [
  ...(['none', 'none', 'none', 'before', 'after', 'late'] as const),
  ...(['killed-before', 'killed-after'] as const),
];

/** An event of 33 kB. */
function largeDraft(): Draft {
  const tasks = Array.from({ length: MAX_TASKS }, (_, index) =>
    `${1_000 + index}`.padEnd(128, 'x'),
  );
  const data = {
    family: 'general_chat',
    run: 'run-1',
    roster: digest('0'),
    miners: [hotkey('a')],
    tasks,
    phases: { snapshot: 1, commit: 2, decide: 3, certify: 4 },
  };
  return { ...draft(0), event: { type: 'run.opened.v1', data } };
}
