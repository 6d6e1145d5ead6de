import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '#src/events/hash.ts';
import { emptySpool, spool } from '#src/runtime/spool.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

async function* pieces(count: number, size = 1_000, fails = false): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield Buffer.alloc(size, index);
  if (fails) throw new Error('the sender left');
}

test('a body is whole on disk, hashed, and gone once it was used', async () => {
  await using scratch = await scratchDirectory();
  const dir = scratch.path;
  const expected = Buffer.concat([Buffer.alloc(1_000, 0), Buffer.alloc(1_000, 1)]);
  {
    const spooled = await spool(pieces(2), { dir, maxBytes: 2_000 });
    if (spooled.kind !== 'whole') throw new Error(spooled.kind);
    await using whole = spooled;
    expect([whole.sha256, whole.bytes]).toEqual([sha256(expected), 2_000]);
    expect(Buffer.from(await whole.read())).toEqual(expected);
  }
  expect(await readdir(dir)).toEqual([]);
});

test('what is too large by a byte, or breaks off, leaves nothing behind', async () => {
  await using scratch = await scratchDirectory();
  const dir = scratch.path;
  expect((await spool(pieces(2), { dir, maxBytes: 1_999 })).kind).toBe('too-large');
  expect((await spool(pieces(2, 10, true), { dir, maxBytes: 1_999 })).kind).toBe('broken');
  expect(await readdir(dir)).toEqual([]);
});

test('a body without end is read no further than its limit', async () => {
  await using scratch = await scratchDirectory();
  let taken = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      taken += 1;
      yield Buffer.alloc(1_000);
    }
  }
  await spool(endless(), { dir: scratch.path, maxBytes: 10_000 });
  expect(taken).toBe(11);
});

test('a start throws away what a killed process was writing', async () => {
  await using scratch = await scratchDirectory();
  const dir = join(scratch.path, 'uploads');
  await emptySpool(dir);
  await spool(pieces(1), { dir, maxBytes: 1_000 });
  expect(await readdir(dir)).toHaveLength(1);
  await emptySpool(dir);
  expect(await readdir(dir)).toEqual([]);
});
