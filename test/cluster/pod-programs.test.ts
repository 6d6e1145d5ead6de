import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '#src/events/hash.ts';
import { minerArchive } from '../support/miner-archive.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

async function run(program: string, ...args: readonly string[]): Promise<unknown> {
  const file = join(import.meta.dirname, `../../src/cluster/pod/${program}.ts`);
  const [code] = await once(spawn(process.execPath, [file, ...args], { stdio: 'ignore' }), 'exit');
  return code;
}

async function unpack(bytes: Uint8Array, expected: string) {
  const scratch = await scratchDirectory();
  const [chunks, into] = [join(scratch.path, 'chunks'), join(scratch.path, 'into')];
  await mkdir(chunks);
  await mkdir(into);
  const half = Math.ceil(bytes.length / 2);
  await writeFile(join(chunks, '00'), bytes.subarray(0, half));
  await writeFile(join(chunks, '01'), bytes.subarray(half));
  await mkdir(join(chunks, '..data'));
  return { ...scratch, into, code: await run('unpack', chunks, into, expected) };
}

test('chunks are joined, hashed and unpacked', async () => {
  const { bytes, archive } = await minerArchive({ 'app.mjs': 'code', 'lib/a.txt': 'a' });
  await using unpacked = await unpack(bytes, archive);

  expect(unpacked.code).toBe(0);
  expect(await readFile(join(unpacked.into, 'lib/a.txt'), 'utf8')).toBe('a');
});

test('bytes of another hash are told from an archive that does not unpack', async () => {
  const text = Buffer.from('no archive');
  await using other = await unpack(text, 'ab'.repeat(32));
  await using broken = await unpack(text, sha256(text));

  expect([other.code, broken.code]).toEqual([64, 65]);
});

test('a pod is held back until the canary is out of reach and the proxy is not', async () => {
  await using open = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(open, 'listening');
  const address = open.address();
  const reachable = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const closed = '127.0.0.1:1';

  expect(await run('netgate', reachable, closed)).toBe(0);
  expect(await run('netgate', reachable, reachable, '0.3')).toBe(66);
  expect(await run('netgate', closed, closed, '0.5')).toBe(66);
});
