import { z } from 'zod';
import { AppError, isAppError } from '../errors.ts';
import type { DomainEvent } from './catalogue.ts';
import { eventId, subjectIn } from './define-event.ts';
import { type Definition, knownDefinition } from './definitions.ts';
import { decode, decodeBytes, type Json, textOf } from './ej1.ts';
import { Envelope, type Head, type Recorded } from './envelope.ts';
import { leafHash, NO_LEAF } from './hash.ts';
import { readSealedFact } from './quick-read.ts';
import { FactSealed } from './sealed.ts';
import { upcast } from './upcast.ts';

/** The head of a log that holds nothing. */
export const EMPTY: Head = { size: 0, hash: NO_LEAF };

/**
 * Reads the stored payload that follows `head` in the log named `source`. An event that this build
 * cannot read stops the reader with `log.broken`, naming the index and both hashes: a skipped fact is
 * a projection that is wrong and looks right. The payload may be anybody's: a server drops, repeats,
 * reorders and alters messages without a word.
 */
export function readEvent(payload: Uint8Array, source: string, head: Head): Recorded {
  const examined = examineEvent(payload, source, head);
  if (examined.kind === 'read') return examined.recorded;
  const { hash: leaf, found, cause } = examined;
  throw new AppError(
    'log.broken',
    { index: head.size, expectedPrev: head.hash, leaf, found },
    { cause },
  );
}

/** An event as it stands in the log, or what keeps it from being the one that follows. */
export type Examined =
  | Readonly<{ kind: 'read'; recorded: Recorded }>
  | Readonly<{
      kind: 'refused';
      /** `type`: everything is right but a type that a newer build may know. */
      reason: 'canonical' | 'envelope' | 'source' | 'index' | 'prev' | 'type' | 'data' | 'identity';
      found: string;
      /** Leaf hash of the payload, whatever it is. */
      hash: string;
      cause?: unknown;
    }>;

type Refused = Extract<Examined, { kind: 'refused' }>;

/** As `readEvent`, for whoever goes on at a fault: total, the first fault is a value. `hash` is the payload's leaf hash. */
export function examineEvent(
  payload: Uint8Array,
  source: string,
  head: Head,
  hash: string = leafHash(payload),
): Examined {
  let text: string;
  try {
    text = textOf(payload);
  } catch (cause) {
    return { kind: 'refused', reason: 'canonical', found: NOT_CANONICAL, hash, cause };
  }
  const sealed = readSealedFact(text, source, head);
  if (sealed === null) return examineText(text, { source, head, hash });
  const { data, id, time } = sealed;
  const event = { type: FactSealed.type, data };
  return { kind: 'read', recorded: { event, id, n: head.size, hash, time, causationId: null } };
}

const NOT_CANONICAL = 'bytes that are not canonical EJ1';

function examineText(
  text: string,
  { source, head, hash }: Readonly<{ source: string; head: Head; hash: string }>,
): Examined {
  const refuse = (reason: Refused['reason'], found: string, cause?: unknown): Refused => ({
    kind: 'refused',
    reason,
    found,
    hash,
    cause,
  });

  let json: Json;
  try {
    json = decode(text);
  } catch (cause) {
    return refuse('canonical', NOT_CANONICAL, cause);
  }
  const envelope = Envelope.safeParse(json);
  if (!envelope.success)
    return refuse('envelope', `a malformed envelope: ${z.prettifyError(envelope.error)}`);
  const { causationid, data, id, n, prev, source: origin, subject, time, type } = envelope.data;
  if (origin !== source)
    return refuse('source', `an event of another log, source ${origin} instead of ${source}`);
  if (n !== head.size)
    return refuse('index', `event ${n}: ${n > head.size ? 'a hole' : 'a repeat or a reordering'}`);
  if (prev !== head.hash)
    return refuse('prev', `prev ${prev}: this event or the one before it was altered`);

  const parsed = parseEvent(type, data as Json); // safe: `data` comes from decode
  if (parsed.kind === 'unreadable') return refuse(parsed.reason, parsed.found, parsed.cause);
  const { event, definition } = parsed;
  if (subject !== subjectIn(event.data) || id !== eventId(definition, event.data)) {
    const found = `an id or subject that does not follow from the data: ${id}, ${subject}`;
    return refuse('identity', found);
  }
  return { kind: 'read', recorded: { event, id, n, hash, time, causationId: causationid } };
}

/** The envelope that bytes have, of which nothing is verified; null where they have none. */
export function envelopeIn(payload: Uint8Array): z.infer<typeof Envelope> | null {
  try {
    return Envelope.safeParse(decodeBytes(payload)).data ?? null;
  } catch (error) {
    if (isAppError(error, 'ej1.malformed')) return null;
    throw error;
  }
}

/** An event with its definition, or why type and data make none. */
export type ParsedEvent =
  | Readonly<{ kind: 'event'; event: DomainEvent; definition: Definition }>
  | Readonly<{ kind: 'unreadable'; reason: 'type' | 'data'; found: string; cause?: unknown }>;

/** Reads the data of an event, in the newest version of its type, by the schema of that type. Total. */
export function parseEvent(type: string, data: Json): ParsedEvent {
  const newest = upcast({ type, data });
  const definition = knownDefinition(newest.type);
  if (definition === undefined) {
    const found = `the unknown type ${newest.type}: a newer build may read it`;
    return { kind: 'unreadable', reason: 'type', found };
  }
  const parsed = definition.data.safeParse(newest.data);
  if (!parsed.success) {
    const found = `data that ${newest.type} does not allow: ${z.prettifyError(parsed.error)}`;
    return { kind: 'unreadable', reason: 'data', found, cause: parsed.error };
  }
  // safe: type and data come from the same definition
  const event = { type: definition.type, data: parsed.data } as DomainEvent;
  return { kind: 'event', event, definition };
}
