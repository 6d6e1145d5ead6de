import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../errors.ts';
import { EMPTY } from '../events/decode.ts';
import { nodeDisk } from '../runtime/disk.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { LOG_OPTION, openReader, readLogName, SOURCE_OPTION } from './open-reader.ts';
import { progressBar } from './progress.ts';

export const exportCommand: Command = {
  name: 'export',
  summary: 'Write the whole log, verified, to one file: the stored payloads, one a line.',
  arguments: ['file'],
  options: { log: LOG_OPTION, source: SOURCE_OPTION, json: JSON_OPTION },
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const file = input.arguments[0] ?? '';
    await using reader = await openReader(io, {
      log: readLogName(exportCommand, input),
      source: input.value('source'),
    });
    const { size } = await reader.log.head();
    using bar = progressBar(io, 'exporting', size);
    const head = await writeWhole(file, async (write) => {
      let head = EMPTY;
      const options = { after: EMPTY, follow: false, signal: io.signal };
      for await (const batch of reader.log.read(options)) {
        await write(Buffer.concat(batch.payloads.flatMap((payload) => [payload, NEWLINE])));
        head = batch.head;
        bar.show(head.size);
      }
      return head;
    });
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ file, events: head.size, hash: head.hash })}\n`
        : `${head.size} events in ${file}, last leaf ${head.hash}\n`,
    );
    return EXIT.ok;
  },
};

const NEWLINE = Buffer.from('\n');

/** Writes under another name until everything is on disk: half a log must not look like one. Durable when it resolves. */
export async function writeWhole<T>(
  file: string,
  fill: (write: (bytes: Uint8Array) => Promise<void>) => Promise<T>,
): Promise<T> {
  const part = `${file}.part`;
  const attempt = async <R>(action: () => Promise<R>): Promise<R> => {
    try {
      return await action();
    } catch (cause) {
      throw new AppError('file.unreadable', { file, expected: 'a file to write' }, { cause });
    }
  };
  const handle = await attempt(() => open(part, 'w'));
  try {
    const result = await fill((bytes) => attempt(() => handle.writeFile(bytes)));
    await attempt(() => handle.sync());
    await attempt(() => rename(part, file));
    await attempt(() => nodeDisk.syncFolder(dirname(file)));
    return result;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
