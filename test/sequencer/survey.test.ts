import { beforeAll, expect, test } from 'vitest';
import {
  beginLife,
  copyWorld,
  DATA_DIR,
  newWorld,
  type World,
} from '../support/simulated-sequencer.ts';

/** One full tile, and partial ones on two levels. */
const SIZE = 300;
let whole: World;

beforeAll(async () => {
  whole = await newWorld();
  const running = beginLife(whole, () => 'none');
  await using sequencer = await running.start();
  await running.append(SIZE, 1);
  await sequencer.covering(SIZE, new AbortController().signal);
});

/** The files that a log of this size publishes, its checkpoint apart. */
const FILES = [
  'tile/entries/000',
  'tile/entries/001.p/44',
  'tile/0/000',
  'tile/0/001.p/44',
  'tile/1/000.p/1',
];

test('a log publishes these files, and nothing is left of its staging', () => {
  const paths = whole.disk.paths().filter((path) => whole.disk.snapshot().get(path) !== 'folder');
  expect(paths).toEqual(
    ['checkpoint', ...FILES].map((path) => `${DATA_DIR}/log/${path}`).toSorted(),
  );
});

test.for(FILES)('%s damaged in any place refuses the start, and is named', async (file) => {
  const path = `${DATA_DIR}/log/${file}`;
  const entry = whole.disk.snapshot().get(path);
  const length = entry instanceof Uint8Array ? entry.length : 0;
  expect(length).toBeGreaterThanOrEqual(32);
  const step = Math.max(1, Math.floor(length / 24));
  for (let at = 0; at < length; at += step) {
    const world = copyWorld(whole);
    world.disk.damage(path, (bytes) =>
      bytes.map((byte, index) => (index === at ? byte ^ 0x10 : byte)),
    );
    const started = beginLife(world, () => 'none').start();
    await expect(started, `byte ${at}`).rejects.toMatchObject({
      code: 'log.broken',
      details: { reason: 'damaged', found: expect.stringContaining('tile/') },
    });
    expect(world.signatures).toBe(whole.signatures);
  }
});

test.for(FILES)('%s cut, or with something behind it, refuses the start', async (file) => {
  const path = `${DATA_DIR}/log/${file}`;
  for (const change of [
    (bytes: Uint8Array) => bytes.subarray(0, -1),
    (bytes: Uint8Array) => Buffer.concat([bytes, Uint8Array.of(0)]),
  ]) {
    const world = copyWorld(whole);
    world.disk.damage(path, change);
    await expect(beginLife(world, () => 'none').start()).rejects.toMatchObject({
      code: 'log.broken',
    });
  }
});

test.for(FILES)('%s lost is published again from the stream', async (file) => {
  const world = copyWorld(whole);
  await world.disk.remove(`${DATA_DIR}/log/${file}`);
  const decided: string[] = [];
  const onDecision = ({ kind }: { kind: string }): void => void decided.push(kind);
  await using sequencer = await beginLife(world, () => 'none', { onDecision }).start();
  expect(decided).toEqual(['publish-from-stream', 'go-on']);
  expect(sequencer.published()?.size).toBe(SIZE);
  expect(world.disk.snapshot().get(`${DATA_DIR}/log/${file}`)).toEqual(
    whole.disk.snapshot().get(`${DATA_DIR}/log/${file}`),
  );
});

test('a checkpoint that cannot be opened refuses the start', async () => {
  const world = copyWorld(whole);
  world.disk.damage(`${DATA_DIR}/log/checkpoint`, (bytes) => bytes.with(0, 0));
  await expect(beginLife(world, () => 'none').start()).rejects.toMatchObject({
    code: 'log.forked',
    details: { reason: 'unreadable' },
  });
});

test.for([0, 7, 255, 256, SIZE - 1])(
  'an event of the stream that is another one is named: %i',
  async (index) => {
    const world = copyWorld(whole);
    const message = world.stream.messages[index];
    if (message === undefined) throw new Error('an event');
    world.stream.messages[index] = { ...message, payload: message.payload.with(9, 0x58) };
    await expect(beginLife(world, () => 'none').start()).rejects.toMatchObject({
      code: 'log.broken',
      details: { index },
    });
  },
);
