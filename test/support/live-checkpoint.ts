import { expect } from 'vitest';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { hotkeyOf, type Running } from '#src/cli/subnet/cast.ts';
import { type Checkpoint, openCheckpoint } from '#src/merkle/checkpoint.ts';
import { rootOf } from '#src/merkle/root.ts';
import { decodeEntries, entriesBetween, entriesPath, tilePath } from '#src/merkle/tile.ts';
import { rootFromTiles } from '#src/merkle/tile-proof.ts';
import { leafOf } from '#src/merkle/tree.ts';
import { type LiveLog, readLog } from './live-log.ts';
import type { LiveSubnet } from './live-subnet.ts';
import { until } from './live-until.ts';

/** The newest checkpoint that a validator serves, under its hotkey's signature; null before the first. */
export async function servedCheckpoint(
  subnet: Pick<LiveSubnet, 'get'>,
  name: Running,
): Promise<Checkpoint | null> {
  const answer = await subnet.get(name, '/log/checkpoint');
  if (answer.status === 404) return null;
  const opened = openCheckpoint(await bytesOf(answer), {
    hotkey: hotkeyOf(name),
    verify: verifySr25519,
  });
  if (opened.kind !== 'opened') throw new Error(`the checkpoint of ${name}: ${opened.detail}`);
  return opened.checkpoint;
}

/**
 * Waits until a validator has published its log to the end, and gives it. What is served has to be what the
 * stream holds: each event byte for byte, the root of the tiles, and that of every earlier checkpoint.
 */
export async function wholeLog(
  subnet: Pick<LiveSubnet, 'get' | 'nats'>,
  name: Running,
  earlier: readonly Checkpoint[] = [],
): Promise<{ log: LiveLog; checkpoint: Checkpoint }> {
  const whole = await until(`all of the log of ${name} is published`, async () => {
    const checkpoint = await servedCheckpoint(subnet, name);
    const log = await readLog(subnet.nats, name);
    return checkpoint?.size === log.head.size && { log, checkpoint };
  });
  const { log, checkpoint } = whole;
  const leaves = log.payloads.map(leafOf);
  for (const { origin, size, root } of [...earlier, checkpoint]) {
    expect(origin).toBe(log.source);
    expect(hex(rootOf(leaves.slice(0, size))), `root of ${size} events of ${name}`).toBe(hex(root));
  }
  const read = async (path: string): Promise<Uint8Array> =>
    bytesOf(await subnet.get(name, `/log/${path}`));
  const fromTiles = await rootFromTiles(checkpoint.size, (level, index, width) =>
    read(tilePath(level, index, width)),
  );
  expect(hex(fromTiles), `root of the tiles of ${name}`).toBe(hex(checkpoint.root));
  const bundles = entriesBetween(0, checkpoint.size).map(async ({ index, width }) =>
    decodeEntries(await read(entriesPath(index, width))),
  );
  expect((await Promise.all(bundles)).flat().map(hex)).toEqual(log.payloads.map(hex));
  return whole;
}

async function bytesOf(answer: Response): Promise<Uint8Array> {
  if (!answer.ok) throw new Error(`${answer.url}: HTTP status ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
