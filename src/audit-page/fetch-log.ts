import type { LogSource } from '../audit/log-source.ts';
import { withWholeTiles } from '../audit/whole-tiles.ts';
import { AppError } from '../errors.ts';
import { entriesPath, tilePath } from '../merkle/tile.ts';

/** More than a checkpoint with as many cosignatures as a note may carry takes. */
export const MAX_CHECKPOINT_BYTES = 65_536;

/** 256 entries of 65,535 bytes, and their lengths. */
const MAX_ENTRIES_BYTES = 256 * 65_537;

/** 256 hashes. */
const MAX_TILE_BYTES = 8_192;

/** A slow link gets the largest bundle within this. */
const TIMEOUT_MS = 60_000;

/** A request that fails by chance is made again, three times in all. */
const ATTEMPTS = 3;

/** A server that is busy says so for about a second. */
const PAUSE_MS = 1_000;

type Deps = Readonly<{ pause: (ms: number) => Promise<void> }>;

/** The log at an address (see `logAddress`), over HTTP. Throws `log.unavailable` where it doesn't answer. */
export function fetchLog(address: string, deps: Deps): LogSource {
  const read = (path: string, maxBytes: number, cache: 'default' | 'no-cache' = 'default') =>
    fetchFile(`${address}/${path}`, { maxBytes, cache }, deps);
  return withWholeTiles({
    name: address,
    // What a cache holds of the others can't be outdated; a checkpoint can.
    checkpoint: () => read('checkpoint', MAX_CHECKPOINT_BYTES, 'no-cache'),
    entries: (index, width) => read(entriesPath(index, width), MAX_ENTRIES_BYTES),
    tile: (level, index, width) => read(tilePath(level, index, width), MAX_TILE_BYTES),
  });
}

type Limits = Readonly<{ maxBytes: number; cache: 'default' | 'no-cache' }>;

/** What is served at a URL, as far as `maxBytes`; null where there is nothing. Throws `log.unavailable`. */
export async function fetchFile(
  url: string,
  limits: Limits,
  deps: Deps,
): Promise<Uint8Array | null> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await askOnce(url, limits);
    if (answer.kind === 'read') return answer.bytes;
    if (attempt === ATTEMPTS) throw new AppError('log.unavailable', { url, found: answer.found });
    await deps.pause(PAUSE_MS);
  }
}

type Reply = { kind: 'read'; bytes: Uint8Array | null } | { kind: 'failed'; found: string };

/** 404 is an answer; any other failure may be one of this moment. */
async function askOnce(url: string, { maxBytes, cache }: Limits): Promise<Reply> {
  try {
    const response = await fetch(url, {
      cache,
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 404) return { kind: 'read', bytes: null };
    if (!response.ok) return { kind: 'failed', found: `status ${response.status}` };
    return await readBody(response, maxBytes);
  } catch (error) {
    return { kind: 'failed', found: error instanceof Error ? error.message : String(error) };
  }
}

async function readBody(response: Response, maxBytes: number): Promise<Reply> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) return { kind: 'failed', found: `more than ${maxBytes} bytes` };
    chunks.push(chunk);
  }
  return { kind: 'read', bytes: Buffer.concat(chunks) };
}
