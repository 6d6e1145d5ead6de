import { jetstreamManager } from '@nats-io/jetstream';
import type { Draft } from '#src/events/envelope.ts';
import type { LogWriter } from '#src/events/log.ts';
import { jetStreamStore } from '#src/runtime/jetstream-store.ts';
import type { LogStore } from '#src/runtime/log-store.ts';
import { connectNats, natsLink } from '#src/runtime/nats-link.ts';
import { natsCredential } from '#src/runtime/nats-server-config.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import { type TestNatsServer, testNatsServer } from '../support/nats-server.ts';
import { SOURCE } from './workload.ts';

/** A real nats-server (`sync_interval: always`) with a validator's account. */
export type Broker = AsyncDisposable &
  Readonly<{
    /** The writer's store over a stream that holds nothing. A store from before is of no use any more. */
    freshStore: () => Promise<LogStore>;
  }>;

export async function startBroker(): Promise<Broker> {
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await testNatsServer());
  const admin = await server.connectAs('admin');
  opened.defer(() => admin.close());
  const { nc, link } = await connectWriter(server);
  opened.defer(() => nc.close());
  const { streams } = await jetstreamManager(admin);
  const config = streamConfig('validator');
  const running = opened.move();
  return {
    freshStore: async () => {
      if ((await applyStream(admin, config)) === 'unchanged') {
        await streams.delete(config.name);
        await applyStream(admin, config);
      }
      return jetStreamStore(link, { name: 'validator', source: SOURCE });
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
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

/** As the validator connects. */
async function connectWriter({ url, accounts: [account] }: TestNatsServer) {
  if (account === undefined) throw new Error('the server has no account');
  const { user, pass, inboxPrefix } = natsCredential(account, 'writer');
  const nc = await connectNats({ url, user, pass, inboxPrefix, name: 'eirel bench' });
  return { nc, link: natsLink(nc, inboxPrefix) };
}
