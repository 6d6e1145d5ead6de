import { expect, test } from 'vitest';
import { withWholeTiles } from '#src/audit/whole-tiles.ts';
import { encodeEntries, TILE_WIDTH } from '#src/merkle/tile.ts';

const payloads = Array.from({ length: TILE_WIDTH }, (_, index) => Buffer.from(`event ${index}`));
const hashes = Buffer.alloc(TILE_WIDTH * 32, 7);

/** A log that has these widths of its first bundle and tile. */
const logWith = (...widths: readonly number[]) =>
  withWholeTiles({
    name: 'log',
    checkpoint: async () => null,
    entries: async (_, width) =>
      widths.includes(width) ? encodeEntries(payloads.slice(0, width)) : null,
    tile: async (_level, _index, width) =>
      widths.includes(width) ? hashes.subarray(0, width * 32) : null,
  });

test.for([[[5]], [[TILE_WIDTH]], [[5, TILE_WIDTH]]] as const)(
  'the first five of a bundle and of a tile are read from a log that has %j',
  async ([widths]) => {
    const log = logWith(...widths);
    expect(await log.entries(0, 5)).toEqual(encodeEntries(payloads.slice(0, 5)));
    expect(await log.tile(0, 0, 5)).toEqual(hashes.subarray(0, 160));
  },
);

test('what is there neither in part nor whole is not there', async () => {
  const log = logWith(4);
  expect(await log.entries(0, 5)).toBeNull();
  expect(await log.tile(0, 0, TILE_WIDTH)).toBeNull();
});
