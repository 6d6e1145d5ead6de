import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ledgerSource } from '#src/events/source.ts';
import { natsCredential } from '#src/runtime/nats-server-config.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { type TestNatsServer, testAccount, testNatsServer } from './nats-server.ts';
import { PROGRAM, settings } from './process-eirel.ts';
import { hotkey } from './recorded-events.ts';

export const TOKEN = 'the-services-of-one-validator';
const GENESIS = '0123456789abcdef'.repeat(4);
const NETUID = 36;

/** The name of the log that it writes. */
export const SOURCE = ledgerSource({ genesis: GENESIS, netuid: NETUID, hotkey: hotkey('v') });

/** `eirel ledger` as a process of its own, over a nats-server of its own; both can be killed and started again. */
export type LiveLedger = AsyncDisposable &
  Readonly<{
    /** Its address; the same after a restart. */
    url: string;
    nats: TestNatsServer;
    /** Settings of a command that speaks with it. */
    env: Readonly<Record<string, string>>;
    /** Ends the process like a crash would. */
    kill: () => Promise<void>;
    /** Starts it again after `kill`; resolves when it serves. */
    restart: () => Promise<void>;
  }>;

/** Starts a ledger for one test. */
export async function liveLedger(): Promise<LiveLedger> {
  await using opened = new AsyncDisposableStack();
  const account = testAccount('v1-ledger', ['ledger']);
  const nats = opened.use(await testNatsServer({ accounts: [account] }));
  const admin = await nats.connectAs('admin');
  await applyStream(admin, streamConfig('ledger'));
  await admin.close();
  const dir = await mkdtemp(join(tmpdir(), 'eirel-ledger-'));
  opened.defer(() => rm(dir, { recursive: true, force: true }));
  const { user, pass } = natsCredential(account, 'writer');
  const secrets = { password: pass, token: TOKEN };
  for (const [name, secret] of Object.entries(secrets))
    await writeFile(join(dir, name), secret, { mode: 0o600 });
  const env = {
    EIREL_NATS_URL: nats.url,
    EIREL_NATS_USER: user,
    EIREL_NATS_PASSWORD_FILE: join(dir, 'password'),
    EIREL_DATA_DIR: dir,
    EIREL_SERVICE_TOKEN_FILE: join(dir, 'token'),
    EIREL_LEDGER_HOTKEY: hotkey('v'),
    EIREL_CHAIN_GENESIS: GENESIS,
    EIREL_NETUID: String(NETUID),
  };
  let process = await start({ ...env, EIREL_HTTP_PORT: '0' }, dir);
  opened.defer(() => process.end('SIGTERM'));
  const { url } = process;
  const parts = opened.move();
  return {
    url,
    nats,
    env: { ...env, EIREL_LEDGER_URL: url },
    kill: () => process.end('SIGKILL'),
    restart: async () => {
      process = await start({ ...env, EIREL_HTTP_PORT: new URL(url).port }, dir);
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

type Started = Readonly<{ url: string; end: (signal: NodeJS.Signals) => Promise<void> }>;

async function start(env: Readonly<Record<string, string>>, dir: string): Promise<Started> {
  const logFile = join(dir, 'ledger.log');
  const child = spawn(process.execPath, [PROGRAM, 'ledger', '--json', '--until-stdin-ends'], {
    env: { ...settings(), ...env },
    stdio: ['pipe', 'pipe', openSync(logFile, 'a')],
  });
  const ended = once(child, 'exit');
  const url = await Promise.race([
    firstUrl(child),
    ended.then(([code]) => {
      throw new Error(`eirel ledger ended with ${code}: ${logFile}`);
    }),
  ]);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return { url, end };
}

async function firstUrl({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('a process without output');
  const [line] = await once(createInterface({ input: stdout }), 'line');
  const { url } = JSON.parse(String(line)) as { url: string }; // safe: our own program wrote it
  return url;
}
