import { rootOf } from '#src/merkle/root.ts';
import { leafOf } from '#src/merkle/tree.ts';
import { logFiles } from '#src/runtime/log-files.ts';
import { memoryStore } from '#src/runtime/memory-store.ts';
import { publishFromStream } from '#src/sequencer/publish-from-stream.ts';
import { honestLog, noteOf, SOURCE } from './honest-log.ts';

export type PublishedLog = Readonly<{ size: number; note: Uint8Array }>;

/** Publishes an honest validator's log in `<dir>/log`, file by file as a validator does. */
export async function publishLog(
  dir: string,
  shape: Parameters<typeof honestLog>[0],
): Promise<PublishedLog> {
  const payloads = honestLog(shape);
  const [size, note] = [payloads.length, noteOf(payloads)];
  const locked = {
    source: SOURCE,
    size,
    root: Buffer.from(rootOf(payloads.map(leafOf))).toString('hex'),
    note: Buffer.from(note).toString(),
    time: '2026-01-02T03:04:06.000Z',
  };
  const messages = payloads.map((payload) => ({ subject: 'validator', payload }));
  const disk = { messages, stored: new EventTarget() };
  const events = memoryStore({ name: 'validator', source: SOURCE }, disk);
  await publishFromStream(locked, { events, files: logFiles(dir) });
  return { size, note };
}
