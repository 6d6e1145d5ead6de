import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLines } from '#src/cli/read-lines.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const MAX_BYTES = 100;

let scratch: Awaited<ReturnType<typeof scratchDirectory>>;
beforeAll(async () => {
  scratch = await scratchDirectory();
});
afterAll(() => scratch[Symbol.asyncDispose]());

/** What is read of a file with this content; null for a line that is too long. */
async function linesOf(content: string | Uint8Array): Promise<readonly (string | null)[]> {
  const file = join(scratch.path, 'lines');
  await writeFile(file, content);
  const lines: (string | null)[] = [];
  for await (const { bytes } of readLines(file, MAX_BYTES))
    lines.push(bytes === null ? null : Buffer.from(bytes).toString());
  return lines;
}

test('only a newline ends a line, whatever Unicode takes for one', async () => {
  expect(await linesOf('{"a":"x\u2028y\u2029z\u0085\f\v"}\nb\n')).toEqual([
    '{"a":"x\u2028y\u2029z\u0085\f\v"}',
    'b',
  ]);
});

test('a last line without a newline counts, and a carriage return before one does not', async () => {
  expect(await linesOf('a\r\n\r\nb\rc\nd')).toEqual(['a', '', 'b\rc', 'd']);
  expect(await linesOf('')).toEqual([]);
});

test('of a line that is too long nothing is kept, and the lines after it are read', async () => {
  const long = 'x'.repeat(200_000);
  const just = 'y'.repeat(MAX_BYTES);
  expect(await linesOf(`a\n${long}\nb\n${just}\n${just}y\n`)).toEqual(['a', null, 'b', just, null]);
});

test('the lines of any bytes, joined again, are those bytes', async () => {
  const line = fc.uint8Array({ maxLength: 40 }).map((bytes) => {
    const text = Buffer.from(bytes).toString('latin1');
    return text.replaceAll(/[\r\n]/g, '');
  });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 50 }), async (lines) => {
      const content = lines.map((text) => `${text}\n`).join('');
      expect(await linesOf(content)).toEqual(lines);
    }),
    { numRuns: 50 },
  );
});

test('a folder is no file of lines', async () => {
  const reading = readLines(scratch.path, MAX_BYTES).next();
  await expect(reading).rejects.toMatchObject({
    code: 'file.unreadable',
    details: { file: scratch.path, expected: 'a readable file' },
  });
});
