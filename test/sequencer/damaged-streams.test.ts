import { beforeEach, describe, expect, test } from 'vitest';
import { logFiles } from '#src/runtime/log-files.ts';
import type { Message } from '#src/runtime/log-store.ts';
import { memoryStore } from '#src/runtime/memory-store.ts';
import { authenticateBodies, firstBodies, type ReadBodies } from '#src/sequencer/log-bodies.ts';
import { mendFiles, planStream, repairStream, type Tail } from '#src/sequencer/repair-log.ts';
import { SOURCE } from '../support/recorded-events.ts';
import {
  beginLife,
  checkPublished,
  DATA_DIR,
  newWorld,
  type World,
} from '../support/simulated-sequencer.ts';

/** Events that are signed, and some behind them that no checkpoint covers. */
const SIGNED = 300;
const UNCOVERED = 20;

let world: World;
let whole: readonly Message[];
beforeEach(async () => {
  world = await newWorld();
  const running = beginLife(world, () => 'none');
  {
    await using sequencer = await running.start();
    await running.append(SIGNED, 1);
    await sequencer.covering(SIGNED, new AbortController().signal);
  }
  await running.append(UNCOVERED, 2);
  whole = [...world.stream.messages];
});

function locked() {
  const lock = world.rows.get(SOURCE);
  if (lock === undefined) throw new Error('a lock');
  return lock;
}

/** The bundles of the whole log, as any copy gives them. */
const copy: ReadBodies = async (index, width) =>
  whole.slice(index * 256, index * 256 + width).map(({ payload }) => payload);

const store = () => memoryStore({ name: 'validator', source: SOURCE }, world.stream);

function memoryTail(): Tail {
  let kept: readonly Uint8Array[] | null = null;
  return {
    load: async () => kept,
    save: async (payloads) => {
      kept = payloads;
    },
    drop: async () => {
      kept = null;
    },
  };
}

const deps = (tail: Tail = memoryTail()) => ({
  events: store(),
  recreate: async () => {
    world.stream.messages = [];
  },
  tail,
  onProgress: () => undefined,
});

function expectWhole(size = whole.length): void {
  const bytes = (messages: readonly Message[]) =>
    Buffer.concat(messages.map(({ payload }) => payload));
  expect(world.stream.messages).toHaveLength(size);
  expect(Buffer.compare(bytes(world.stream.messages), bytes(whole.slice(0, size)))).toBe(0);
}

function alter(index: number): void {
  const message = world.stream.messages[index];
  if (message === undefined) throw new Error('an event');
  world.stream.messages[index] = { ...message, payload: message.payload.with(30, 0x58) };
}

function cut(from: number, count: number, put: readonly Message[] = []): void {
  world.stream.messages.splice(from, count, ...put);
}

const ALL = SIGNED + UNCOVERED;
const DAMAGES: readonly Readonly<{
  what: string;
  damage: () => void;
  plan: object;
  size: number;
}>[] = [
  { what: 'nothing is wrong', damage: () => undefined, plan: { kind: 'whole' }, size: ALL },
  {
    what: 'all is lost',
    damage: () => cut(0, ALL),
    plan: { kind: 'append', from: 0 },
    size: SIGNED,
  },
  {
    what: 'the end is lost',
    damage: () => cut(270, 50),
    plan: { kind: 'append', from: 270 },
    size: SIGNED,
  },
  {
    what: 'an event is another one',
    damage: () => alter(100),
    plan: { kind: 'rebuild', index: 100, lost: 0 },
    size: ALL,
  },
  {
    what: 'the first is another one',
    damage: () => alter(0),
    plan: { kind: 'rebuild', index: 0, lost: 0 },
    size: ALL,
  },
  {
    what: 'an event is missing',
    damage: () => cut(99, 1),
    plan: { kind: 'rebuild', index: 99 },
    size: SIGNED,
  },
  {
    what: 'an event is there twice',
    damage: () => cut(5, 0, whole.slice(4, 5)),
    plan: { kind: 'rebuild', index: 5 },
    size: SIGNED,
  },
  {
    what: 'one that no checkpoint covers is another one',
    damage: () => alter(SIGNED + 5),
    plan: { kind: 'rebuild', index: SIGNED + 5, lost: 15 },
    size: SIGNED + 5,
  },
];

