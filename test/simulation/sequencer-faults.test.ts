import { expect, test } from 'vitest';
import type { PointFault } from '../support/fault-points.ts';
import {
  beginLife,
  checkPublished,
  copyWorld,
  newWorld,
  Violation,
  type World,
} from '../support/simulated-sequencer.ts';

/** Each is a machine of its own; together they take some seconds of one core. */
const TIMEOUT_MS = 60_000;

const NEVER = new AbortController().signal;

/** A machine whose log is covered up to this size. */
async function covered(size: number): Promise<World> {
  const world = await newWorld();
  await expectCovered(world, size);
  return world;
}

/** A life without faults that appends so many events covers all there are. */
async function expectCovered(world: World, more: number): Promise<void> {
  const running = beginLife(world, () => 'none');
  await using sequencer = await running.start();
  await running.append(more, 1);
  await sequencer.covering(world.stream.messages.length, NEVER);
  await checkPublished(world);
  expect(world.shown).toBe(world.stream.messages.length);
}

/** A life in which the effect `at`, counted from 1, fails so. False when it had no such effect. */
async function live(world: World, at: number, fault: PointFault, more: number): Promise<boolean> {
  let effects = 0;
  const running = beginLife(world, () => (++effects === at ? fault : 'none'));
  try {
    await using sequencer = await running.start();
    if (await running.append(more, 2))
      await sequencer.covering(world.stream.messages.length, NEVER);
  } catch (error) {
    if (error instanceof Violation || running.life.fault === null) throw error;
  }
  running.life.alive = false;
  return running.life.fault !== null;
}

const FAULTS = ['fail-before', 'fail-after', 'kill-before', 'kill-torn', 'kill-after'] as const;

/** What becomes of the power after a death: it stays, or it is cut, and what was not synced is lost, or is not. */
function cutPower(world: World, turn: number): void {
  if (turn % 3 !== 0) world.disk.powerCut(() => turn % 3 === 1);
}

test.for(FAULTS)(
  'a log is whole after any one effect of a checkpoint over the edge of a tile meets %s',
  { timeout: TIMEOUT_MS },
  async (fault) => {
    const before = await covered(250);
    let effects = 0;
    for (let at = 1; ; at++) {
      const world = copyWorld(before);
      if (!(await live(world, at, fault, 10))) break;
      cutPower(world, at);
      await checkPublished(world);
      await expectCovered(world, 1);
      effects = at;
    }
    expect(effects).toBeGreaterThan(40);
  },
);

test('a log is whole when any effect fails or kills, and any effect of what follows kills again', {
  timeout: TIMEOUT_MS,
}, async () => {
  const before = await covered(2);
  let pairs = 0;
  for (let at = 1; ; at++) {
    const failed = copyWorld(before);
    if (!(await live(failed, at, at % 2 === 0 ? 'fail-after' : 'kill-after', 2))) break;
    for (let again = 1; ; again++) {
      const world = copyWorld(failed);
      if (!(await live(world, again, 'kill-after', 1))) break;
      cutPower(world, again);
      await checkPublished(world);
      await expectCovered(world, 1);
      pairs++;
    }
  }
  expect(pairs).toBeGreaterThan(1_500);
});
