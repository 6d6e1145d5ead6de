import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { loadConfig } from '../config.ts';
import { AppError } from '../errors.ts';
import { EMPTY, readEvent } from '../events/decode.ts';
import { type Head, MAX_EVENT_BYTES } from '../events/envelope.ts';
import { MAX_APPEND_EVENTS } from '../events/log.ts';
import { subjectOf } from '../events/subjects.ts';
import { jetStreamStore } from '../runtime/jetstream-store.ts';
import type { LogStore, Message } from '../runtime/log-store.ts';
import { connectNats, natsLink } from '../runtime/nats-link.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { natsAddress } from './nats-address.ts';
import { sourceOf } from './open-reader.ts';
import { progressBar } from './progress.ts';

export const importCommand: Command = {
  name: 'import',
  summary: 'Fill an empty stream with an exported log; every event is verified before it goes in.',
  arguments: ['file'],
  options: { json: JSON_OPTION },
  run: async (input, io) => {
    const file = input.arguments[0] ?? '';
    const { size } = await stat(file).catch((cause: unknown) => {
      throw new AppError('file.unreadable', { file, expected: 'a readable file' }, { cause });
    });
    const address = await natsAddress(loadConfig(io.env), 'eirel import');
    const nc = await connectNats(address);
    try {
      const store = jetStreamStore(natsLink(nc, address.inboxPrefix), {
        name: 'validator',
        source: await sourceOfFile(file),
      });
      const held = await store.size();
      if (held > 0)
        throw new AppError('log.not-empty', {
          stream: 'validator',
          value: `${held} events`,
          expected: 'an empty stream',
        });
      using bar = progressBar(io, 'importing', size);
      const head = await copy(file, store, bar.show);
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

async function copy(file: string, store: LogStore, onBytes: (done: number) => void): Promise<Head> {
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
  for await (const line of linesOf(file)) {
    const payload = Buffer.from(line);
    const event = readEvent(payload, store.source, head);
    batch.push({ subject: subjectOf('validator', event.event), payload });
    head = { size: head.size + 1, hash: event.hash };
    done += payload.length + 1;
    if (batch.length === MAX_APPEND_EVENTS) await flush();
  }
  await flush();
  return head;
}

async function sourceOfFile(file: string): Promise<string> {
  for await (const line of linesOf(file))
    return sourceOf({ fetch: async () => [Buffer.from(line)] });
  return '';
}

async function* linesOf(file: string): AsyncGenerator<string> {
  for await (const line of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    if (Buffer.byteLength(line) > MAX_EVENT_BYTES)
      throw new AppError('event.too-large', {
        file,
        expected: `lines of at most ${MAX_EVENT_BYTES} bytes`,
      });
    yield line;
  }
}
