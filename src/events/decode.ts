import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { DomainEvent } from './catalogue.ts';
import { eventId, subjectIn } from './define-event.ts';
import { type Definition, definitionOf } from './definitions.ts';
import { decodeBytes, type Json } from './ej1.ts';
import { Envelope, type Head, type Recorded } from './envelope.ts';
import { leafHash, NO_LEAF } from './hash.ts';
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
  const hash = leafHash(payload);
  const stop = (found: string, cause?: unknown): AppError =>
    new AppError(
      'log.broken',
      { index: head.size, expectedPrev: head.hash, leaf: hash, found },
      { cause },
    );

  let json: Json;
  try {
    json = decodeBytes(payload);
  } catch (cause) {
    throw stop('bytes that are not canonical EJ1', cause);
  }
  const envelope = Envelope.safeParse(json);
  if (!envelope.success) throw stop(`a malformed envelope: ${z.prettifyError(envelope.error)}`);
  const { causationid, data, id, n, prev, source: origin, subject, time, type } = envelope.data;
  if (origin !== source)
    throw stop(`an event of another log, source ${origin} instead of ${source}`);
  if (n !== head.size)
    throw stop(`event ${n}: ${n > head.size ? 'a hole' : 'a repeat or a reordering'}`);
  if (prev !== head.hash) throw stop(`prev ${prev}: this event or the one before it was altered`);

  const { event, definition } = parseEvent(type, data as Json, stop); // safe: `data` comes from decodeBytes
  if (subject !== subjectIn(event.data) || id !== eventId(definition, event.data)) {
    throw stop(`an id or subject that does not follow from the data: ${id}, ${subject}`);
  }
  return { event, id, n, hash, time, causationId: causationid };
}

type Stop = (found: string, cause?: unknown) => AppError;

function parseEvent(
  type: string,
  data: Json,
  stop: Stop,
): { event: DomainEvent; definition: Definition } {
  const newest = upcast({ type, data });
  let definition: Definition;
  try {
    definition = definitionOf(newest.type);
  } catch (cause) {
    throw stop(`the unknown type ${newest.type}: a newer build may read it`, cause);
  }
  const parsed = definition.data.safeParse(newest.data);
  if (!parsed.success)
    throw stop(`data that ${newest.type} does not allow: ${z.prettifyError(parsed.error)}`);
  // safe: type and data come from the same definition
  return { event: { type: definition.type, data: parsed.data } as DomainEvent, definition };
}
