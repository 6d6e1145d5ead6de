import type { LogSource } from '../../audit/log-source.ts';
import { AppError } from '../../errors.ts';
import { MAX_EVENT_BYTES } from '../../events/envelope.ts';
import { encodeEntries, TILE_WIDTH } from '../../merkle/tile.ts';
import { readLines } from '../read-lines.ts';

/**
 * A log as `eirel export` writes it: events alone, one a line, so that nothing in it says that it is whole. It is read
 * once, from its beginning on. Throws `file.unreadable`.
 */
export function exportedLog(file: string): LogSource {
  const lines = readLines(file, MAX_EVENT_BYTES);
  let before: Promise<unknown> = Promise.resolve();
  const readBundle = async (): Promise<Uint8Array> => {
    const payloads: Uint8Array[] = [];
    while (payloads.length < TILE_WIDTH) {
      const { done, value } = await lines.next();
      if (done === true) break;
      if (value.bytes === null)
        throw new AppError('file.unreadable', {
          file,
          found: `a line of ${value.length} bytes`,
          expected: 'events, one a line, as eirel export writes them',
        });
      payloads.push(value.bytes);
    }
    return encodeEntries(payloads);
  };
  return {
    name: file,
    checkpoint: async () => null,
    entries: () => {
      const bundle = before.then(readBundle);
      before = bundle.catch(() => undefined); // whoever asked for that one hears of it
      return bundle;
    },
    tile: async () => null,
  };
}
