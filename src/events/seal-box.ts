import { hash } from 'node:crypto';
import type { z } from 'zod';
import { isAppError } from '../errors.ts';
import type { DomainEvent } from './catalogue.ts';
import { type ParsedEvent, parseEvent } from './decode.ts';
import { type InRun, naturalKey, runOf, subjectIn } from './define-event.ts';
import { checkedDefinition, definitionOf } from './definitions.ts';
import { decode, encodeBytes, type Json, textOf } from './ej1.ts';
import { readSealedText } from './quick-read.ts';
import { type FactSealed, SEALED_TYPES, type SealedType } from './sealed.ts';

/** An event that is stored sealed. */
export type Sealable = Extract<DomainEvent, { type: SealedType }>;
export type SealedEvent = Extract<DomainEvent, { type: 'fact.sealed.v1' }>;
type SealedFact = z.infer<typeof FactSealed.data>;

/** Whether an event gives scores away before they may be known. */
export function isSealable(event: DomainEvent): event is Sealable {
  return SEALED_TYPES.some((type) => type === event.type);
}

/**
 * Seals an event of a run under the run's key: deterministic, so that a retry is the same bytes. The text is
 * EJ1 of `{data, type}` with spaces behind it; `digest` is SHA-256 of `eirel/seal/v1`, a zero byte, the key and
 * the text; `box` is the text XOR SHAKE256 of `eirel/seal/v1/box`, a zero byte, the key and the digest (a
 * synthetic initialisation vector, the idea of RFC 5297). The length of the box says nothing that `key` and the
 * run do not. Throws `event.invalid` for what its schema refuses.
 */
export function sealFact(event: Sealable, runKey: string): SealedEvent {
  const definition = checkedDefinition(event);
  const { type, data } = event;
  const { family, run } = data;
  const key = naturalKey(definition, data);
  // safe: every schema of the catalogue is JSON
  const plain = encodeBytes({ data: data as Json, type });
  const length = boxLength(plain.length, { type, key, family, run });
  const room = roomFor(length);
  const { bytes } = room;
  const end = TEXT_AT + length;
  // Within its own part of the room: what does not fit there throws.
  bytes.subarray(TEXT_AT, end).fill(' ').set(plain);
  if (!putKey(room, runKey)) throw new TypeError('a run key has 32 bytes');
  const digest = digestOf(room, end);
  cipher(room, end, digest);
  const box = bytes.toString('base64', TEXT_AT, end);
  return { type: 'fact.sealed.v1', data: { family, run, of: type, key, digest, box } };
}

/** A sealed fact that was opened, or why its key does not open it. */
export type Opening =
  | Readonly<{ kind: 'opened'; event: DomainEvent }>
  | Readonly<{ kind: 'refused'; found: string; cause?: unknown }>;

/**
 * Opens a sealed fact with its run's key: the text must have the digest, be canonical EJ1, and be an event
 * of the type `of`, of the same run and with the natural key `key`. Total: a key or a box may be anybody's.
 */
export function openFact(sealed: SealedFact, runKey: string): Opening {
  const { box } = sealed;
  const room = roomFor(box.length);
  const end = TEXT_AT + room.bytes.write(box, TEXT_AT, 'base64');
  // A lenient decoder takes several texts for the same bytes.
  if (room.bytes.toString('base64', TEXT_AT, end) !== box)
    return refused('a box that is not canonical base64');
  return openIn(room, end, sealed, runKey);
}

/** As `openFact`, where the box was decoded before. */
export function openBox(box: Uint8Array, label: Label, runKey: string): Opening {
  const room = roomFor(box.length);
  room.bytes.set(box, TEXT_AT);
  return openIn(room, TEXT_AT + box.length, label, runKey);
}

/** All that a sealed fact shows beside its box. */
type Label = Omit<SealedFact, 'box'>;

function openIn(room: Room, boxEnd: number, label: Label, runKey: string): Opening {
  const { digest } = label;
  const opened =
    putKey(room, runKey) && cipher(room, boxEnd, digest) && digestOf(room, boxEnd) === digest;
  if (!opened) return refused('a sealed fact that the key of its run does not open');
  const { bytes } = room;
  let end = boxEnd;
  while (end > TEXT_AT && bytes[end - 1] === SPACE) end -= 1;
  try {
    return readFact(textOf(bytes.subarray(TEXT_AT, end)), label);
  } catch (cause) {
    if (!isAppError(cause, 'ej1.malformed')) throw cause;
    return refused('a sealed text that is not canonical EJ1', cause);
  }
}

const SPACE = 0x20;

function readFact(text: string, { of, key, family, run }: Label): Opening {
  const quick = readSealedText(text, of);
  const parsed: ParsedEvent =
    quick === null
      ? parseFact(decode(text), of)
      : { kind: 'event', event: quick, definition: definitionOf(of) };
  if (parsed.kind === 'unreadable') return refused(parsed.found, parsed.cause);
  const { event, definition } = parsed;
  const itsKey = naturalKey(definition, event.data);
  const place = runOf(event.data);
  if (itsKey !== key || place?.family !== family || place.run !== run)
    return refused(
      `a sealed fact of ${subjectIn(event.data)} ${itsKey} that is labelled as another`,
    );
  return { kind: 'opened', event };
}

