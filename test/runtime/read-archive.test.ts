import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_UNPACKED_BYTES } from '#src/evaluation/archive-listing.ts';
import { MAX_ARCHIVE_BYTES } from '#src/evaluation/roster.ts';
import { manifestText } from '#src/evaluation/submission-yaml.ts';
import { createTarReader } from '#src/evaluation/tar-reader.ts';
import { readArchive } from '#src/runtime/read-archive.ts';
import { HOSTILE_ARCHIVES } from '../support/hostile-archives.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import {
  archiveOf,
  BLOCK,
  MANIFEST_YAML,
  manifestPart,
  paxPart,
  TAR_END,
  tarFile,
  tarPart,
} from '../support/tar-files.ts';

describe('hostile archives', () => {
  test.each(HOSTILE_ARCHIVES)('$name: $code', async ({ code, bytes }) => {
    expect(await readWithinBounds(bytes())).toMatchObject({ kind: 'fault', code });
  });

  test('there are more than forty of them, each for a reason of its own', () => {
    expect(HOSTILE_ARCHIVES.length).toBeGreaterThan(40);
    expect(new Set(HOSTILE_ARCHIVES.map(({ name }) => name)).size).toBe(HOSTILE_ARCHIVES.length);
  });

  test('what is refused at its very end costs no more than what is refused at once', async () => {
    // Noise, and sixty times as much that repeats it: nothing but the end of the data says that it is refused.
    const stretch = randomFillSync(new Uint8Array(16_384));
    const piece = Buffer.concat([stretch, ...Array.from({ length: 60 }, () => stretch)]);
    const content = Buffer.concat(Array.from({ length: 20 }, () => piece));
    const bytes = gzipSync(tarFile({ path: 'data', content }).subarray(0, -512), { level: 1 });
    expect(content.length / bytes.length).toBeGreaterThan(30);
    expect(await readWithinBounds(bytes)).toMatchObject({ code: 'tar-truncated' });
  });

  test('the largest that the limits let through is never in memory as a whole, and takes seconds', async () => {
    await using scratch = await scratchDirectory();
    const path = join(scratch.path, 'largest.tar.gz');
    const content = MAX_UNPACKED_BYTES - MIB;
    await pipeline(largestTar(content), createGzip({ level: 1 }), createWriteStream(path));
    expect((await stat(path)).size).toBeLessThan(MAX_ARCHIVE_BYTES);
    const { stdout } = await execute(process.execPath, [READ_ALONE, path]);
    const { grownKib, ms, ...read }: Record<string, unknown> = JSON.parse(stdout);
    expect(read).toEqual({ kind: 'read', unpacked: content + MANIFEST_YAML.length });
    // What was looked at waits for the collector, some tens of megabytes of it.
    expect(grownKib).toBeLessThan(MAX_UNPACKED_BYTES / 2 / 1_024);
    expect(ms).toBeLessThan(10_000);
  });
});

const MIB = 1_024 * 1_024;
const execute = promisify(execFile);
const READ_ALONE = join(import.meta.dirname, '../support/read-archive-alone.ts');

/** A tar archive of one file of so many bytes, of which each MiB is noise of its own sixty-four times. */
function* largestTar(bytes: number): Generator<Uint8Array> {
  yield Buffer.concat([manifestPart, tarPart({ path: 'data', size: bytes }).subarray(0, BLOCK)]);
  for (let left = bytes; left > 0; left -= MIB) {
    const noise = randomFillSync(Buffer.alloc(MIB / 64));
    yield Buffer.concat(Array.from({ length: 64 }, () => noise));
  }
  yield TAR_END;
}

