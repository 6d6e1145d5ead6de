import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '#src/events/hash.ts';
import type { BlobStore } from '#src/handlers/blobs.ts';
import { blobStore, MAX_BLOB_BYTES } from '#src/runtime/blob-store.ts';
import type { Disk } from '#src/runtime/disk.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { simulatedDisk } from '../support/simulated-disk.ts';

const PLENTY = 1_000;
const bytes = new Uint8Array(Buffer.from('a document'));
const digest = sha256(bytes);
const path = `/data/blobs/${digest.slice(0, 2)}/${digest}`;

async function kept(store: BlobStore, maxBytes = PLENTY): Promise<string | null> {
  const found = await store.get(digest, maxBytes);
  return found === null ? null : Buffer.from(found).toString();
}

describe('on a real disk', () => {
  test('what is put is had again under its SHA-256, by the next process, too', async () => {
    await using scratch = await scratchDirectory();
    const dir = join(scratch.path, 'blobs');
    expect(await blobStore(dir).put(bytes)).toBe(digest);
    const again = blobStore(dir);
    expect(await kept(again)).toBe('a document');
    expect(await again.has(digest)).toBe(true);
    expect(await again.size(digest)).toBe(bytes.length);
  });

  test('what was never put is null, not an error', async () => {
    await using scratch = await scratchDirectory();
    const store = blobStore(join(scratch.path, 'blobs'));
    expect(await store.get(digest, PLENTY)).toBeNull();
    expect(await store.has(digest)).toBe(false);
    expect(await store.size(digest)).toBeNull();
  });

  test('the same bytes put many times at once are one file, and nothing lies beside it', async () => {
    await using scratch = await scratchDirectory();
    const dir = join(scratch.path, 'blobs');
    const store = blobStore(dir);
    const puts = await Promise.all(Array.from({ length: 20 }, () => store.put(bytes)));
    expect(new Set(puts)).toEqual(new Set([digest]));
    expect(await readdir(join(dir, digest.slice(0, 2)))).toEqual([digest]);
  });

  test('bytes that are not those of their name any more are an error, until they are put again', async () => {
    await using scratch = await scratchDirectory();
    const dir = join(scratch.path, 'blobs');
    const store = blobStore(dir);
    await store.put(bytes);
    await writeFile(join(dir, digest.slice(0, 2), digest), 'A document');
    const both = await Promise.allSettled([store.get(digest, PLENTY), store.get(digest, PLENTY)]);
    for (const read of both)
      expect(read).toMatchObject({ status: 'rejected', reason: { code: 'blob.damaged' } });
    expect(await store.has(digest)).toBe(false);
    expect(await store.get(digest, PLENTY)).toBeNull();
    await store.put(bytes);
    expect(await kept(store)).toBe('a document');
  });

  test('a document is not read when it is larger than its kind may be', async () => {
    await using scratch = await scratchDirectory();
    const store = blobStore(join(scratch.path, 'blobs'));
    await store.put(bytes);
    expect(await kept(store, bytes.length)).toBe('a document');
    await expect(store.get(digest, bytes.length - 1)).rejects.toMatchObject({
      code: 'blob.too-large',
    });
  });

  test('a document beyond every limit is not put', async () => {
    await using scratch = await scratchDirectory();
    const store = blobStore(join(scratch.path, 'blobs'));
    await expect(store.put(new Uint8Array(MAX_BLOB_BYTES + 1))).rejects.toMatchObject({
      code: 'blob.too-large',
    });
    expect(await readdir(scratch.path)).toEqual([]);
  });

  test('a name that is no digest leads nowhere', async () => {
    await using scratch = await scratchDirectory();
    const store = blobStore(join(scratch.path, 'blobs'));
    for (const name of ['', '../../etc/passwd', digest.toUpperCase(), `${digest}.new`]) {
      await expect(store.get(name, PLENTY)).rejects.toMatchObject({ code: 'input.invalid' });
      await expect(store.has(name)).rejects.toMatchObject({ code: 'input.invalid' });
      expect(() => store.size(name)).toThrow('input.invalid');
    }
  });
});

describe('through crashes', () => {
  test('what was put outlives a power cut, whatever the disk had not written by itself', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.boolean()), async (coins) => {
        const disk = simulatedDisk('/data');
        await blobStore('/data/blobs', disk).put(bytes);
        disk.powerCut(() => coins.next().value ?? false);
        expect(await kept(blobStore('/data/blobs', disk))).toBe('a document');
      }),
    );
  });

  test('a process that dies at any step leaves the whole document or none, and the next one puts it', async () => {
    for (let steps = 0; ; steps++) {
      const disk = simulatedDisk('/data');
      const finished = await diesAfter(steps, disk);
      disk.powerCut(() => steps % 2 === 0);
      const next = blobStore('/data/blobs', disk);
      expect([null, 'a document']).toContain(await kept(next));
      await next.put(bytes);
      disk.powerCut(() => false);
      expect(await kept(blobStore('/data/blobs', disk))).toBe('a document');
      expect(disk.paths()).toContain(path);
      if (finished) break;
    }
  });

  test('a copy that a killed process renamed without syncing is durable once it is put again', async () => {
    const disk = simulatedDisk('/data');
    await blobStore('/data/blobs', { ...disk, syncFolder: notForFiles(disk) }).put(bytes);
    await blobStore('/data/blobs', disk).put(bytes);
    disk.powerCut(() => false);
    expect(await kept(blobStore('/data/blobs', disk))).toBe('a document');
  });

  test('a put that failed fails for all who waited, and is tried anew by the next', async () => {
    const disk = simulatedDisk('/data');
    let full = true;
    const store = blobStore('/data/blobs', {
      ...disk,
      write: async (...args) => {
        if (full) throw new Error('no space');
        await disk.write(...args);
      },
    });
    const both = await Promise.allSettled([store.put(bytes), store.put(bytes)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    full = false;
    expect(await store.put(bytes)).toBe(digest);
  });
});

/** Puts the document on a disk that stops taking orders after some; true when it came to the end all the same. */
async function diesAfter(steps: number, disk: Disk): Promise<boolean> {
  let left = steps;
  const mortal =
    <A extends readonly unknown[], R>(act: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (left-- <= 0) throw new Error('killed');
      return act(...args);
    };
  const store = blobStore('/data/blobs', {
    ...disk,
    write: mortal(disk.write),
    rename: mortal(disk.rename),
    makeFolder: mortal(disk.makeFolder),
    syncFolder: mortal(disk.syncFolder),
  });
  const [result] = await Promise.allSettled([store.put(bytes)]);
  return result?.status === 'fulfilled';
}

/** Folders become durable, what is put into the innermost does not. */
function notForFiles(disk: Disk): Disk['syncFolder'] {
  return async (folder) => {
    if (folder.split('/').length < 4) await disk.syncFolder(folder);
  };
}
