import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkSigning } from '#src/cli/doctor/checks.ts';
import type { Finding } from '#src/cli/doctor/finding.ts';
import { lookAtSigning } from '#src/cli/doctor/look-at-files.ts';
import { createLogSecrets } from '#src/runtime/secret-files.ts';
import { openSigningDatabase } from '#src/runtime/signing-db.ts';
import { scratchDirectory } from '../../support/scratch-directory.ts';
import { IDENTITY } from '../../support/signing-identity.ts';

/** A directory with everything in it. */
async function complete(path: string): Promise<void> {
  await (await openSigningDatabase(path, IDENTITY))[Symbol.asyncDispose]();
  await createLogSecrets(path);
}

type Case = Readonly<{
  title: string;
  change?: (path: string) => Promise<void>;
  finds: Partial<Finding>;
}>;

const CASES: readonly Case[] = [
  { title: 'all that it has to hold', finds: { status: 'ok', mend: null } },
  {
    title: 'nothing yet',
    change: (path) => rm(path, { recursive: true }),
    finds: { status: 'ok', found: expect.stringContaining('is made at the start') },
  },
  {
    title: 'a key that others can read',
    change: (path) => chmod(join(path, 'seal.key'), 0o644),
    finds: { status: 'fault', mend: expect.stringMatching(/^chmod 600 .*seal\.key$/) },
  },
  {
    title: 'keys alone',
    change: (path) => rm(join(path, 'signing.db')),
    finds: { status: 'fault', found: expect.stringContaining('has keys and no signing.db') },
  },
  {
    title: 'a part of the keys',
    change: (path) => rm(join(path, 'witness.key')),
    finds: { status: 'fault', found: expect.stringContaining('lacks witness.key') },
  },
  {
    title: 'the database alone, as after an import',
    change: async (path) => {
      for (const name of ['log.key', 'witness.key', 'seal.key']) await rm(join(path, name));
    },
    finds: { status: 'ok' },
  },
  {
    title: 'a folder that others can enter',
    change: (path) => chmod(path, 0o755),
    finds: { status: 'warning', mend: expect.stringMatching(/^chmod 700 /) },
  },
];

test.for(CASES)('a signing directory with $title is told as it is', async ({ change, finds }) => {
  await using directory = await scratchDirectory();
  const path = join(directory.path, 'signing');
  await complete(path);
  await change?.(path);
  const signing = await lookAtSigning(path, path);
  const value = { ...signing, besideData: false };
  expect(checkSigning({ value })).toMatchObject({ name: 'signing', ...finds });
});

test('a signing directory on the disk of the data is warned of', async () => {
  await using directory = await scratchDirectory();
  const value = await lookAtSigning(join(directory.path, 'signing'), join(directory.path, 'data'));
  expect(value).toMatchObject({ mode: null, besideData: true });
  expect(checkSigning({ value })).toMatchObject({
    status: 'warning',
    mend: expect.stringContaining('another disk'),
  });
  expect(checkSigning({ reason: 'EACCES' })).toMatchObject({ status: 'fault', found: 'EACCES' });
});

test('where the data cannot be looked at, nothing is said of its disk', async () => {
  await using directory = await scratchDirectory();
  const file = join(directory.path, 'file');
  await writeFile(file, '');
  await mkdir(join(directory.path, 'signing'), { mode: 0o700 });
  const value = await lookAtSigning(join(directory.path, 'signing'), join(file, 'data'));
  expect(value.besideData).toBeNull();
  expect(checkSigning({ value })).toMatchObject({ status: 'ok' });
});
