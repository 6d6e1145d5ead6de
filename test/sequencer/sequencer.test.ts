import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { parseNote } from '#src/merkle/signed-note.ts';
import type { SequencerDeps } from '#src/sequencer/sequencer.ts';
import type { PointFault } from '../support/fault-points.ts';
import {
  beginLife,
  checkPublished,
  copyWorld,
  DATA_DIR,
  newWorld,
  openNote,
  type World,
  worldKnows,
} from '../support/simulated-sequencer.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const NEVER = new AbortController().signal;

async function covered(events: number): Promise<World> {
  const world = await newWorld();
  const running = beginLife(world, () => 'none');
  await using sequencer = await running.start();
  await running.append(events, 1);
  await sequencer.covering(events, NEVER);
  return world;
}

describe('covering', () => {
  test('the first event is covered at once, the others at most once an interval', async () => {
    const world = await newWorld();
    const clock = virtualClock();
    const published: number[] = [];
    const running = beginLife(world, () => 'none', {
      wait: clock.wait,
      onPublished: ({ size }) => published.push(size),
    });
    await using sequencer = await running.start();
    await running.append(1, 1);
    await sequencer.covering(1, NEVER);
    await running.append(1, 1);
    await running.append(3, 1);
    await turn();
    expect(published).toEqual([1]);
    await clock.pass(1);
    expect(published).toEqual([1, 5]);
  });

  test('who waits for a size gets the first checkpoint that has it', async () => {
    const world = await newWorld();
    const running = beginLife(world, () => 'none');
    await using sequencer = await running.start();
    expect(sequencer.published()).toBeNull();
    const waiting = sequencer.covering(4, NEVER);
    await running.append(3, 1);
    expect((await sequencer.covering(2, NEVER)).size).toBe(3);
    await running.append(2, 1);
    const { size, root, note } = await waiting;
    expect({ size, root }).toEqual({ size: 5, root: world.roots[5] });
    expect(openNote(note)?.size).toBe(5);
    expect(sequencer.published()).toEqual({ size, root, note });
  });

  test('who waits hears of an abort, and of the end', async () => {
    const running = beginLife(await covered(2), () => 'none');
    const sequencer = await running.start();
    const given = new AbortController();
    const waiting = sequencer.covering(9, given.signal);
    given.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');

    const another = sequencer.covering(9, NEVER);
    await sequencer[Symbol.asyncDispose]();
    await expect(another).rejects.toMatchObject({ code: 'log.unavailable' });
    await expect(sequencer.ended).resolves.toBeUndefined();
    expect((await sequencer.covering(2, NEVER)).size).toBe(2);
  });
});

describe('what was staged is read back from disk before it is signed', () => {
  test('a bit that was flipped meanwhile, wherever it is, stops the sequencer before it signs', async () => {
    const before = await covered(2);
    const bytes = stagedBytes(await stagedOf(before));
    expect(bytes).toBeGreaterThan(1_000);
    for (let at = 0; at < bytes; at += 5) {
      const world = copyWorld(before);
      const { signatures } = world;
      const running = beginLife(world, (point) => {
        if (point === 'read staging') flipStaged(world, at);
        return 'none';
      });
      await using sequencer = await running.start();
      await running.append(2, 2);
      await expect(sequencer.ended, `byte ${at}`).rejects.toMatchObject({
        code: 'checkpoint.invalid',
      });
      expect(world.signatures, `byte ${at}`).toBe(signatures);
      expect(world.shown).toBe(2);
    }
  });

  test('the process that starts after it covers the same events', async () => {
    const world = await covered(2);
    const running = beginLife(world, (point) => {
      if (point === 'read staging') flipStaged(world, 400);
      return 'none';
    });
    {
      await using sequencer = await running.start();
      await running.append(2, 2);
      await expect(sequencer.ended).rejects.toMatchObject({ code: 'checkpoint.invalid' });
    }
    await using sequencer = await beginLife(world, () => 'none').start();
    await sequencer.covering(4, NEVER);
    await checkPublished(world);
  });

  function stagings(world: World): readonly string[] {
    return world.disk.paths().filter((path) => /log-staging\/\d+-/.test(path));
  }

  function flipStaged(world: World, at: number): void {
    for (const path of stagings(world))
      world.disk.damage(path, (bytes) =>
        bytes.map((byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte)),
      );
  }

  /** A machine that died when it was about to read back what it had staged. */
  async function stagedOf(before: World): Promise<World> {
    const world = copyWorld(before);
    const running = beginLife(world, (point) =>
      point === 'read staging' ? 'kill-before' : 'none',
    );
    await using sequencer = await running.start();
    await running.append(2, 2);
    await expect(sequencer.ended).rejects.toThrow('kill-before');
    return world;
  }

  function stagedBytes(world: World): number {
    const [path = ''] = stagings(world);
    const entry = world.disk.snapshot().get(path);
    return entry instanceof Uint8Array ? entry.length : 0;
  }
});

