import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fakeNatsServer } from '../support/fake-nats-server.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'eirel-setup-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Runs a script with this Node; gives its exit code and everything that it printed. */
async function run(
  script: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: unknown; output: string }> {
  return new Promise((settle) => {
    execFile(process.execPath, [script], { env }, (error, stdout, stderr) =>
      settle({ code: error === null ? 0 : error.code, output: stdout + stderr }),
    );
  });
}

/** This environment with an npm that only fails: a test must not reinstall the packages that it runs on. */
async function withoutNpm(): Promise<NodeJS.ProcessEnv> {
  const npm = join(dir, 'npm');
  await writeFile(npm, '#!/bin/sh\nexit 1\n');
  await chmod(npm, 0o755);
  return { ...process.env, PATH: `${dir}${delimiter}${process.env['PATH'] ?? ''}` };
}

test('a second run installs and fetches nothing', async () => {
  const { code, output } = await run(join(ROOT, 'scripts/setup.mjs'), await withoutNpm());
  expect(output).toMatch(/npm packages: as locked/);
  expect(output).toMatch(/nats-server: version 2\.\d+\.\d+/);
  expect(output).toMatch(/audit page: (as )?built/);
  expect(output).not.toMatch(/npm ci|fetching/);
  expect(code).toBe(0);
});

test('a too old nats-server is refused with its version, and another one is used', async () => {
  const old = await fakeNatsServer(join(dir, 'old'), '2.9.0');
  const env = { ...(await withoutNpm()), NATS_SERVER: old };
  const { code, output } = await run(join(ROOT, 'scripts/setup.mjs'), env);
  expect(output).toContain(`${old} (NATS_SERVER) refused: it is 2.9.0`);
  expect(output).toMatch(/nats-server: version 2\.1[2-9]/);
  expect(code).toBe(0);
});

test('a nats-server before the recommended one is used with a warning', async () => {
  const env = { ...process.env, NATS_SERVER: await fakeNatsServer(join(dir, 'so-so'), '2.14.9') };
  const { code, output } = await run(join(ROOT, 'scripts/nats-server.ts'), env);
  expect(output).toMatch(/version 2\.14\.9/);
  expect(output).toMatch(/warning: 2\.15\.0 or later/);
  expect(code).toBe(0);
});

test('packages that can not be installed fail with what compiling sqlite3 needs', async () => {
  await mkdir(join(dir, 'scripts'));
  for (const part of ['scripts/setup.mjs', 'package.json', 'package-lock.json']) {
    await cp(join(ROOT, part), join(dir, part));
  }
  const { code, output } = await run(join(dir, 'scripts/setup.mjs'), await withoutNpm());
  expect(output).toContain('"npm ci" ended with exit code 1');
  expect(output).toContain('python3, make and g++');
  expect(code).toBe(1);
});

test('where none is found or can be fetched, setup fails and lists the ways to get one', async () => {
  await mkdir(join(dir, 'src'));
  await mkdir(join(dir, 'bin'));
  for (const part of ['scripts', 'package.json', 'src/errors.ts', 'src/runtime']) {
    await cp(join(ROOT, part), join(dir, part), { recursive: true });
  }
  const env = {
    NATS_SERVER: await fakeNatsServer(join(dir, 'old'), '2.9.0'),
    NATS_SERVER_RELEASES: 'http://127.0.0.1:9', // the discard port: nobody listens
    PATH: join(dir, 'bin'), // no nats-server, no apt
  };
  const { code, output } = await run(join(dir, 'scripts/nats-server.ts'), env);
  expect(output).toContain('refused: it is 2.9.0');
  expect(output).toMatch(/no official release: .*127\.0\.0\.1:9/);
  expect(output).toContain('no distribution package');
  expect(output).toContain('set NATS_SERVER to the file of one');
  expect(code).toBe(1);
});
