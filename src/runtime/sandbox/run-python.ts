import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { RunPython, SandboxResult, SandboxRun } from '../../handlers/tools/python-sandbox.ts';
import { type Capture, captureUpTo } from './capture.ts';
import { PYTHON, readSandboxSources, type SandboxSources } from './sources.ts';

/** What the existing service keeps of the two streams, in bytes. */
const STDOUT_BYTES = 64 * 1024;
const STDERR_BYTES = 16 * 1024;

/** The limits of one program beside time and memory; the existing service has the same ones. */
export const LIMITS = {
  open_files: 64,
  processes: 8,
  /** Of one file, in bytes. */
  file_bytes: 1024 * 1024,
  /** So many files are given back, and so many bytes of them: what the answer to one call can hold. */
  files: 64,
  files_bytes: 4 * 1024 * 1024,
} as const;

/** The result with its files in base64 and their names. */
const MAX_RESULT_BYTES = 2 * LIMITS.files_bytes + 1024 * 1024;

/** Building and clearing away a sandbox, on a machine that is busy; then it is ended from outside. */
const GRACE_MS = 10_000;

/** Nobody's user and group: a service that runs as root gives up its own before it starts anything. */
const NOBODY = 65_534;

const Result = z.strictObject({
  exit_code: z.int(),
  timed_out: z.boolean(),
  duration_ms: z.int().min(0),
  files: z.array(
    z.strictObject({ path: z.string(), size: z.int().min(0), content: z.base64().nullable() }),
  ),
});

/** What the first process of a sandbox says on its own descriptor once the program is about to begin. */
const BEGUN = 'begun\n';

/**
 * Runs programs in namespaces of their own: no network, no file of the host but its programs and libraries, no
 * process but their own, no environment, limits on all that they use, and a filter on what they ask of the kernel.
 * A signal that aborts ends those that run.
 */
export async function pythonSandbox(deps: Readonly<{ signal?: AbortSignal }>): Promise<RunPython> {
  const sources = await readSandboxSources();
  return (run) => runOnce(run, sources, deps);
}

async function runOnce(
  run: SandboxRun,
  sources: SandboxSources,
  { signal }: Readonly<{ signal?: AbortSignal }>,
): Promise<SandboxResult> {
  const child = start(sources);
  const kill = (): void => void child.kill('SIGKILL');
  const timer = setTimeout(kill, run.timeoutMs + GRACE_MS);
  signal?.addEventListener('abort', kill);
  if (signal?.aborted) kill();
  try {
    const ended = endOf(child);
    child.stdin?.on('error', () => {
      // Whatever ended the sandbox before it read its request shows in what it did not say.
    });
    child.stdin?.end(requestOf(run));
    const [stdout, stderr, answer] = await Promise.all([
      captureUpTo(streamOf(child, 1), STDOUT_BYTES),
      captureUpTo(streamOf(child, 2), STDERR_BYTES),
      captureUpTo(streamOf(child, 3), MAX_RESULT_BYTES),
      ended,
    ]);
    return resultOf({ stdout, stderr, answer });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
    kill();
  }
}

/** Namespaces of its own: a root without rights outside, and nothing of this machine's files, processes and networks. */
const ISOLATED = [
  '--user',
  '--map-root-user',
  '--mount',
  '--pid',
  '--net',
  '--ipc',
  '--uts',
  '--cgroup',
  '--fork',
  '--kill-child',
];

/** The sandbox dies with the process that this starts: `--kill-child`, and the kernel ends what its first process leaves. */
function start({ root, init }: SandboxSources): ChildProcess {
  return spawn('/usr/bin/unshare', [...ISOLATED, '/bin/sh', '-c', root, 'sh', init], {
    cwd: '/',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', PYTHON },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
  });
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(unavailable(cause.message, cause)));
    child.once('close', () => resolve());
  });
}

function streamOf(child: ChildProcess, descriptor: 1 | 2 | 3): Readable {
  // safe: all four descriptors are pipes, and those but the first are read
  return child.stdio[descriptor] as Readable;
}

function requestOf({ code, timeoutMs, memoryMb, files }: SandboxRun): string {
  return JSON.stringify({
    code,
    files: files.map(({ path, bytes }) => ({
      path,
      content: Buffer.from(bytes).toString('base64'),
    })),
    limits: {
      ...LIMITS,
      seconds: timeoutMs / 1000,
      // A process that sleeps is ended by the clock, one that works by this, also where the clock is late.
      cpu_seconds: Math.ceil(timeoutMs / 1000) + 1,
      memory_bytes: memoryMb * 1024 * 1024,
    },
  });
}

function resultOf(said: Readonly<{ stdout: Capture; stderr: Capture; answer: Capture }>) {
  const { stdout, stderr, answer } = said;
  if (!answer.text.startsWith(BEGUN)) throw unavailable(stderr.text.trim() || 'no answer');
  const streams = {
    stdout: stdout.text,
    stderr: stderr.text,
    truncated: stdout.truncated || stderr.truncated,
  };
  const result = answer.text.slice(BEGUN.length);
  // The first process was ended with the program: where memory runs out, the kernel takes the sandbox.
  if (result === '') return { ...streams, exitCode: -9, timedOut: false, durationMs: 0, files: [] };
  const { exit_code, timed_out, duration_ms, files } = Result.parse(JSON.parse(result));
  return {
    ...streams,
    exitCode: exit_code,
    timedOut: timed_out,
    durationMs: duration_ms,
    files: files.map(({ path, size, content }) => ({
      path,
      size,
      bytes: content === null ? null : Buffer.from(content, 'base64'),
    })),
  };
}

function unavailable(found: string, cause?: Error): AppError {
  return new AppError(
    'sandbox.unavailable',
    { found, next: 'see "The tools" in docs/operating.md for what the sandbox needs' },
    { cause },
  );
}