describe('a process is killed when it has renamed a checkpoint and not yet synced its folder', () => {
  test('what the next one tells of is there after a power cut', async () => {
    const world = await covered(2);
    {
      const running = beginLife(world, killedOnceRenamed);
      await using sequencer = await running.start();
      await running.append(2, 1);
      await expect(sequencer.ended).rejects.toThrow('kill-after: rename checkpoint');
    }
    await using sequencer = await beginLife(world, () => 'none').start();
    world.told = sequencer.published()?.size ?? 0;
    expect(world.told).toBe(4);
    world.disk.powerCut(loseAll);
    await checkPublished(world);
  });

  test('so are the cosignatures that it serves', async () => {
    const world = await covered(2);
    const of = { size: 2, root: world.roots[2] ?? '' };
    const line = { name: 'witness', keyId: 7, signature: Uint8Array.of(1, 2, 3) };
    {
      await using sequencer = await beginLife(world, killedOnceRenamed).start();
      await expect(sequencer.addCosignatures(of, [line])).rejects.toThrow('kill-after');
    }
    await using sequencer = await beginLife(world, () => 'none').start();
    const told = sequencer.published()?.note;
    expect(parseNote(told ?? new Uint8Array(0)).signatures).toHaveLength(2);
    world.disk.powerCut(loseAll);
    expect(await world.disk.read(`${DATA_DIR}/log/checkpoint`)).toEqual(told);
  });

  function killedOnceRenamed(point: string): PointFault {
    return point === 'rename checkpoint' ? 'kill-after' : 'none';
  }

  /** Nothing is kept that its folder was not synced for. */
  const loseAll = (): boolean => false;
});

describe('the stream', () => {
  test('an event that is altered after it was signed stops the sequencer at the next checkpoint', async () => {
    const world = await covered(5);
    const running = beginLife(world, () => 'none');
    await using sequencer = await running.start();
    const message = world.stream.messages[3];
    if (message === undefined) throw new Error('five events');
    world.stream.messages[3] = { ...message, payload: message.payload.with(20, 0x41) };
    await running.append(1, 1);
    await expect(sequencer.ended).rejects.toMatchObject({
      code: 'log.broken',
      details: { index: 3 },
    });
    expect(world.rows.values().next().value?.size).toBe(5);
  });

  test('a new event that does not follow from the one before it is never signed', async () => {
    const world = await covered(5);
    const running = beginLife(world, () => 'none');
    await using sequencer = await running.start();
    const { signatures } = world;
    world.stream.messages.push(...world.stream.messages.slice(4));
    await running.append(1, 1);
    await expect(sequencer.ended).rejects.toMatchObject({
      code: 'log.broken',
      details: { index: 5 },
    });
    expect(world.signatures).toBe(signatures);
  });
});

