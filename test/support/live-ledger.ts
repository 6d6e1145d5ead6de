import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLedger } from '#src/cli/ledger/start-ledger.ts';
import { loadConfig } from '#src/config.ts';
import type { LedgerClient } from '#src/handlers/ledger/ledger-port.ts';
import { ledgerClient } from '#src/runtime/ledger-client.ts';
import { createLogger } from '#src/runtime/logger.ts';
import { natsCredential } from '#src/runtime/nats-server-config.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { testAccount, testNatsServer } from './nats-server.ts';
import { hotkey } from './recorded-events.ts';

export const SERVICE_TOKEN = 'the-services-of-one-validator';
export const JOB_KEY = 'the-key-of-tokens-of-jobs';

/** A ledger in this process over a nats-server of its own, and what a service that writes to it is configured with. */
export type LiveLedger = AsyncDisposable &
  Readonly<{
    url: string;
    client: LedgerClient;
    /** Settings of a service of the same validator. */
    settings: Readonly<Record<string, string>>;
    /** Writes a file beside the ledger's own; gives its path. */
    file: (name: string, text: string) => Promise<string>;
  }>;

/** Starts a ledger in a folder. */
export async function liveLedger(dir: string): Promise<LiveLedger> {
  await using opened = new AsyncDisposableStack();
  const account = testAccount('v1-ledger', ['ledger']);
  const nats = opened.use(await testNatsServer({ accounts: [account] }));
  const admin = await nats.connectAs('admin');
  await applyStream(admin, streamConfig('ledger'));
  await admin.close();
  await mkdir(dir, { recursive: true });
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const { user, pass } = natsCredential(account, 'writer');
  const shared = {
    EIREL_SERVICE_TOKEN_FILE: await file('service-token', SERVICE_TOKEN),
    EIREL_JOB_KEY_FILE: await file('job-key', JOB_KEY),
    EIREL_HTTP_PORT: '0',
  };
  const config = loadConfig({
    ...shared,
    EIREL_NATS_URL: nats.url,
    EIREL_NATS_USER: user,
    EIREL_NATS_PASSWORD_FILE: await file('nats-password', pass),
    EIREL_DATA_DIR: join(dir, 'data'),
    EIREL_LEDGER_HOTKEY: hotkey('v'),
  });
  const signal = new AbortController().signal;
  const logger = createLogger('silent', 'ledger');
  const { url } = opened.use(await startLedger(config, { logger, signal }));
  const parts = opened.move();
  return {
    url,
    client: ledgerClient({ url, token: SERVICE_TOKEN }),
    settings: { ...shared, EIREL_LEDGER_URL: url },
    file,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
