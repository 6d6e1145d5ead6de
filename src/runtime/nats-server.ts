import { type ChildProcess, spawn } from 'node:child_process';
import {
  access,
  constants,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { checkNatsServer, OLDEST_NATS_SERVER } from './nats-server-version.ts';

const PROGRAM = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';

/** Where setup keeps the nats-server that it fetched for this platform. */
export const CACHED_NATS_SERVER = resolve(
  import.meta.dirname,
  '../../.cache/nats-server',
  `${process.platform}-${process.arch}`,
  PROGRAM,
);

/** Recovering a large log takes its time before the server listens; longer than this it is stuck. */
const READY_TIMEOUT_MS = 60_000;

/** The server announces its port in a file; looking this often costs nothing and delays nobody. */
const READY_POLL_MS = 10;

/** An orderly stop closes the files within a second or two. With `sync_interval: always` a kill loses nothing. */
const STOP_TIMEOUT_MS = 15_000;

/** The last lines name the fault; a chatty server must not fill our memory. */
const STDERR_TAIL_CHARS = 8_192;

export type RefusedNatsServer = Readonly<{ path: string; origin: string; reason: string }>;

/** A usable nats-server and where it was found. */
export type FoundNatsServer = Readonly<{
  path: string;
  version: string;
  origin: 'NATS_SERVER' | 'PATH' | 'cache';
}>;

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Finds a nats-server of at least `OLDEST_NATS_SERVER`: the file that `env.NATS_SERVER` names, then
 * those on `env.PATH`, then the one that setup fetched. Throws `nats-server.missing` with every refusal.
 */
export async function findNatsServer(env: Env): Promise<FoundNatsServer> {
  const { found, refused } = await searchNatsServer(env, CACHED_NATS_SERVER);
  if (found !== undefined) return found;
  throw new AppError('nats-server.missing', {
    expected: `nats-server ${OLDEST_NATS_SERVER} or later`,
    remedy: 'run "node scripts/setup.mjs", put nats-server on PATH or name it in NATS_SERVER',
    refused,
  });
}

/** The first usable nats-server, if there is one, and the candidates before it with what is wrong with them. */
export async function searchNatsServer(
  env: Env,
  cached: string,
): Promise<{ found: FoundNatsServer | undefined; refused: readonly RefusedNatsServer[] }> {
  const refused: RefusedNatsServer[] = [];
  for (const { path, origin } of candidates(env, cached)) {
    if (await isExecutable(path)) {
      const checked = await checkNatsServer(path);
      if ('version' in checked) {
        return { found: { path, version: checked.version, origin }, refused };
      }
      refused.push({ path, origin, reason: checked.refusal });
    } else if (origin === 'NATS_SERVER') {
      refused.push({ path, origin, reason: 'is not an executable file' });
    }
  }
  return { found: undefined, refused };
}

/** A running nats-server. Disposing it stops it. */
export type NatsServer = AsyncDisposable &
  Readonly<{
    /** Address for clients, such as `nats://127.0.0.1:40123`. */
    url: string;
    pid: number;
    /** Settles when the process has ended, whoever ended it: while nobody stopped it, that is a failure. */
    exited: Promise<void>;
    /** Orderly stop: waits for the exit, and kills what does not end in time. */
    stop: () => Promise<void>;
    /** Ends the process like a crash would, and waits for the exit. */
    kill: () => Promise<void>;
  }>;

/**
 * Starts the nats-server at `path` and resolves once it accepts clients. `config` is written to `dir`;
 * its port may be -1, any free one. An aborted `signal` gives the start up and is thrown; a running
 * server is ended by `stop`. Throws `nats-server.failed` with the server's last output.
 */
export async function startNatsServer(options: {
  path: string;
  config: string;
  dir: string;
  signal?: AbortSignal;
}): Promise<NatsServer> {
  const { path, config, dir, signal } = options;
  signal?.throwIfAborted();
  await mkdir(dir, { recursive: true });
  const configFile = join(dir, 'nats-server.conf');
  // It holds passwords: the mode of a file from before must not survive.
  await rm(configFile, { force: true });
  await writeFile(configFile, config, { mode: 0o600 });
  const portsDir = await mkdtemp(join(dir, 'ports-'));

  // In a process group of its own, so that Ctrl-C reaches us alone and we stop it after the last append.
  const child = spawn(path, ['--config', configFile, '--ports_file_dir', portsDir], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const stderr = tailOf(child.stderr);
  const exited = exitOf(child);
  const end = (first: NodeJS.Signals) => endProcess(child, exited, first);
  try {
    const url = await announcedUrl(portsDir, exited, signal);
    if (url !== undefined && child.pid !== undefined) {
      const stop = () => end('SIGTERM');
      const kill = () => end('SIGKILL');
      return { url, pid: child.pid, exited, stop, kill, [Symbol.asyncDispose]: stop };
    }
  } catch (error) {
    await end('SIGKILL');
    throw error;
  } finally {
    await rm(portsDir, { recursive: true, force: true });
  }
  await end('SIGKILL');
  throw new AppError('nats-server.failed', {
    path,
    config: configFile,
    exitCode: child.exitCode,
    stderr: stderr(),
  });
}

function* candidates(
  env: Env,
  cached: string,
): Generator<Pick<FoundNatsServer, 'path' | 'origin'>> {
  if (env['NATS_SERVER']) yield { path: resolve(env['NATS_SERVER']), origin: 'NATS_SERVER' };
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (folder !== '') yield { path: join(folder, PROGRAM), origin: 'PATH' };
  }
  yield { path: cached, origin: 'cache' };
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The server writes its addresses to a file once it listens. Undefined when it ended or never got so far. */
async function announcedUrl(
  portsDir: string,
  exited: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
  const ended = new AbortController();
  void exited.then(() => ended.abort());
  while (!deadline.aborted && !ended.signal.aborted) {
    signal?.throwIfAborted();
    for (const file of await readdir(portsDir)) {
      const url = /"(nats:[^"]+)"/.exec(await readFile(join(portsDir, file), 'utf8'))?.[1];
      if (url !== undefined) return url;
    }
    await delay(READY_POLL_MS);
  }
  return undefined;
}

/** Settles when the process is gone, or never came to be. Until then it ends together with ours. */
function exitOf(child: ChildProcess): Promise<void> {
  const endWithUs = (): void => void child.kill('SIGTERM');
  process.once('exit', endWithUs);
  return new Promise<void>((settle) => {
    const gone = (): void => {
      process.off('exit', endWithUs);
      settle();
    };
    child.once('close', gone).once('error', gone);
  });
}

async function endProcess(
  child: ChildProcess,
  exited: Promise<void>,
  first: NodeJS.Signals,
): Promise<void> {
  child.kill(first);
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(late);
}

/** Reads the stream to its end and keeps the last of it: an unread pipe would block the server. */
function tailOf(stream: Readable): () => string {
  let tail = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    tail = (tail + text).slice(-STDERR_TAIL_CHARS);
  });
  return () => tail;
}
