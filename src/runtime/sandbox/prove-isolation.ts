import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { RunPython } from '../../handlers/tools/python-sandbox.ts';
import { LIMITS } from './run-python.ts';

/** Enough for a program that only tries things, on a machine that is busy. */
const PROBE_TIMEOUT_MS = 20_000;
const PROBE_MEMORY_MB = 128;

/** A program that does not end has to be ended after so long. */
const ENDLESS_MS = 200;

/**
 * Shows by programs that try to get out that this machine isolates them: no network, no environment, no file of the
 * host, no privilege, and every limit holds. Throws `sandbox.unavailable` with the claims that do not hold; a
 * sandbox that was not shown to be one is never used.
 */
export async function proveIsolation(run: RunPython): Promise<void> {
  const broken = [...(await brokenClaims(run)), ...((await isEnded(run)) ? [] : ['wall clock'])];
  if (broken.length === 0) return;
  throw new AppError('sandbox.unavailable', {
    found: `programs are not isolated: ${broken.join(', ')}`,
    next: 'see "The tools" in docs/operating.md for what the sandbox needs',
  });
}

async function brokenClaims(run: RunPython): Promise<readonly string[]> {
  const code = await readFile(new URL('probe.py', import.meta.url), 'utf8');
  await using secret = await secretFile();
  await using listener = await listenOnLoopback();
  const given = {
    port: listener.port,
    secret: secret.path,
    file_bytes: LIMITS.file_bytes,
    processes: LIMITS.processes,
    memory_bytes: PROBE_MEMORY_MB * 1024 * 1024,
    cpu_seconds: PROBE_TIMEOUT_MS / 1_000 + 1,
  };
  const files = [{ path: 'probe.json', bytes: Buffer.from(JSON.stringify(given)) }];
  const { stdout, stderr, exitCode } = await run({
    code,
    files,
    timeoutMs: PROBE_TIMEOUT_MS,
    memoryMb: PROBE_MEMORY_MB,
  });
  const claims = Claims.safeParse(exitCode === 0 ? jsonOf(stdout) : null);
  if (!claims.success) return [`the probe ended with ${exitCode}: ${stderr.trim()}`];
  const heard = listener.connections() > 0 ? ['network'] : [];
  return [...heard, ...Object.keys(claims.data).filter((claim) => !claims.data[claim])];
}

const Claims = z.record(z.string(), z.boolean());

async function isEnded(run: RunPython): Promise<boolean> {
  const { timedOut } = await run({
    code: 'while True: pass',
    files: [],
    timeoutMs: ENDLESS_MS,
    memoryMb: PROBE_MEMORY_MB,
  });
  return timedOut;
}

/** A file that anybody on this machine could read. */
async function secretFile(): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'eirel-sandbox-'));
  await chmod(folder, 0o755);
  const path = join(folder, 'secret');
  await writeFile(path, randomBytes(16).toString('hex'), { mode: 0o644 });
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

async function listenOnLoopback(): Promise<
  AsyncDisposable & { port: number; connections: () => number }
> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    connections: () => connections,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whatever it printed, it is no list of claims.
    return null;
  }
}
