import { hash } from 'node:crypto';
import type { z } from 'zod';
import { isAppError } from '../errors.ts';
import type { DomainEvent } from './catalogue.ts';
import { eventOf, type ParsedEvent, parseEvent } from './decode.ts';
import { eventId, type InRun, naturalKey, runOf, subjectIn } from './define-event.ts';
import { checkedDefinition } from './definitions.ts';
import { decode, encodeBytes, type Json, textOf } from './ej1.ts';
import { readSealedScore } from './quick-read.ts';
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
  const text = Buffer.alloc(boxLength(plain.length, { type, key, family, run }), ' ');
  text.set(plain);
  const digest = digestOf(text, runKey);
  const box = cipher(text, runKey, digest).toString('base64');
  return { type: 'fact.sealed.v1', data: { family, run, of: type, key, digest, box } };
}

/** A sealed fact that was opened, or why its key does not open it. */
export type Opening =
  | Readonly<{ kind: 'opened'; event: DomainEvent; id: string }>
  | Readonly<{ kind: 'refused'; found: string; cause?: unknown }>;

/**
 * Opens a sealed fact with its run's key: the text must have the digest, be canonical EJ1, and be an event
 * of the type `of`, of the same run and with the natural key `key`. Total: a key or a box may be anybody's.
 */
export function openFact(sealed: SealedFact, runKey: string): Opening {
  const box = Buffer.from(sealed.box, 'base64');
  // A lenient decoder takes several texts for the same bytes.
  if (box.toString('base64') !== sealed.box) return refused('a box that is not canonical base64');
  const text = cipher(box, runKey, sealed.digest);
  if (digestOf(text, runKey) !== sealed.digest)
    return refused('a sealed fact that the key of its run does not open');
  const end = text.findLastIndex((byte) => byte !== SPACE) + 1;
  try {
    return readFact(textOf(text.subarray(0, end)), sealed);
  } catch (cause) {
    if (!isAppError(cause, 'ej1.malformed')) throw cause;
    return refused('a sealed text that is not canonical EJ1', cause);
  }
}

const SPACE = 0x20;

function readFact(text: string, { of, key, family, run }: SealedFact): Opening {
  const score = of === 'score.recorded.v1' ? readSealedScore(text) : null;
  const parsed = score === null ? parseFact(decode(text), of) : eventOf(score);
  if (parsed.kind === 'unreadable') return refused(parsed.found, parsed.cause);
  const { event, definition } = parsed;
  const itsKey = naturalKey(definition, event.data);
  const place = runOf(event.data);
  if (itsKey !== key || place?.family !== family || place.run !== run)
    return refused(
      `a sealed fact of ${subjectIn(event.data)} ${itsKey} that is labelled as another`,
    );
  return { kind: 'opened', event, id: eventId(definition, event.data) };
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

function digestOf(text: Uint8Array, runKey: string): string {
  const key = Buffer.from(runKey, 'hex');
  return hash('sha256', Buffer.concat([DIGEST_PREFIX, key, text]), 'hex');
}

const DIGEST_PREFIX = Buffer.from('eirel/seal/v1\0');

/** Encrypts, or decrypts: the same stream of bytes for the same key and digest. */
function cipher(text: Uint8Array, runKey: string, digest: string): Buffer {
  const seed = Buffer.concat([BOX_PREFIX, Buffer.from(runKey + digest, 'hex')]);
  const bytes = hash('shake256', seed, { outputLength: text.length, outputEncoding: 'buffer' });
  // An index is three times as fast as an iterator, and a log has sealed facts by the hundred thousand.
  for (let index = 0; index < text.length; index++)
    bytes[index] = (bytes[index] ?? 0) ^ (text[index] ?? 0);
  return bytes;
}

const BOX_PREFIX = Buffer.from('eirel/seal/v1/box\0');

function refused(found: string, cause?: unknown): Opening {
  return { kind: 'refused', found, cause };
}
