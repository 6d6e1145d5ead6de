import { isAppError } from '../errors.ts';
import { envelopeIn } from '../events/decode.ts';
import { parseCheckpoint, parseOrigin } from '../merkle/checkpoint.ts';
import { parseNote } from '../merkle/signed-note.ts';
import { splitEntries, TILE_WIDTH } from '../merkle/tile.ts';
import type { LogSource } from './log-source.ts';

/** The log that others speak of. */
export type SpokenOf = Readonly<{ origin: string; hotkey: string; generation: number }>;

/** A log by its name; whether that is true, an audit of it tells. */
export type NamedLog = SpokenOf & Readonly<{ genesis8: string; netuid: number }>;

/** What a log calls itself, in its checkpoint or else in its first event; null where it has no name of ours. */
export async function nameOfLog(source: LogSource): Promise<NamedLog | null> {
  const note = await source.checkpoint();
  const origin = note === null ? await firstSource(source) : originIn(note);
  const parsed = origin === null ? null : parseOrigin(origin);
  return origin === null || parsed === null ? null : { origin, ...parsed };
}

function originIn(note: Uint8Array): string | null {
  try {
    return parseCheckpoint(parseNote(note).text).origin;
  } catch (error) {
    if (isAppError(error, 'checkpoint.invalid')) return null;
    throw error;
  }
}

async function firstSource(source: LogSource): Promise<string | null> {
  const bundle = await source.entries(0, TILE_WIDTH);
  const [first] = splitEntries(bundle ?? new Uint8Array(0)).payloads;
  return first === undefined ? null : (envelopeIn(first)?.source ?? null);
}

/** The size that a checkpoint states, whoever signed it: only how far to read depends on it. Null without one. */
export function statedSize(note: Uint8Array | null): number | null {
  if (note === null) return null;
  const size = Number(Buffer.from(note).toString('latin1').split('\n', 2)[1]);
  return Number.isSafeInteger(size) && size >= 0 ? size : 0;
}
