import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fetchRelease } from '../../scripts/nats-server-release.ts';
import { fakeNatsServer } from '../support/fake-nats-server.ts';

const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
const folder = `nats-server-v2.15.1-${process.platform}-${architecture}`;
const name = `${folder}.tar.gz`;

let dir: string;
let server: Server;
let releases: string;
const files = new Map<string, Buffer | string>();

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'eirel-release-'));
  server = createServer((request, response) => {
    const body = files.get(request.url ?? '');
    response.writeHead(body === undefined ? 404 : 200).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // safe: a server that listens on TCP has this address.
  releases = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  files.clear();
  server.close();
  await rm(dir, { recursive: true, force: true });
});

/** Serves a release whose nats-server says that it has this version. */
async function serveRelease(version: string): Promise<void> {
  await mkdir(join(dir, folder));
  await fakeNatsServer(join(dir, folder, 'nats-server'), version);
  execFileSync('tar', ['-czf', name, folder], { cwd: dir });
  const archive = await readFile(join(dir, name));
  const sum = createHash('sha256').update(archive).digest('hex');
  files.set(`/v2.15.1/${name}`, archive);
  files.set('/v2.15.1/SHA256SUMS', `${'0'.repeat(64)}  other.zip\n${sum}  ${name}\n`);
}

const cache = () => join(dir, 'cache');
const target = () => join(cache(), 'nats-server');

test('the release for this platform is installed', async () => {
  await serveRelease('2.15.1');
  const fetched = await fetchRelease(target(), releases);
  expect(fetched).toEqual({ version: '2.15.1', from: `${releases}/v2.15.1/${name}` });
  expect(execFileSync(target(), ['--version']).toString()).toContain('2.15.1');
  expect(await readdir(cache())).toEqual(['nats-server']);
});

test('an archive that is not the one of SHA256SUMS is refused', async () => {
  await serveRelease('2.15.1');
  files.set(`/v2.15.1/${name}`, 'another archive');
  await expect(fetchRelease(target(), releases)).rejects.toThrow('SHA256SUMS says');
  await expect(readdir(cache())).rejects.toThrow('ENOENT');
});

test('a release without an archive for this platform is refused', async () => {
  files.set('/v2.15.1/SHA256SUMS', `${'0'.repeat(64)}  other.zip\n`);
  await expect(fetchRelease(target(), releases)).rejects.toThrow('has no archive');
});

test('a fetched nats-server that is too old is not installed', async () => {
  await serveRelease('2.10.0');
  await expect(fetchRelease(target(), releases)).rejects.toThrow('is 2.10.0');
  expect(await readdir(cache())).toEqual([]);
});

test('an answer that is no release is refused with its status', async () => {
  await expect(fetchRelease(target(), releases)).rejects.toThrow('HTTP status 404');
});
