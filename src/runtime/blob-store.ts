import { dirname, join } from 'node:path';
import { AppError } from '../errors.ts';
import { sha256 } from '../events/hash.ts';
import { Hex32 } from '../events/scalars.ts';
import type { BlobStore } from '../handlers/blobs.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { durableFolders } from './durable-folders.ts';

/** The largest document of all is a task set with its corpora, at 32 MB. */
export const MAX_BLOB_BYTES = 64_000_000;

/**
 * Documents by their digest as files `<dir>/<2 hex>/<64 hex>`. The folder that `dir` lies in exists; one process writes
 * there. A file is written beside its place, synced, renamed and its folder synced, so that a name never stands for less
 * than the whole bytes, and `put` says nothing is kept that a power cut could take back.
 */
export function blobStore(
  dir: string,
  disk: Disk = nodeDisk,
): BlobStore &
  Readonly<{
    /** Removes what is kept under a digest; fine where there is nothing. A power cut may bring it back. */
    remove: (digest: string) => Promise<void>;
  }> {
  const settle = durableFolders(dirname(dir), disk);
  const pathOf = (digest: string): string => {
    requireDigest(digest);
    return join(dir, digest.slice(0, 2), digest);
  };
  const keep = async (digest: string, bytes: Uint8Array): Promise<void> => {
    const path = pathOf(digest);
    await settle(dirname(path));
    if (!(await isWhole(disk, path, digest, bytes.length))) {
      await disk.write(`${path}${DRAFT}`, bytes);
      await disk.rename(`${path}${DRAFT}`, path);
    }
    await disk.syncFolder(dirname(path));
  };
  const underWay = new Map<string, Promise<void>>();
  return {
    put: async (bytes) => {
      requireSize(bytes.length, MAX_BLOB_BYTES, 'a document to keep');
      const digest = sha256(bytes);
      const started = underWay.get(digest);
      const work = started ?? keep(digest, bytes);
      if (started === undefined) underWay.set(digest, work);
      try {
        await work;
      } finally {
        if (started === undefined) underWay.delete(digest);
      }
      return digest;
    },
    get: async (digest, maxBytes) => {
      const path = pathOf(digest);
      const size = await disk.size(path);
      if (size === null) return null;
      requireSize(size, maxBytes, digest);
      const bytes = await disk.read(path);
      if (bytes === null || sha256(bytes) === digest) return bytes;
      await putAside(disk, path);
      throw new AppError('blob.damaged', {
        path: `${path}${DAMAGED}`,
        found: sha256(bytes),
        expected: digest,
        next: 'nothing, if it can be fetched again; look at the disk, which altered it',
      });
    },
    has: async (digest) => (await disk.size(pathOf(digest))) !== null,
    size: (digest) => disk.size(pathOf(digest)),
    remove: (digest) => disk.remove(pathOf(digest)),
  };
}

/** What a killed process was writing lies beside its place under this name, and the next one writes over it. */
const DRAFT = '.new';

/** What a disk altered is put aside under this name. */
const DAMAGED = '.damaged';

/** An earlier process may have renamed a file whose folder it never synced, and a disk may have damaged one. */
async function isWhole(disk: Disk, path: string, digest: string, length: number): Promise<boolean> {
  if ((await disk.size(path)) !== length) return false;
  const bytes = await disk.read(path);
  return bytes !== null && sha256(bytes) === digest;
}

/** What is aside counts as missing: whoever needs it fetches it again. Another reader may have been quicker. */
async function putAside(disk: Disk, path: string): Promise<void> {
  try {
    await disk.rename(path, `${path}${DAMAGED}`);
  } catch (error) {
    if ((await disk.size(path)) !== null) throw error;
  }
}

function requireDigest(digest: string): void {
  if (Hex32.safeParse(digest).success) return;
  throw new AppError('input.invalid', {
    field: 'digest',
    value: digest.slice(0, 80),
    expected: '64 lower-case hex digits',
  });
}

function requireSize(bytes: number, maxBytes: number, of: string): void {
  if (bytes <= maxBytes) return;
  throw new AppError('blob.too-large', { of, bytes, expected: `at most ${maxBytes}` });
}
