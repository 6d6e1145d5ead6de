import { expect, test } from 'vitest';
import { type Played, playCrashes } from '../support/play-crashes.ts';

const CRASHES = 10_000;

/** As many as a machine's log has room for; then the next one is played. */
const CRASHES_OF_ONE = 200;

/** It takes some twenty seconds of one core; the rest is for a machine that does other things as well. */
const TIMEOUT_MS = 240_000;

test(`in ${CRASHES} crashes no false checkpoint is shown, and no acknowledged event is lost`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const machines: Played[] = [];
  let crashes = 0;
  for (let machine = 0; crashes < CRASHES; machine++) {
    const seed = `ci-${machine}`;
    const played = await playCrashes(seed, CRASHES_OF_ONE).catch((cause: unknown) => {
      throw new Error(`again: npm run simulate -- --seed ${seed}`, { cause });
    });
    crashes += played.crashes;
    machines.push(played);
  }
  // A simulation that never gets into a tight corner shows nothing.
  const sum = (of: (played: Played) => number): number =>
    machines.reduce((total, played) => total + of(played), 0);
  expect(sum(({ doubleFaults }) => doubleFaults)).toBeGreaterThan(CRASHES / 4);
  expect(sum(({ powerCuts }) => powerCuts)).toBeGreaterThan(CRASHES / 4);
  expect(sum(({ decisions }) => decisions.get('replay-staging') ?? 0)).toBeGreaterThan(1_000);
  expect(sum(({ decisions }) => decisions.get('publish-from-stream') ?? 0)).toBeGreaterThan(0);
  expect(machines.some(({ events }) => events > 256)).toBe(true);
  expect(effectsOf(machines)).toEqual(expect.arrayContaining([...EFFECTS]));
});

/** What a crash has to have come with: everything that the sequencer writes, and the writer's append. */
const EFFECTS = [
  'append',
  'lock advance',
  'make entries',
  'make tile',
  'read staging',
  'remove staging',
  'remove entries',
  'rename checkpoint',
  'rename entries',
  'rename staging',
  'rename tile',
  'sign',
  'sync entries',
  'sync folder',
  'sync staging',
  'sync tile',
  'write draft',
] as const;

function effectsOf(machines: readonly Played[]): readonly string[] {
  const points = machines.flatMap(({ points }) => [...points.keys()]);
  return [...new Set(points.map((point) => point.split(': ')[0] ?? ''))].toSorted();
}
