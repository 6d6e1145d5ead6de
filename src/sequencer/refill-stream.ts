import { AppError } from '../errors.ts';
import { readEvent } from '../events/decode.ts';
import type { Head } from '../events/envelope.ts';
import { subjectOf } from '../events/subjects.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import type { LogFiles } from './log-files.ts';
import { readBundle } from './published-tiles.ts';
import type { StoredEvents } from './stored-events.ts';

/**
 * Stores the published events from `head` to before `size` behind what the stream holds, byte for byte: the
 * files were verified to be what was signed. Throws `log.conflict` where something else writes the stream.
 */
export async function refillStream(
  head: Head,
  size: number,
  { events, files }: Readonly<{ events: StoredEvents; files: Pick<LogFiles, 'read'> }>,
): Promise<void> {
  let at = head;
  while (at.size < size) {
    const index = Math.floor(at.size / TILE_WIDTH);
    const start = index * TILE_WIDTH;
    const bundle = await readBundle(files, index, Math.min(TILE_WIDTH, size - start));
    if ('kind' in bundle)
      throw new AppError('log.broken', { found: `${bundle.file}: ${bundle.kind}` });
    at = await storeEvents(bundle.slice(at.size - start), at, events);
  }
}

/** Stores payloads behind `head`, each verified to follow the one before it; gives where they lead. */
export async function storeEvents(
  payloads: readonly Uint8Array[],
  head: Head,
  events: Pick<StoredEvents, 'name' | 'source' | 'publish'>,
): Promise<Head> {
  let at = head;
  const messages = payloads.map((payload) => {
    const { event, n, hash } = readEvent(payload, events.source, at);
    at = { size: n + 1, hash };
    return { subject: subjectOf(events.name, event), payload };
  });
  const stored = await events.publish(messages, head.size);
  if (stored.kind === 'conflict')
    throw new AppError('log.conflict', {
      expected: `${head.size} events`,
      found: stored.found,
      next: 'something else writes this stream: stop it',
    });
  return at;
}
