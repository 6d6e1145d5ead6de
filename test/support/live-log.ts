import { sourceOf } from '#src/cli/open-reader.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY } from '#src/events/decode.ts';
import { runOf, subjectIn } from '#src/events/define-event.ts';
import type { Head, Recorded } from '#src/events/envelope.ts';
import { expandIfOpened } from '#src/events/unsealer.ts';
import { jetStreamStore } from '#src/runtime/jetstream-store.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import { connectNats, natsLink } from '#src/runtime/nats-link.ts';
import { type NatsAccount, natsCredential } from '#src/runtime/nats-server-config.ts';
import type { TestNatsServer } from './nats-server.ts';

/** A validator's whole log as a stranger sees it: sealed facts of a run that was opened are the facts inside. */
export type LiveLog = Readonly<{
  source: string;
  head: Head;
  events: readonly Recorded[];
  payloads: readonly Uint8Array[];
}>;

/** Reads the log of an account of a test's server; throws when anything of it does not verify. */
export function readLog(nats: TestNatsServer, name: string): Promise<LiveLog> {
  const account = nats.accounts.find((candidate) => candidate.name === name);
  if (account === undefined) throw new Error(`this server has no account ${name}`);
  return readLogAt(nats.url, account);
}

/** Reads the log of an account on any server, with its reader's credential. */
export async function readLogAt(url: string, account: NatsAccount): Promise<LiveLog> {
  const credential = natsCredential(account, 'reader');
  const nc = await connectNats({ url, ...credential, name: 'a test that reads a log' });
  try {
    const link = natsLink(nc, credential.inboxPrefix);
    const nameless = jetStreamStore(link, { name: 'validator', source: '' });
    const source = (await sourceOf(nameless)) ?? 'a log without events';
    const [events, payloads]: [Recorded[], Uint8Array[]] = [[], []];
    let head = EMPTY;
    const reader = logReader({ ...nameless, source });
    for await (const batch of reader.read({ after: EMPTY, follow: false })) {
      events.push(...batch.events);
      payloads.push(...batch.payloads);
      head = batch.head;
    }
    return { source, head, events: opened(events), payloads };
  } finally {
    await nc.close();
  }
}

/** Each event in its place, with the keys that stand anywhere in the log. */
function opened(events: readonly Recorded[]): readonly Recorded[] {
  const keys = new Map(
    events.flatMap(({ event }) =>
      event.type === 'scores.opened.v1' ? [[subjectIn(event.data), event.data.key] as const] : [],
    ),
  );
  return events.map((recorded) =>
    expandIfOpened(recorded, (run) => keys.get(subjectIn(run)) ?? ''),
  );
}

type Data<Type extends DomainEvent['type']> = Extract<DomainEvent, { type: Type }>['data'];

/** What a log says of one kind, in its order; of one run, if it is named. */
export function eventsOf<Type extends DomainEvent['type']>(
  { events }: LiveLog,
  type: Type,
  run?: string,
): readonly Data<Type>[] {
  return events
    .filter(
      ({ event }) => event.type === type && (run === undefined || runOf(event.data)?.run === run),
    )
    .map(({ event }) => event.data as Data<Type>); // safe: the type was compared
}
