import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { DomainEvent } from './catalogue.ts';
import { eventId, subjectIn } from './define-event.ts';
import { checkedDefinition } from './definitions.ts';
import { encode, type Json } from './ej1.ts';
import { leafHash } from './hash.ts';
import { Hex32, Time } from './scalars.ts';

/** A leaf's length is a uint16 in the entry bundles of a tlog-tiles log; the stream enforces the same bound. */
export const MAX_EVENT_BYTES = 65_535;

/** The stored form, with CloudEvents 1.0 names; `n`, `prev` and `causationid` are extension attributes. */
export const Envelope = z.strictObject({
  causationid: z.string().max(512).nullable(),
  data: z.unknown(),
  id: z.string().min(1).max(512),
  n: z.int().min(0),
  prev: Hex32,
  source: z.string().min(1).max(256),
  specversion: z.literal('1.0'),
  subject: z.string().max(128),
  time: Time,
  type: z.string().max(64),
});

/** The fields of an envelope that come with a draft; the rest follow from its place in the log. */
const OwnFields = Envelope.pick({ causationid: true, id: true, time: true });

/** An event that its writer wants appended: the log adds position and predecessor. */
export type Draft = Readonly<{
  event: DomainEvent;
  /** RFC 3339 UTC with milliseconds; display only, no rule reads it. */
  time: string;
  /** The id of the event that led to this one. */
  causationId: string | null;
}>;

/** An event as it stands in the log. */
export type Recorded = Readonly<{
  event: DomainEvent;
  id: string;
  n: number;
  /** Leaf hash of this event: the `prev` of the next. */
  hash: string;
  time: string;
  causationId: string | null;
}>;

/** Where a log stands: how many events it holds, and the leaf hash of the last (`NO_LEAF` when empty). */
export type Head = Readonly<{ size: number; hash: string }>;

/** A sealed event: the exact bytes to store, and the head of the log after it. */
export type Sealed = Readonly<{ payload: Uint8Array; recorded: Recorded; head: Head }>;

/**
 * Gives a draft its place behind `head` in the log named `source`, checks it against its schema and
 * encodes it. Throws `event.invalid` or `event.too-large`: nothing of either reaches a log.
 */
export function seal(draft: Draft, source: string, head: Head): Sealed {
  const definition = checkedDefinition(draft.event);
  const { event, time, causationId } = draft;
  const id = eventId(definition, event.data);
  // What a reader would refuse must never be stored: it would stop every reader there for good.
  const own = OwnFields.safeParse({ causationid: causationId, id, time });
  if (!own.success) {
    throw new AppError('event.invalid', { type: event.type, issues: z.prettifyError(own.error) });
  }
  const text =
    causeText(causationId) +
    `,"data":${encode(event.data as Json)}` + // safe: every schema of the catalogue is JSON
    placeText({ id: encode(id), n: head.size, prev: head.hash }) +
    originText({ source: encode(source), subject: subjectIn(event.data) }) +
    endText({ time: encode(time), type: event.type });
  const payload = Buffer.from(text, 'utf8');
  if (payload.length > MAX_EVENT_BYTES) {
    throw new AppError('event.too-large', {
      id,
      bytes: payload.length,
      expected: `at most ${MAX_EVENT_BYTES}`,
    });
  }
  const hash = leafHash(payload);
  const recorded = { event, id, n: head.size, hash, time, causationId };
  return { payload, recorded, head: { size: head.size + 1, hash } };
}

/*
 * The text of an envelope, in the order of its keys in EJ1, so that it is composed instead of sorted anew. What may
 * have to be escaped comes as EJ1 has it, in its quotes.
 */

/** How an event's text begins. */
export function causeText(causationId: string | null): string {
  return `{"causationid":${causationId === null ? 'null' : encode(causationId)}`;
}

/** What follows behind its data: which fact it is, and where in the log. */
export function placeText({
  id,
  n,
  prev,
}: Readonly<{ id: string; n: number; prev: string }>): string {
  return `,"id":${id},"n":${n},"prev":"${prev}"`;
}

/** What all events of a run in a log have. */
export function originText({
  source,
  subject,
}: Readonly<{ source: string; subject: string }>): string {
  return `,"source":${source},"specversion":"1.0","subject":"${subject}"`;
}

/** How it ends. */
export function endText({ time, type }: Readonly<{ time: string; type: string }>): string {
  return `,"time":${time},"type":"${type}"}`;
}
