import { sourceOf } from '#src/cli/open-reader.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY } from '#src/events/decode.ts';
import type { Head, Recorded } from '#src/events/envelope.ts';
import { jetStreamStore } from '#src/runtime/jetstream-store.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import { natsLink } from '#src/runtime/nats-link.ts';
import type { TestNatsServer } from './nats-server.ts';

/** A validator's whole log as a reader sees it. */
export type LiveLog = Readonly<{
  head: Head;
  events: readonly Recorded[];
  payloads: readonly Uint8Array[];
}>;

/** Reads the log of an account with its reader's credential; throws when anything of it does not verify. */
export async function readLog(nats: TestNatsServer, account: string): Promise<LiveLog> {
  const nc = await nats.connectAs('reader', account);
  try {
    const link = natsLink(nc, `_INBOX_${account}_reader`);
    const nameless = jetStreamStore(link, { name: 'validator', source: '' });
    const store = { ...nameless, source: await sourceOf(nameless) };
    const [events, payloads]: [Recorded[], Uint8Array[]] = [[], []];
    let head = EMPTY;
    for await (const batch of logReader(store).read({ after: EMPTY, follow: false })) {
      events.push(...batch.events);
      payloads.push(...batch.payloads);
      head = batch.head;
    }
    return { head, events, payloads };
  } finally {
    await nc.close();
  }
}

type Data<Type extends DomainEvent['type']> = Extract<DomainEvent, { type: Type }>['data'];

/** What a log says of one kind, in its order; of one run, if it is named. */
export function eventsOf<Type extends DomainEvent['type']>(
  { events }: LiveLog,
  type: Type,
  run?: string,
): readonly Data<Type>[] {
  return events
    .filter(({ event }) => event.type === type && (run === undefined || event.data.run === run))
    .map(({ event }) => event.data as Data<Type>); // safe: the type was compared
}
