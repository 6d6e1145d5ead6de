import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { findNatsServer, type NatsServer, startNatsServer } from '#src/runtime/nats-server.ts';
import {
  localServerConfig,
  type NatsAccount,
  type NatsRole,
  natsCredential,
} from '#src/runtime/nats-server-config.ts';

/** An account with every credential; the passwords need to be different, not secret. */
export function testAccount(name: string, logs: NatsAccount['logs']): NatsAccount {
  const password = (role: NatsRole) => `${name}-${role}-password`;
  return {
    name,
    logs,
    passwords: {
      admin: password('admin'),
      writer: password('writer'),
      reader: password('reader'),
      operator: password('operator'),
    },
  };
}

/** A real nats-server on a free loopback port. Disposing it stops it and removes its files. */
export type TestNatsServer = AsyncDisposable &
  Readonly<{
    /** Address for clients; the same after a restart. */
    url: string;
    /** The folder of its store and configuration. */
    dir: string;
    accounts: readonly NatsAccount[];
    /** A connection with a role's credential in an account, the first one unless told otherwise. Close it. */
    connectAs: (role: NatsRole, account?: string) => Promise<NatsConnection>;
    /** Ends the process like a crash would. */
    kill: () => Promise<void>;
    stop: () => Promise<void>;
    /** Starts it again after `kill` or `stop`, on the same store and port. */
    restart: () => Promise<void>;
  }>;

/** Starts a nats-server for one test; by default with one account that holds the validator's log. */
export async function testNatsServer(
  options: { accounts?: readonly NatsAccount[] } = {},
): Promise<TestNatsServer> {
  const accounts = options.accounts ?? [testAccount('validator-1', ['validator'])];
  const { path } = await findNatsServer(process.env);
  const dir = await mkdtemp(join(tmpdir(), 'eirel-nats-'));
  const start = (port: number): Promise<NatsServer> => {
    const config = localServerConfig({ storeDir: join(dir, 'store'), accounts, port });
    return startNatsServer({ path, config, dir });
  };
  let server = await start(-1);
  const { url } = server;

  return {
    url,
    dir,
    accounts,
    async connectAs(role, name = accounts[0]?.name) {
      const account = accounts.find((candidate) => candidate.name === name);
      if (account === undefined) throw new Error(`this server has no account ${name}`);
      const credential = natsCredential(account, role);
      return connect({ servers: url, noAsyncTraces: true, ...credential });
    },
    kill: () => server.kill(),
    stop: () => server.stop(),
    async restart() {
      server = await start(Number(new URL(url).port));
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
