import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  createLogSecrets,
  heldLogSecrets,
  readLogSecrets,
  readSealSecret,
} from '#src/runtime/secret-files.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const FILES = ['log.key', 'witness.key', 'seal.key'] as const;

test('secrets are made for their owner alone, are three, and stay as they are', async () => {
  await using directory = await scratchDirectory();
  const dir = join(directory.path, 'signing');
  const made = await createLogSecrets(dir);
  expect((await stat(dir)).mode & 0o777).toBe(0o700);
  expect((await readdir(dir)).toSorted()).toEqual(FILES.toSorted());
  for (const name of FILES) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600);
  const secrets = Object.values(made);
  expect(secrets.map(({ length }) => length)).toEqual([32, 32, 32]);
  expect(new Set(secrets.map((each) => Buffer.from(each).toString('hex'))).size).toBe(3);
  expect(await readLogSecrets(dir)).toEqual(made);
  expect(await createLogSecrets(dir)).toEqual(made);
});

test('a beginning that broke off goes on with the secrets that were made', async () => {
  await using directory = await scratchDirectory();
  const { logSeed } = await createLogSecrets(directory.path);
  await rm(join(directory.path, 'seal.key'));
  expect(await heldLogSecrets(directory.path)).toEqual(['log.key', 'witness.key']);
  expect((await createLogSecrets(directory.path)).logSeed).toEqual(logSeed);
  expect(await heldLogSecrets(directory.path)).toEqual(FILES);
});

test('the sealing secret is read alone, and may be missing', async () => {
  await using directory = await scratchDirectory();
  const dir = join(directory.path, 'signing');
  expect(await readSealSecret(dir)).toBeNull();
  const { sealSecret } = await createLogSecrets(dir);
  await rm(join(dir, 'log.key'));
  expect(await readSealSecret(dir)).toEqual(sealSecret);
  expect(await readSealSecret(join(dir, 'seal.key'))).toBeNull();
  await chmod(join(dir, 'seal.key'), 0o644);
  await expect(readSealSecret(dir)).rejects.toMatchObject({ code: 'key.invalid' });
});

test('nothing is made where secrets are only read', async () => {
  await using directory = await scratchDirectory();
  const dir = join(directory.path, 'signing');
  expect(await heldLogSecrets(dir)).toEqual([]);
  await expect(readLogSecrets(dir)).rejects.toMatchObject({ code: 'key.invalid' });
  expect(await readdir(directory.path)).toEqual([]);
});

test.for([
  {
    title: 'others can read',
    change: (file: string) => chmod(file, 0o640),
    details: { value: 'mode 640', next: expect.stringMatching(/^chmod 600 /) },
  },
  {
    title: 'is too short',
    change: (file: string) => rewrite(file, (text) => text.slice(1)),
    details: { expected: '64 lower-case hex digits' },
  },
  {
    title: 'is in capitals',
    change: (file: string) => rewrite(file, () => `${'AB'.repeat(32)}\n`),
    details: { expected: '64 lower-case hex digits' },
  },
  {
    title: 'has a second line',
    change: (file: string) => rewrite(file, (text) => `${text}${text}`),
    details: { expected: '64 lower-case hex digits' },
  },
  {
    title: 'is far too long',
    change: (file: string) => rewrite(file, (text) => text.repeat(10)),
    details: { value: '650 bytes' },
  },
  { title: 'is empty', change: (file: string) => rewrite(file, () => ''), details: {} },
  { title: 'is gone', change: (file: string) => rm(file), details: {} },
  {
    title: 'is a folder',
    change: async (file: string) => {
      await rm(file);
      await mkdir(file, { mode: 0o700 });
    },
    details: { expected: 'a regular file' },
  },
  {
    title: 'leads nowhere',
    change: async (file: string) => {
      await rm(file);
      await symlink('nowhere', file);
    },
    details: {},
  },
])('a secret that $title is refused without being shown', async ({ change, details }) => {
  await using directory = await scratchDirectory();
  await createLogSecrets(directory.path);
  for (const name of FILES) {
    const file = join(directory.path, name);
    const secret = (await readFile(file, 'utf8')).trim();
    await change(file);
    const error: unknown = await readLogSecrets(directory.path).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'key.invalid', details: { file, ...details } });
    expect(String(error)).not.toContain(secret.slice(1, 20));
    await rm(file, { recursive: true, force: true });
    await writeFile(file, `${secret}\n`, { mode: 0o600 });
  }
});

async function rewrite(file: string, change: (text: string) => string): Promise<void> {
  await writeFile(file, change(await readFile(file, 'utf8')));
}