describe('nothing is signed for the time being', () => {
  const cases: readonly Readonly<{
    why: string;
    told: RegExp;
    deps: (on: () => boolean, world: World) => Partial<SequencerDeps>;
  }>[] = [
    {
      why: 'while the anchor on chain is not known',
      told: /is not known: no node answers/,
      deps: (held, world) => ({
        askOutside: async () =>
          held()
            ? {
                anchor: { known: false, reason: 'unavailable', detail: 'no node answers' },
                witnessed: [],
              }
            : worldKnows(world),
      }),
    },
    {
      why: 'while the disk is full',
      told: /the disk is full: 1\.0 % free/,
      deps: (held) => ({
        askSpace: async () => ({ freeBytes: held() ? 1 : 50, totalBytes: 100 }),
      }),
    },
  ];
  test.for(cases)('$why, and everything once that is over', async ({ told, deps }) => {
    const world = await covered(1);
    const { signatures } = world;
    let held = true;
    const clock = virtualClock();
    const reasons: (string | null)[] = [];
    const running = beginLife(world, () => 'none', {
      ...deps(() => held, world),
      wait: clock.wait,
      onHoldup: (reason) => reasons.push(reason),
    });
    await using sequencer = await running.start();
    await running.append(2, 1);
    await clock.pass(5);
    expect(world.signatures).toBe(signatures);
    expect(sequencer.holdup()).toMatch(told);
    held = false;
    await clock.pass(5);
    expect((await sequencer.covering(3, NEVER)).size).toBe(3);
    expect(sequencer.holdup()).toBeNull();
    expect(reasons).toEqual([expect.stringMatching(told), null]);
  });

  test('a clock that was set back is waited for', async () => {
    const world = await covered(1);
    const clock = virtualClock();
    const running = beginLife(world, () => 'none', { wait: clock.wait, onHoldup: () => undefined });
    await using sequencer = await running.start();
    await running.append(1, 1);
    await sequencer.covering(2, NEVER);
    const { signatures } = world;
    world.now -= 60_000;
    await running.append(1, 1);
    await clock.pass(10);
    expect(sequencer.holdup()).toMatch(/^the clock is behind/);
    expect(world.signatures).toBe(signatures);
    world.now += 60_000;
    await clock.pass(10);
    expect((await sequencer.covering(3, NEVER)).size).toBe(3);
  });

  test('a clock that was set back while the validator was down is waited for as well', async () => {
    const world = await covered(1);
    const { signatures } = world;
    const clock = virtualClock();
    world.now -= 60_000;
    const running = beginLife(world, () => 'none', { wait: clock.wait, onHoldup: () => undefined });
    await using sequencer = await running.start();
    await running.append(1, 1);
    await clock.pass(10);
    expect(sequencer.holdup()).toMatch(/^the clock is behind/);
    expect(world.signatures).toBe(signatures);
    world.now += 60_000;
    await clock.pass(10);
    expect((await sequencer.covering(2, NEVER)).size).toBe(2);
  });

  test('an anchor that becomes known, and is ahead of this machine, ends the sequencer', async () => {
    const world = await covered(1);
    const ahead = { generation: 0, size: 9, root: 'ab'.repeat(32) };
    const clock = virtualClock();
    let known = false;
    const running = beginLife(world, () => 'none', {
      askOutside: async () => ({
        anchor: known
          ? { known: true, value: ahead }
          : { known: false, reason: 'unavailable', detail: 'no node answers' },
        witnessed: [],
      }),
      wait: clock.wait,
      onHoldup: () => undefined,
    });
    await using sequencer = await running.start();
    await clock.pass(3);
    known = true;
    await clock.pass(3);
    await expect(sequencer.ended).rejects.toMatchObject({ code: 'log.forked' });
  });
});

describe('cosignatures', () => {
  const line = { name: 'witness', keyId: 7, signature: Uint8Array.of(1, 2, 3) };
  const lineOf = (name: string) => ({ ...line, name });

  test('are served with the checkpoint that they are of, each once, and survive a restart', async () => {
    const world = await covered(3);
    const running = beginLife(world, () => 'none');
    {
      await using sequencer = await running.start();
      const of = { size: 3, root: world.roots[3] ?? '' };
      expect(await sequencer.addCosignatures(of, [lineOf('one'), lineOf('two')])).toBe(true);
      expect(await sequencer.addCosignatures(of, [lineOf('two')])).toBe(true);
      expect(namesIn(sequencer.published()?.note)).toEqual(['simulated', 'one', 'two']);
    }
    await using sequencer = await beginLife(world, () => 'none').start();
    expect(namesIn(sequencer.published()?.note)).toEqual(['simulated', 'one', 'two']);
    const note = await world.disk.read(`${DATA_DIR}/log/checkpoint`);
    expect(namesIn(note)).toEqual(['simulated', 'one', 'two']);
  });

  test('of an older checkpoint are not those of the one that is served', async () => {
    const world = await covered(3);
    await using sequencer = await beginLife(world, () => 'none').start();
    const of = { size: 2, root: world.roots[2] ?? '' };
    expect(await sequencer.addCosignatures(of, [lineOf('one')])).toBe(false);
    expect(namesIn(sequencer.published()?.note)).toEqual(['simulated']);
  });

  test('of any number of witnesses leave a note that every reader takes', async () => {
    const world = await covered(3);
    await using sequencer = await beginLife(world, () => 'none').start();
    const of = { size: 3, root: world.roots[3] ?? '' };
    const lines = Array.from({ length: 40 }, (_, index) => lineOf(`witness-${index}`));
    expect(await sequencer.addCosignatures(of, lines)).toBe(true);
    expect(namesIn(sequencer.published()?.note)).toHaveLength(18);
  });

  function namesIn(note: Uint8Array | null | undefined): readonly string[] {
    return parseNote(note ?? new Uint8Array(0)).signatures.map(({ name }) => name);
  }
});
