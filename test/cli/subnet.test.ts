import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eirelHere } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

test('a folder that is in use is refused before anything is started in it', async () => {
  await using dir = await scratchDirectory();
  const file = join(dir.path, 'chain.json');
  await writeFile(file, 'of another subnet');
  for (const used of [dir.path, file]) {
    const { code, err } = await eirelHere(['subnet', '--dir', used]);
    expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining('input.invalid') });
    expect(err).toContain(used);
  }
  expect(await readdir(dir.path)).toEqual(['chain.json']);
});