describe('honest archives', () => {
  test('what is in them is counted, and the manifest is read', async () => {
    const bytes = archiveOf(
      { path: 'pkg', type: '5' },
      { path: 'pkg/app.py', content: 'print(1)' },
      { path: 'empty' },
    );
    const read = await readArchive(bytes);
    expect(read).toMatchObject({
      kind: 'read',
      entries: 4,
      unpacked: MANIFEST_YAML.length + 'print(1)'.length,
    });
    expect(textOf(read)).toBe(MANIFEST_YAML);
  });

  test('a name of two hundred bytes is taken in each form that writers give it', async () => {
    const long = `${'d'.repeat(99)}/${'f'.repeat(99)}`;
    const forms = [
      archiveOf({ path: 'f'.repeat(99), prefix: 'd'.repeat(99) }),
      archiveOf(paxPart({ path: long, mtime: '1764000000.25' }), { path: 'cut' }),
      archiveOf(
        { path: '././@LongLink', type: 'L', content: `${long}\0`, magic: 'ustar  \0' },
        { path: 'cut', magic: 'ustar  \0' },
      ),
    ];
    for (const bytes of forms) expect(await readArchive(bytes)).toMatchObject({ entries: 2 });
  });

  test('what git and Macs add to archives is harmless', async () => {
    const bytes = archiveOf(
      paxPart({ comment: 'a'.repeat(40) }, 'g'),
      paxPart({ 'LIBARCHIVE.xattr.com.apple.provenance': 'AQ', 'SCHILY.xattr.user.x': '1' }),
      { path: 'app.py' },
    );
    expect(await readArchive(bytes)).toMatchObject({ kind: 'read', entries: 2 });
  });

  test('a manifest reads the same wherever the pieces of an archive are cut', () => {
    const whole = tarFile(paxPart({ path: 'ä/ö.py' }), { path: 'cut', content: 'x'.repeat(700) });
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
        const reader = createTarReader();
        const places = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        for (const [at, from] of places.entries())
          expect(reader.feed(whole.subarray(from, places[at + 1] ?? whole.length))).toBeNull();
        expect(textOf(reader.end())).toBe(MANIFEST_YAML);
      }),
    );
  });

  test('one bit that is another is found, wherever it is', async () => {
    const bytes = archiveOf({ path: 'app.py', content: 'print(1)' });
    const whole = await readArchive(bytes);
    await fc.assert(
      fc.asyncProperty(fc.nat(8 * bytes.length - 1), async (bit) => {
        const other = Uint8Array.from(bytes);
        other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const read = await readArchive(other);
        // Time and origin of a gzip member, and bits between its end and the checksum, say nothing of the content.
        if (read.kind === 'read') expect(read).toEqual(whole);
      }),
    );
  });

  test('no bytes make the reader throw', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_048 }), async (bytes) => {
        expect((await readArchive(bytes)).kind).toBe('fault');
        expect((await readArchive(gzipSync(bytes))).kind).toBe('fault');
      }),
    );
  });
});

const TAR = spawnSync('tar', ['--version'], { encoding: 'utf8' });
const noTar = TAR.status === 0 ? null : 'this machine has no tar';

describe.skipIf(noTar !== null)(`archives of the tar of this machine${noTar ?? ''}`, () => {
  test.each([
    ['by name', ['submission.yaml', 'pkg']],
    ['of a whole folder', ['.']],
    ['with PAX headers', ['--format=pax', '.']],
    ['in the form of POSIX 1988', ['--format=ustar', '.']],
  ])('are read: %s', async (_name, args) => {
    await using scratch = await scratchDirectory();
    const dir = join(scratch.path, 'submission');
    const deep = join(dir, 'pkg', 'd'.repeat(60), 'e'.repeat(60));
    await mkdir(deep, { recursive: true });
    await writeFile(join(dir, 'submission.yaml'), MANIFEST_YAML);
    await writeFile(join(dir, 'pkg', 'app.py'), 'print(1)\n'.repeat(1_000));
    await writeFile(join(deep, 'größe.txt'), 'x');
    const file = join(scratch.path, 'a.tar.gz');
    execFileSync('tar', ['-czf', file, '-C', dir, ...args]);
    const read = await readArchive(await readFile(file));
    expect(textOf(read)).toBe(MANIFEST_YAML);
    expect(manifestText(Buffer.from(textOf(read)))).toMatchObject({ kind: 'read' });
  });
});

function textOf(read: Awaited<ReturnType<typeof readArchive>>): string {
  return read.kind === 'read' ? Buffer.from(read.manifest).toString() : read.detail;
}

/** Whatever it holds, an archive costs some memory for the pieces of it, and no more time than the limits let through. */
async function readWithinBounds(bytes: Uint8Array): ReturnType<typeof readArchive> {
  const before = process.memoryUsage.rss();
  const started = performance.now();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 2);
  const read = await readArchive(bytes);
  clearInterval(watch);
  expect(Math.max(peak, process.memoryUsage.rss()) - before).toBeLessThan(64 * 1_024 * 1_024);
  expect(performance.now() - started).toBeLessThan(10_000);
  return read;
}