function parseFact(json: Json, of: SealedType): ParsedEvent {
  const unreadable = (found: string): ParsedEvent => ({
    kind: 'unreadable',
    reason: 'data',
    found,
  });
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return unreadable('a sealed text that is no event');
  const { data, type } = json as Readonly<Record<string, Json>>; // safe: an EJ1 object
  return type === of && data !== undefined && Object.keys(json).length === 2
    ? parseEvent(of, data)
    : unreadable(`a sealed text that is no ${of}`);
}

/**
 * As many bytes as the longest text with this public key has, so that a figure, a failure or a miner that is
 * left out does not show in the length. For a report, whose length shows little, in whole kibibytes.
 */
function boxLength(
  length: number,
  { type, key, family, run }: InRun & Readonly<{ type: SealedType; key: string }>,
): number {
  return type === 'score.recorded.v1'
    ? key.length + family.length + run.length + SCORE_ROOM_BYTES
    : Math.ceil(length / REPORT_STEP_BYTES) * REPORT_STEP_BYTES;
}

/** A score's text has at most 213 bytes beside its task, miner, family and run. */
const SCORE_ROOM_BYTES = 224;

const REPORT_STEP_BYTES = 1_024;

/**
 * Where a text is sealed or opened: behind prefix and key, as it is hashed; `stream` is what it is combined with, and
 * `seed` what that follows from. A log has facts by the hundred thousand, and room for each takes as long as a hash.
 */
type Room = {
  readonly bytes: Buffer;
  /** The text, in words: four bytes at a time. */
  readonly words: Uint32Array;
  readonly seed: Buffer;
  readonly stream: Buffer;
  readonly streamWords: Uint32Array;
  /** The key that stands in `bytes` and in `seed`; null where that is none. */
  key: string | null;
};

const DIGEST_PREFIX = Buffer.from('eirel/seal/v1\0');
const BOX_PREFIX = Buffer.from('eirel/seal/v1/box\0');

/** Of a key, and of a digest. */
const HEX_BYTES = 32;

/** The text begins with a whole word. */
const TEXT_AT = 48;
const KEY_AT = TEXT_AT - HEX_BYTES;
const PREFIX_AT = KEY_AT - DIGEST_PREFIX.length;
const WORD_BYTES = 4;

/** More than the text in the largest box has. */
const SHARED_BYTES = 65_536;

/** Filled and read without a pause in between: nobody else sees what is in it. */
const shared = newRoom(SHARED_BYTES);

function roomFor(length: number): Room {
  return length <= SHARED_BYTES ? shared : newRoom(length);
}

function newRoom(length: number): Room {
  const size = Math.ceil(length / WORD_BYTES) * WORD_BYTES;
  const bytes = Buffer.alloc(TEXT_AT + size);
  bytes.set(DIGEST_PREFIX, PREFIX_AT);
  const stream = Buffer.alloc(size);
  return {
    bytes,
    words: wordsOf(bytes, TEXT_AT),
    seed: Buffer.concat([BOX_PREFIX, Buffer.alloc(2 * HEX_BYTES)]),
    stream,
    streamWords: wordsOf(stream, 0),
    key: null,
  };
}

function wordsOf({ buffer, byteOffset, length }: Buffer, from: number): Uint32Array {
  return new Uint32Array(buffer, byteOffset + from, (length - from) / WORD_BYTES);
}

/** Puts the key in its places, where the one before it may be the same; false where it is none. */
function putKey(room: Room, runKey: string): boolean {
  if (room.key === runKey) return true;
  // A part of what is no key mixes with what stood there: neither is a key that facts are opened with.
  room.key = null;
  const { bytes, seed } = room;
  if (!putHex(runKey, bytes, KEY_AT) || !putHex(runKey, seed, BOX_PREFIX.length)) return false;
  room.key = runKey;
  return true;
}

/** The digest of key and text, which ends at `end`. */
function digestOf({ bytes }: Room, end: number): string {
  return hash('sha256', bytes.subarray(PREFIX_AT, end), 'hex');
}

/** Encrypts the text, or decrypts it: the same stream of bytes for the same key and digest. False where that is none. */
function cipher({ words, seed, stream, streamWords }: Room, end: number, digest: string): boolean {
  if (!putHex(digest, seed, BOX_PREFIX.length + HEX_BYTES)) return false;
  // As a text of bytes: a buffer of its own takes node:crypto longer than the hash.
  const options = { outputLength: end - TEXT_AT, outputEncoding: 'binary' } as const;
  stream.write(hash('shake256', seed, options), 'latin1');
  const count = Math.ceil((end - TEXT_AT) / WORD_BYTES);
  // What stands behind the text, in its last word, nobody reads.
  for (let index = 0; index < count; index++)
    words[index] = (words[index] ?? 0) ^ (streamWords[index] ?? 0);
  return true;
}

/** Puts 32 bytes; false for a text that is not their 64 digits, of which a part would mix with what stood there. */
function putHex(hex: string, into: Buffer, at: number): boolean {
  return hex.length === 2 * HEX_BYTES && into.write(hex, at, 'hex') === HEX_BYTES;
}

function refused(found: string, cause?: unknown): Opening {
  return { kind: 'refused', found, cause };
}
