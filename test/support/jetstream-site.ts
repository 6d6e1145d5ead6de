import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { jetStreamStore } from '#src/runtime/jetstream-store.ts';
import type { LogStore } from '#src/runtime/log-store.ts';
import { connectNats, natsLink } from '#src/runtime/nats-link.ts';
import { type NatsRole, natsCredential } from '#src/runtime/nats-server-config.ts';
import { applyStream, streamConfig } from '#src/runtime/streams.ts';
import type { TestNatsServer } from './nats-server.ts';
import { SOURCE } from './recorded-events.ts';

/** A fresh validator's log on a test server. Disposing it closes its connections. */
export type JetStreamSite = AsyncDisposable &
  Readonly<{
    store: (role?: NatsRole) => Promise<LogStore>;
    /** The connections that were made, in order. */
    connections: readonly NatsConnection[];
  }>;

/** Deletes the server's stream, if there is one, and makes an empty one. */
export async function jetStreamSite(server: TestNatsServer): Promise<JetStreamSite> {
  const [account] = server.accounts;
  if (account === undefined) throw new Error('a server without an account');
  const admin = await server.connectAs('admin');
  const { streams } = await jetstreamManager(admin);
  // Files of a deleted stream can outlive it for a moment, and one of the same name begins with them.
  do {
    for await (const name of streams.names()) await streams.delete(name);
    await applyStream(admin, streamConfig('validator'));
  } while ((await streams.info('validator')).state.messages > 0);
  await admin.close();

  const connections: NatsConnection[] = [];
  return {
    connections,
    store: async (role = 'writer') => {
      const credential = natsCredential(account, role);
      const nc = await connectNats({ url: server.url, name: `test ${role}`, ...credential });
      connections.push(nc);
      return jetStreamStore(natsLink(nc, credential.inboxPrefix), {
        name: 'validator',
        source: SOURCE,
      });
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(connections.map((nc) => nc.close()));
    },
  };
}
