import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { isSystemError } from '../../errors.ts';

/** How much a child may use, whatever it does. */
export type ChildLimits = Readonly<{
  /** Of the processor, over its whole life. */
  cpuSeconds: number;
  /** Of memory that it writes to. */
  memoryBytes: number;
  /** Of any one file that it writes. */
  fileBytes: number;
}>;

/** How a child ended: its exit code, 128 and the signal's number as a shell has it, and the last that it said. */
export type ChildEnd = Readonly<{ exitCode: number; output: string }>;

/** A child that lives no longer than we do. */
export type LimitedChild = Readonly<{
  /** Null while it lives. */
  end: () => ChildEnd | null;
  ended: Promise<ChildEnd>;
  /** Asks it to end, and after a while kills whatever is left of its process group. */
  stop: () => Promise<void>;
}>;

/** The last lines name the fault; a chatty child must not fill our memory. */
const OUTPUT_TAIL_BYTES = 4_096;

/** A server closes within a second or two when it is asked to. */
const STOP_GRACE_MS = 2_000;

/** Sockets and files of a small server. */
const MAX_OPEN_FILES = 256;

/**
 * Sets the limits, leaves a watch that kills the group when descriptor 3 is closed (it is held by us alone, so that
 * happens when we die, however), and becomes the program.
 */
const UNDER_LIMITS = `
ulimit -c 0 && ulimit -t "$1" && ulimit -d "$2" && ulimit -f "$3" && ulimit -n ${MAX_OPEN_FILES} || exit 71
shift 3
(trap '' TERM; cat <&3 >/dev/null 2>&1; kill -KILL 0) >/dev/null 2>&1 &
exec 3<&-
exec "$@"`;

/**
 * Starts a program under limits, in a process group and a folder of its own, with nothing of our environment. Throws
 * the system's error where it cannot even be started.
 */
export async function startLimited(
  of: Readonly<{
    program: string;
    args: readonly string[];
    folder: string;
    environment: Readonly<Record<string, string>>;
    limits: ChildLimits;
    input?: Uint8Array;
  }>,
): Promise<LimitedChild> {
  const { program, args, folder, environment, limits, input } = of;
  const bounds = [
    limits.cpuSeconds,
    Math.floor(limits.memoryBytes / 1_024),
    Math.floor(limits.fileBytes / 512),
  ].map(String);
  const child = spawn('/bin/sh', ['-c', UNDER_LIMITS, 'sh', ...bounds, program, ...args], {
    cwd: folder,
    env: { ...environment },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const output = keepTail(child);
  const ended = endOf(child, output);
  await spawned(child);
  // A child that does not read to the end has closed its side: its exit code says the rest.
  child.stdin?.on('error', () => undefined).end(input);
  let end: ChildEnd | null = null;
  void ended.then((value) => {
    end = value;
  });
  return { end: () => end, ended, stop: () => stop(child, ended) };
}

async function spawned(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once('spawn', resolve);
  child.once('error', reject);
  await promise;
}

function keepTail(child: ChildProcess): () => string {
  let tail = Buffer.alloc(0);
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      tail = Buffer.concat([tail, chunk]).subarray(-OUTPUT_TAIL_BYTES);
    });
  return () => tail.toString('utf8');
}

/** Ends with the program itself; what it left behind in its group is killed, so that nothing outlives it. */
function endOf(child: ChildProcess, output: () => string): Promise<ChildEnd> {
  const { promise, resolve } = Promise.withResolvers<ChildEnd>();
  child.once('exit', () => signalGroup(child, 'SIGKILL'));
  // After `close` nothing more is said, and nobody holds its pipes any more.
  child.once('close', (code, signal) => {
    resolve({ exitCode: code ?? 128 + constants.signals[signal ?? 'SIGKILL'], output: output() });
  });
  return promise;
}

async function stop(child: ChildProcess, ended: Promise<ChildEnd>): Promise<void> {
  signalGroup(child, 'SIGTERM');
  await Promise.race([ended, delay(STOP_GRACE_MS, undefined, { ref: false })]);
  signalGroup(child, 'SIGKILL');
  await ended;
}

function signalGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (!isSystemError(error, 'ESRCH')) throw error;
  }
}
