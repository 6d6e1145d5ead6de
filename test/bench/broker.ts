import { jetstreamManager } from '@nats-io/jetstream';
import type { Draft } from '#src/events/envelope.ts';
import type { LogWriter } from '#src/events/log.ts';
import { jetStreamStore } from '#src/runtime/jetstream-store.ts';
import type { LogStore } from '#src/runtime/log-store.ts';
import { connectNats, natsLink } from '#src/runtime/nats-link.ts';
import { type NatsAccount, natsCredential } from '#src/runtime/nats-server-config.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { type TestNatsServer, testAccount, testNatsServer } from '../support/nats-server.ts';
import { SOURCE } from './workload.ts';

/** A real nats-server (`sync_interval: always`) with an account for each log that is wanted of it. */
export type Broker = AsyncDisposable &
  Readonly<{
    /** The writer's store over a new stream. The one from before is removed. */
    freshStore: () => Promise<LogStore>;
  }>;

/**
 * Starts a broker that gives `logs` stores one after the other, each in an account of its own: a
 * stream that is created where one was just deleted can meet the server still at work on its files.
 */
export async function startBroker(logs: number, source = SOURCE): Promise<Broker> {
  const names = Array.from({ length: logs }, (_, index) => `validator-${index}`);
  const accounts = names.map((name) => testAccount(name, ['validator']));
  const left = accounts.values();
  const server = await testNatsServer({ accounts });
  let last: AsyncDisposableStack | undefined;
  return {
    freshStore: async () => {
      await last?.disposeAsync();
      last = new AsyncDisposableStack();
      const account = left.next().value;
      if (account === undefined) throw new Error(`the broker was started for ${logs} logs`);
      return openStore(server, source, account, last);
    },
    [Symbol.asyncDispose]: async () => {
      await last?.disposeAsync();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function openStore(
  server: TestNatsServer,
  source: string,
  account: NatsAccount,
  opened: AsyncDisposableStack,
): Promise<LogStore> {
  const admin = await server.connectAs('admin', account.name);
  opened.defer(() => admin.close());
  const config = streamConfig('validator');
  await applyStream(admin, config);
  const { streams } = await jetstreamManager(admin);
  opened.defer(async () => {
    await streams.delete(config.name);
  });
  const { user, pass, inboxPrefix } = natsCredential(account, 'writer');
  const nc = await connectNats({ url: server.url, user, pass, inboxPrefix, name: 'eirel bench' });
  opened.defer(() => nc.close());
  return jetStreamStore(natsLink(nc, inboxPrefix), { name: 'validator', source });
}

/** Appends in order, at most `depth` of them unsettled at a time. */
export async function appendAll(
  log: LogWriter,
  batches: readonly (readonly Draft[])[],
  depth: number,
): Promise<void> {
  const open: Promise<void>[] = [];
  for (const drafts of batches) {
    if (open.length === depth) await open.shift();
    open.push(
      log.append(drafts).then(({ kind }) => {
        if (kind !== 'appended') throw new Error(`an append gave ${kind}`);
      }),
    );
  }
  await Promise.all(open);
}
