import { AppError } from '../errors.ts';

/** Hashes of a full tile, and entries of a full bundle (C2SP tlog-tiles: tiles are eight levels high). */
export const TILE_WIDTH = 256;

/** A tile of 32·width bytes: the hashes `width` of level 8·level, from `index`·256 on. Narrower than 256: partial. */
export type TileRef = Readonly<{ level: number; index: number; width: number }>;

/** The entries `width` from `index`·256 on. */
export type EntriesRef = Readonly<{ index: number; width: number }>;

/** Levels of tiles that tlog-tiles has paths for: 0 to 63. */
const MAX_LEVEL = 63;

/** A bundle gives each entry's length in two bytes. */
const MAX_ENTRY_BYTES = 65_535;

const LENGTH_BYTES = 2;

/** Where a log serves a tile: `tile/<level>/<index>`, and `.p/<width>` where it is partial (C2SP tlog-tiles). */
export function tilePath(level: number, index: number, width: number): string {
  require(Number.isSafeInteger(level) &&
    level >= 0 &&
    level <= MAX_LEVEL, 'level', level, 'from 0 to 63');
  return `tile/${level}/${place(index, width)}`;
}

/** Where a log serves a bundle of entries: `tile/entries/<index>[.p/<width>]` (C2SP tlog-tiles). */
export function entriesPath(index: number, width: number): string {
  return `tile/entries/${place(index, width)}`;
}

const PATH = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/;

/** What a path of a log stands for; null for every text that `tilePath` and `entriesPath` don't give. Never throws. */
export function parseTilePath(
  path: string,
): ({ kind: 'tile' } & TileRef) | ({ kind: 'entries' } & EntriesRef) | null {
  const [, kind, digits = '', partial] = PATH.exec(path) ?? [];
  if (kind === undefined) return null;
  const index = Number(digits.replaceAll(/\D/g, ''));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  const level = Number(kind);
  if (!Number.isSafeInteger(index) || width < 1 || width > TILE_WIDTH) return null;
  if (kind === 'entries')
    return entriesPath(index, width) === path ? { kind: 'entries', index, width } : null;
  if (level > MAX_LEVEL) return null;
  return tilePath(level, index, width) === path ? { kind: 'tile', level, index, width } : null;
}

/** A bundle: each payload after its length in two bytes, big-endian. Throws `event.too-large` over 65,535 bytes. */
export function encodeEntries(payloads: readonly Uint8Array[]): Uint8Array {
  const size = payloads.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const payload of payloads) {
    if (payload.length > MAX_ENTRY_BYTES)
      throw new AppError('event.too-large', {
        bytes: payload.length,
        expected: `at most ${MAX_ENTRY_BYTES}`,
      });
    view.setUint16(at, payload.length);
    bytes.set(payload, at + LENGTH_BYTES);
    at += LENGTH_BYTES + payload.length;
  }
  return bytes;
}

/** The payloads of a bundle, as views into it. Throws `checkpoint.invalid` where it ends within an entry, or holds more than 256. */
export function decodeEntries(bytes: Uint8Array): readonly Uint8Array[] {
  const { payloads, missing } = splitEntries(bytes);
  if (missing === null) return payloads;
  throw new AppError('checkpoint.invalid', {
    field: 'entries',
    entry: payloads.length,
    expected: missing,
  });
}

/** As `decodeEntries`, for whoever goes on at a fault: what comes before it, and what would have to follow; null where all is well. */
export function splitEntries(
  bytes: Uint8Array,
): Readonly<{ payloads: readonly Uint8Array[]; missing: string | null }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const payloads: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (payloads.length === TILE_WIDTH)
      return { payloads, missing: `at most ${TILE_WIDTH} entries` };
    const start = at + LENGTH_BYTES;
    if (start > bytes.length) return { payloads, missing: 'a length in two bytes' };
    const end = start + view.getUint16(at);
    if (end > bytes.length) return { payloads, missing: `an entry of ${end - start} bytes` };
    payloads.push(bytes.subarray(start, end));
    at = end;
  }
  return { payloads, missing: null };
}

/** Every hash tile that a log has to write to grow from one size to another, lowest level first, from left to right. */
export function tilesBetween(from: number, to: number): readonly TileRef[] {
  requireGrowth(from, to);
  const tiles: TileRef[] = [];
  for (let level = 0, span = 1; span <= to; level += 1, span *= TILE_WIDTH) {
    for (const { index, width } of changed(Math.floor(from / span), Math.floor(to / span)))
      tiles.push({ level, index, width });
  }
  return tiles;
}

/** Every bundle of entries that a log has to write to grow from one size to another, from left to right. */
export function entriesBetween(from: number, to: number): readonly EntriesRef[] {
  requireGrowth(from, to);
  return changed(from, to);
}

/** What is new in one level that grows from one count of hashes to another: nothing where it didn't grow. */
function changed(from: number, to: number): readonly EntriesRef[] {
  const refs: EntriesRef[] = [];
  for (let at = from; at < to; ) {
    const index = Math.floor(at / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, to - index * TILE_WIDTH);
    refs.push({ index, width });
    at = index * TILE_WIDTH + width;
  }
  return refs;
}

/** An index in groups of three digits, each but the last with an `x` before it; the width where it is not full. */
function place(index: number, width: number): string {
  require(Number.isSafeInteger(index) && index >= 0, 'index', index, 'a whole number');
  require(Number.isSafeInteger(width) &&
    width >= 1 &&
    width <= TILE_WIDTH, 'width', width, 'from 1 to 256');
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const path = padded.replaceAll(/\d{3}(?=\d)/g, 'x$&/');
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}

function requireGrowth(from: number, to: number): void {
  require(Number.isSafeInteger(from) && from >= 0, 'from', from, 'a whole number');
  require(Number.isSafeInteger(to) && to >= from, 'to', to, `a whole number, at least ${from}`);
}

function require(holds: boolean, field: string, value: number, expected: string): void {
  if (!holds) throw new AppError('input.invalid', { field, value, expected });
}
