import { beforeAll, expect, test } from 'vitest';
import type { StartDecision } from '#src/sequencer/decide-start.ts';
import type { Locked } from '#src/sequencer/lock.ts';
import type { Outside } from '#src/sequencer/outside.ts';
import { SOURCE } from '../support/recorded-events.ts';
import {
  beginLife,
  checkPublished,
  copyWorld,
  newWorld,
  type World,
  worldKnows,
} from '../support/simulated-sequencer.ts';

/** The log's whole life, and moments of it that a backup was taken at: around the edge of a tile, and its beginning. */
const SIZE = 300;
const BACKUPS = [0, 1, 100, 255, 256, 257, 299] as const;

/** What a validator does that finds these parts as an older backup has them, and what else there is as it was. */
type Outcome = readonly StartDecision['kind'][] | 'lock-behind' | 'lost';

const NOTHING: Outcome = ['go-on'];
const TABLE: readonly Readonly<{
  restored: readonly ('stream' | 'files' | 'lock')[];
  /** The chain and a witness know the newest checkpoint. */
  known: Outcome;
  /** Neither does: only what lies here tells. */
  unknown: Outcome;
}>[] = [
  { restored: [], known: NOTHING, unknown: NOTHING },
  { restored: ['stream'], known: ['refill-stream', 'go-on'], unknown: ['refill-stream', 'go-on'] },
  {
    restored: ['files'],
    known: ['publish-from-stream', 'go-on'],
    unknown: ['publish-from-stream', 'go-on'],
  },
  { restored: ['lock'], known: 'lock-behind', unknown: 'lock-behind' },
  { restored: ['stream', 'files'], known: 'lost', unknown: 'lost' },
  { restored: ['stream', 'lock'], known: 'lock-behind', unknown: 'lock-behind' },
  // The same events are signed again, and give the same roots.
  { restored: ['files', 'lock'], known: 'lock-behind', unknown: NOTHING },
  // Nothing on this machine could tell; that is why the chain's anchor has to be known before anything is signed.
  { restored: ['stream', 'files', 'lock'], known: 'lock-behind', unknown: NOTHING },
];

const backups = new Map<number, World>();
let newest: World;

beforeAll(async () => {
  newest = await newWorld();
  for (const size of [...BACKUPS, SIZE]) {
    await cover(newest, size - newest.stream.messages.length);
    backups.set(size, copyWorld(newest));
  }
});

async function cover(world: World, events: number): Promise<void> {
  if (events === 0) return;
  const running = beginLife(world, () => 'none');
  await using sequencer = await running.start();
  await running.append(events, 1);
  await sequencer.covering(world.stream.messages.length, new AbortController().signal);
}

const NOBODY_KNOWS: Outside = { anchor: { known: true, value: null }, witnessed: [] };

const CASES = TABLE.flatMap(({ restored, known, unknown }) =>
  BACKUPS.flatMap((size) =>
    [
      { outside: 'known', expected: known },
      { outside: 'unknown', expected: unknown },
    ].map((each) => ({ ...each, size, restored, parts: restored.join(', ') || 'nothing' })),
  ),
);

test.for(CASES)(
  '$parts restored to size $size, the newest checkpoint $outside to the world',
  async ({ restored, size, outside, expected }) => {
    const world = copyWorld(newest);
    const backup = backups.get(size) ?? newest;
    if (restored.includes('stream')) world.stream.messages = [...backup.stream.messages];
    if (restored.includes('files')) world.disk.restore(backup.disk.snapshot());
    if (restored.includes('lock')) world.rows.set(SOURCE, lockOf(backup));
    const signatures = world.signatures;
    const decided: StartDecision['kind'][] = [];

    const knows = outside === 'known' ? worldKnows(newest) : NOBODY_KNOWS;
    const running = beginLife(world, () => 'none', {
      askOutside: async () => knows,
      onDecision: ({ kind }) => decided.push(kind),
    });
    if (typeof expected === 'string') {
      const error: unknown = await running.start().catch((cause: unknown) => cause);
      expect(error).toMatchObject({ details: { reason: expected } });
      expect(world.signatures).toBe(signatures);
      return;
    }
    await using sequencer = await running.start();
    expect(decided).toEqual(expected);
    if (restored.length === 3) return;
    // Everything is there again, byte for byte, and whatever is signed from here on is of the one true log.
    expect(Buffer.compare(payloadsOf(world), payloadsOf(newest))).toBe(0);
    await running.append(3, 2);
    await sequencer.covering(world.stream.messages.length, new AbortController().signal);
    await checkPublished(world);
  },
);

function lockOf({ rows }: World): Locked {
  const locked = rows.get(SOURCE);
  if (locked === undefined) throw new Error('a world whose log was not begun');
  return locked;
}

function payloadsOf({ stream }: World): Buffer {
  return Buffer.concat(stream.messages.map(({ payload }) => payload));
}
