import { expect, test } from 'vitest';
import type { Locked } from '#src/sequencer/lock.ts';
import type { Sequencer } from '#src/sequencer/sequencer.ts';
import { prng } from '../support/prng.ts';
import { SOURCE } from '../support/recorded-events.ts';
import {
  beginLife,
  copyWorld,
  newWorld,
  type World,
  worldKnows,
} from '../support/simulated-sequencer.ts';

const NEVER = new AbortController().signal;

/** Pairs of machines, each with another history. */
const SEEDS = Array.from({ length: 12 }, (_, index) => `two instances ${index}`);

/** A machine that covered some events, and a copy that a second process runs on. */
async function machines(chance: () => number): Promise<readonly [World, World]> {
  const first = await newWorld();
  const running = beginLife(first, () => 'none');
  await using sequencer = await running.start();
  await running.append(1 + Math.floor(chance() * 20), 1);
  await sequencer.covering(first.stream.messages.length, NEVER);
  return [first, copyWorld(first)];
}

/** Appends events of its own and waits until they are covered, or the sequencer has ended. */
async function coverOwn(
  world: World,
  running: ReturnType<typeof beginLife>,
  sequencer: Sequencer,
  salt: number,
) {
  await running.append(1 + (salt % 3), salt);
  return sequencer.covering(world.stream.messages.length, NEVER).then(
    () => 'covered' as const,
    (error: unknown) => error,
  );
}

test.for(SEEDS)('of two instances that share the lock one at most signs: %s', async (seed) => {
  const chance = prng(seed);
  const [first, second] = await machines(chance);
  const shared = sharedLock(first, second);
  const runs = [first, second].map((world) => ({ world, running: beginLife(world, () => 'none') }));
  const [one, other] = chance() < 0.5 ? runs : runs.toReversed();
  if (one === undefined || other === undefined) throw new Error('two machines');

  await using winner = await one.running.start();
  await using loser = await other.running.start();
  const before = shared.size();
  expect(await coverOwn(one.world, one.running, winner, 2)).toBe('covered');
  const { signatures } = other.world;
  expect(await coverOwn(other.world, other.running, loser, 3)).toMatchObject({
    code: 'log.conflict',
  });
  await expect(loser.ended).rejects.toMatchObject({ code: 'log.conflict' });

  // What the loser signed it showed to nobody, and it is not locked.
  expect(other.world.signatures - signatures).toBeLessThanOrEqual(1);
  expect(shared.size()).toBe(before + 3);
  expect(shared.rows.get(SOURCE)?.root).toBe(one.world.roots.at(-1));
  expect(other.world.shown).toBe(before);
});

/** Both machines have one signing directory; each goes on with its own stream. */
function sharedLock(first: World, second: World) {
  const rows = new Map<string, Locked>(first.rows);
  Object.assign(first, { rows });
  Object.assign(second, { rows });
  return { rows, size: () => rows.get(SOURCE)?.size ?? 0 };
}

test.for(SEEDS)(
  'an older copy signs nothing while the world knows of one that went on: %s',
  async (seed) => {
    const chance = prng(seed);
    const [first, copy] = await machines(chance);
    const running = beginLife(first, () => 'none');
    {
      await using sequencer = await running.start();
      expect(await coverOwn(first, running, sequencer, 2)).toBe('covered');
    }
    await beginLife(copy, () => 'none').append(2, 3);
    const { signatures } = copy;

    const known = worldKnows(first);
    const witness = { ...known, anchor: { known: true, value: null } } as const;
    const anchor = { ...known, witnessed: [] };
    for (const outside of [known, witness, anchor]) {
      const started = beginLife(copy, () => 'none', { askOutside: async () => outside }).start();
      await expect(started).rejects.toMatchObject({
        code: 'log.forked',
        details: { reason: 'lock-behind' },
      });
    }
    expect(copy.signatures).toBe(signatures);
  },
);