test.for(DAMAGES)(
  '$what: the stream becomes what was signed, and what followed from it',
  async ({ damage, plan, size }) => {
    damage();
    const bodies = await authenticateBodies(copy, locked());
    const planned = await planStream(bodies, store());
    expect(planned).toMatchObject(plan);
    expect(await repairStream(bodies, planned, deps())).toBe(size);
    expectWhole(size);
    expect(await planStream(bodies, store())).toEqual({ kind: 'whole' });
  },
);

test('a repair that is killed before any of its writes is made again, and loses nothing', async () => {
  const repair = async (given: ReturnType<typeof deps>): Promise<boolean> => {
    const bodies = await authenticateBodies(copy, locked());
    const plan = await planStream(bodies, store());
    return repairStream(bodies, plan, given).then(
      () => true,
      () => false,
    );
  };
  let done = false;
  for (let writes = 0; !done; writes++) {
    expect(writes).toBeLessThan(20);
    world.stream.messages = [...whole];
    alter(100);
    const tail = memoryTail();
    done = await repair(dyingAfter(writes, deps(tail)));
    if (!done) expect(await repair(deps(tail))).toBe(true);
    expectWhole();
    expect(await tail.load()).toBeNull();
  }
});

/** These writes, of which only the first few are made. */
function dyingAfter(
  writes: number,
  { events, recreate, tail, onProgress }: ReturnType<typeof deps>,
) {
  let left = writes;
  const mortal = <Args extends readonly unknown[], T>(make: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      if (left === 0) throw new Error('killed');
      left--;
      return make(...args);
    };
  };
  return {
    events: { ...events, publish: mortal(events.publish) },
    recreate: mortal(recreate),
    tail: { load: tail.load, save: mortal(tail.save), drop: mortal(tail.drop) },
    onProgress,
  };
}

describe('a copy', () => {
  const none: ReadBodies = async () => null;
  const short: ReadBodies = async (index, width) =>
    (await copy(index, width))?.slice(0, 40) ?? null;

  test('with another event is refused', async () => {
    const forged: ReadBodies = async (index, width) => {
      const bundle = await copy(index, width);
      return bundle === null || index !== 1 ? bundle : bundle.with(3, Buffer.from('{}'));
    };
    await expect(authenticateBodies(forged, locked())).rejects.toMatchObject({
      code: 'checkpoint.invalid',
      details: { field: 'root' },
    });
  });

  test('that ends too soon is helped out by another one, or named by the bundle', async () => {
    await expect(authenticateBodies(short, locked())).rejects.toMatchObject({
      code: 'checkpoint.invalid',
      details: { field: 'bundle 0' },
    });
    await expect(authenticateBodies(none, locked())).rejects.toMatchObject({
      code: 'checkpoint.invalid',
    });
    const helped = await authenticateBodies(firstBodies([none, short, copy]), locked());
    expect(helped.leaves).toHaveLength(SIGNED);
  });

  test('that gives another event when it is read again is not believed then either', async () => {
    let reads = 0;
    const fickle: ReadBodies = async (index, width) => {
      const bundle = await copy(index, width);
      reads++;
      return bundle === null || reads < 3 ? bundle : bundle.with(0, Buffer.from('{}'));
    };
    cut(0, ALL);
    const bodies = await authenticateBodies(fickle, locked());
    const repaired = repairStream(bodies, { kind: 'append', from: 0 }, deps());
    await expect(repaired).rejects.toMatchObject({ code: 'checkpoint.invalid' });
    expect(world.stream.messages).toEqual([]);
  });
});

test('published files are written again from authenticated events', async () => {
  const files = world.disk.paths().filter((path) => world.disk.snapshot().get(path) !== 'folder');
  for (const path of files.filter((each) => each.includes('/tile/')))
    world.disk.damage(path, (bytes) => bytes.subarray(1));
  await expect(checkPublished(world)).rejects.toThrow(/./);
  const bodies = await authenticateBodies(copy, locked());
  await mendFiles(bodies, locked().note, logFiles(DATA_DIR, world.disk));
  await checkPublished(world);
});
