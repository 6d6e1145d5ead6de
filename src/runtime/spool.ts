import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What came of writing a body to disk. Disposing of one that is whole removes it. */
export type Spooled =
  | (Readonly<{
      kind: 'whole';
      sha256: string;
      bytes: number;
      read: () => Promise<Uint8Array>;
    }> &
      AsyncDisposable)
  | Readonly<{ kind: 'too-large' }>
  /** Its sender left, or took too long. */
  | Readonly<{ kind: 'broken' }>;

/**
 * Writes a body to a file of its own in `dir` as it comes, and hashes it on the way: no more of it is in memory than a
 * piece. What is too large, or breaks off, leaves nothing behind. Throws what the disk throws.
 */
export async function spool(
  body: AsyncIterable<Uint8Array>,
  { dir, maxBytes }: Readonly<{ dir: string; maxBytes: number }>,
): Promise<Spooled> {
  const path = join(dir, `${randomUUID()}.part`);
  const remove = (): Promise<void> => rm(path, { force: true });
  const hash = createHash('sha256');
  let bytes = 0;
  let written = false;
  try {
    await using file = await open(path, 'wx', 0o600);
    for await (const piece of pieces(body)) {
      if (piece === null) return { kind: 'broken' };
      bytes += piece.length;
      if (bytes > maxBytes) return { kind: 'too-large' };
      hash.update(piece);
      await file.writeFile(piece);
    }
    written = true;
  } finally {
    if (!written) await remove();
  }
  const sha256 = hash.digest('hex');
  return {
    kind: 'whole',
    sha256,
    bytes,
    read: () => readFile(path),
    [Symbol.asyncDispose]: remove,
  };
}

/** Makes the folder for `spool`, without what a killed process left there. */
export async function emptySpool(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true, mode: 0o700 });
}

/** The pieces of a body, and null in the place of its end where its sender broke off. */
async function* pieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array | null> {
  const source = body[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await source.next();
    } catch {
      // A body can only fail by its sender: the connection was lost, or cut for its slowness.
      yield null;
      return;
    }
    if (next.done === true) return;
    yield next.value;
  }
}
