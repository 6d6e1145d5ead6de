import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../errors.ts';
import {
  type NatsAccount,
  type NatsRole,
  natsCredential,
} from '../../runtime/nats-server-config.ts';
import { devSeed, NETUID, type Running } from './cast.ts';

const PROGRAM = fileURLToPath(new URL('../eirel.ts', import.meta.url));

/** A validator on a loaded machine is up within seconds; this is for a very loaded one. */
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

/** Settings that a local subnet changes from their defaults. */
export type Env = Readonly<Record<string, string>>;

export type RunningProcess = Readonly<{
  name: Running;
  url: string;
  pid: number;
  logFile: string;
  ended: Promise<number | null>;
  kill: () => Promise<void>;
}> &
  AsyncDisposable;

/** Where the chain is, and which one it is. */
export type ChainAddress = Readonly<{ url: string; genesisHash: string }>;

/** The environment of a command that acts on one validator's log in the given role. */
export async function environmentOf(
  account: NatsAccount,
  role: NatsRole,
  { dir, natsUrl }: { dir: string; natsUrl: string },
): Promise<Env> {
  const { user, pass } = natsCredential(account, role);
  const secrets = join(dir, account.name, 'secrets');
  await mkdir(secrets, { recursive: true, mode: 0o700 });
  const password = join(secrets, `${role}.password`);
  await writeFile(password, pass, { mode: 0o600 });
  return {
    EIREL_NATS_URL: natsUrl,
    EIREL_NATS_USER: user,
    EIREL_NATS_PASSWORD_FILE: password,
    EIREL_DATA_DIR: join(dir, account.name),
    EIREL_SIGNING_DIR: join(dir, account.name, 'signing'),
  };
}

/** What a validator process of the local subnet is started with. */
export async function validatorEnvironment(
  account: NatsAccount,
  at: { dir: string; natsUrl: string; chain: ChainAddress; port?: number },
): Promise<Env> {
  const seed = join(at.dir, account.name, 'hotkey.seed');
  const base = await environmentOf(account, 'writer', at);
  await writeFile(seed, devSeed(account.name), { mode: 0o600 });
  return {
    ...base,
    EIREL_HOTKEY_SEED_FILE: seed,
    EIREL_NETUID: String(NETUID),
    EIREL_CHAIN_ENDPOINTS: at.chain.url,
    EIREL_CHAIN_GENESIS: at.chain.genesisHash,
    EIREL_CONSENSUS_REQUIRE_COMMITMENT: 'on',
    EIREL_HTTP_PORT: String(at.port ?? 0),
    EIREL_PEER_ADDRESSES: 'loopback',
    EIREL_WEIGHT_MODE: 'decentralized',
    EIREL_POLL_MS: '50',
    EIREL_CHECKPOINT_MS: '100',
    EIREL_LOG_LEVEL: 'info',
  };
}

/** Starts `eirel validator` as a process and resolves when it serves; its log lines go to a file. */
export async function startValidatorProcess(
  name: Running,
  env: Env,
  dir: string,
): Promise<RunningProcess> {
  const logFile = join(dir, `${name}.log`);
  const child = spawn(process.execPath, [PROGRAM, 'validator', '--json', '--until-stdin-ends'], {
    env: { ...inherited(), ...env },
    // Nothing is written to its standard input: that it ends tells the child that we are gone.
    stdio: ['pipe', 'pipe', openSync(logFile, 'a')],
    detached: true, // Ctrl-C reaches the subnet alone, which stops its validators in order
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null); // safe: the event's first argument
  const url = await firstLine(child, ended, logFile);
  const end = (signal: NodeJS.Signals) => endProcess(child, ended, signal);
  return {
    name,
    url,
    pid: child.pid ?? 0,
    logFile,
    ended,
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  };
}

/** The product's own settings are given, not inherited: a subnet must not depend on the caller's shell. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('EIREL_')),
  );
}

async function firstLine(
  child: ChildProcess,
  ended: Promise<number | null>,
  logFile: string,
): Promise<string> {
  const failed = (found: string): AppError =>
    new AppError('subnet.failed', { validator: logFile, found, next: `read ${logFile}` });
  if (child.stdout === null) throw failed('no output');
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  const lines = createInterface({ input: child.stdout });
  const line = once(lines, 'line', { signal: deadline }).then(([text]) => String(text));
  const code = ended.then((exit) => Promise.reject(failed(`it ended with code ${exit}`)));
  const text = await Promise.race([line, code]).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw deadline.aborted ? failed(`it did not serve within ${START_TIMEOUT_MS} ms`) : error;
  });
  const parsed = JSON.parse(text) as { url: string }; // safe: our own program wrote it
  return parsed.url;
}

async function endProcess(
  child: ChildProcess,
  ended: Promise<number | null>,
  signal: NodeJS.Signals,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended.catch(() => null);
  clearTimeout(timer);
}
