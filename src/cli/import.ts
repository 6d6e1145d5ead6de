import { loadConfig } from '../config.ts';
import { AppError } from '../errors.ts';
import { EMPTY, readEvent } from '../events/decode.ts';
import { type Head, MAX_EVENT_BYTES } from '../events/envelope.ts';
import { MAX_APPEND_EVENTS } from '../events/log.ts';
import { logNamed } from '../events/source.ts';
import { type LogName, subjectOf } from '../events/subjects.ts';
import { jetStreamStore } from '../runtime/jetstream-store.ts';
import type { LogStore, Message } from '../runtime/log-store.ts';
import { connectNats, natsLink } from '../runtime/nats-link.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS, natsAddress } from './nats-address.ts';
import { sourceOf } from './open-reader.ts';
import { progressBar } from './progress.ts';
import { readLines, sizeOfFile } from './read-lines.ts';

export const importCommand: Command = {
  name: 'import',
  summary: 'Fill an empty stream with an exported log, which is verified to its end before that.',
  arguments: ['file'],
  options: { json: JSON_OPTION },
  details:
    'The stream is that of the log which the events name: a validator, a ledger, or an owner.',
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const file = input.arguments[0] ?? '';
    const size = await sizeOfFile(file);
    const source = await sourceOfFile(file);
    // Nothing can be taken out of a stream again, so the whole file is verified before the first event goes in.
    await verify(file, source);
    const name = logNamed(source);
    const address = await natsAddress(loadConfig(io.env), 'eirel import');
    const nc = await connectNats(address);
    try {
      const store = jetStreamStore(natsLink(nc, address.inboxPrefix), {
        name,
        source,
      });
      const held = await store.size();
      if (held > 0)
        throw new AppError('log.not-empty', {
          stream: name,
          value: `${held} events`,
          expected: 'an empty stream',
        });
      using bar = progressBar(io, 'importing', size);
      const head = await copy(file, store, { name, onBytes: bar.show });
      io.out(
        input.flag('json')
          ? `${JSON.stringify({ file, events: head.size, hash: head.hash })}\n`
          : `${head.size} events from ${file}, last leaf ${head.hash}\n`,
      );
      return EXIT.ok;
    } finally {
      await nc.close();
    }
  },
};

/** Reads and verifies every event of the file; gives where it ends. */
async function verify(file: string, source: string): Promise<Head> {
  let head = EMPTY;
  for await (const payload of payloadsOf(file)) {
    const { hash } = readEvent(payload, source, head);
    head = { size: head.size + 1, hash };
  }
  return head;
}

async function copy(
  file: string,
  store: LogStore,
  { name, onBytes }: Readonly<{ name: LogName; onBytes: (done: number) => void }>,
): Promise<Head> {
  let [head, done] = [EMPTY, 0];
  let batch: Message[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const result = await store.publish(batch, head.size - batch.length);
    if (result.kind === 'conflict')
      throw new AppError('log.conflict', {
        found: result.found,
        next: 'something else writes this stream: stop it, then start over with an empty stream',
      });
    batch = [];
    onBytes(done);
  };
  for await (const payload of payloadsOf(file)) {
    const { event, hash } = readEvent(payload, store.source, head);
    batch.push({ subject: subjectOf(name, event), payload });
    head = { size: head.size + 1, hash };
    done += payload.length + 1;
    if (batch.length === MAX_APPEND_EVENTS) await flush();
  }
  await flush();
  return head;
}

async function sourceOfFile(file: string): Promise<string> {
  // A file without events is imported as what it is: there is nothing that a name could be wrong for.
  const first = await payloadsOf(file).next();
  return first.done ? '' : ((await sourceOf({ fetch: async () => [first.value] })) ?? '');
}

async function* payloadsOf(file: string): AsyncGenerator<Uint8Array> {
  let index = 0;
  for await (const { bytes, length } of readLines(file, MAX_EVENT_BYTES)) {
    if (bytes === null)
      throw new AppError('event.too-large', {
        file,
        index,
        value: `${length} bytes`,
        expected: `lines of at most ${MAX_EVENT_BYTES} bytes`,
      });
    yield bytes;
    index++;
  }
}
