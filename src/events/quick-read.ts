import { z } from 'zod';
import { canonicalReader } from './canonical-form.ts';
import { textCheck } from './canonical-text.ts';
import type { DomainEvent } from './catalogue.ts';
import { eventId, subjectIn } from './define-event.ts';
import { definitionOf } from './definitions.ts';
import { causeText, Envelope, endText, type Head, originText, placeText } from './envelope.ts';
import { Time } from './scalars.ts';
import { FactSealed, SEALED_TYPES, type SealedType } from './sealed.ts';

/*
 * Of a log's events nearly all are sealed facts: a million of them are read once each by whoever audits it. What
 * these return is what the parser and the schemas would; null says nothing.
 */

type SealedData = z.infer<typeof FactSealed.data>;

/** A sealed fact as it stands in a log. */
export type SealedRead = Readonly<{ data: SealedData; id: string; time: string }>;

/**
 * Reads the sealed fact that follows `head` in the log named `source`, where nothing caused it. All but data and
 * time follows from its place and its data: it is composed as its writer does, and has to be the same text.
 */
export function readSealedFact(text: string, source: string, head: Head): SealedRead | null {
  const boxEnd = text.indexOf(BEHIND_BOX, BEFORE_BOX.length);
  const dataEnd = text.indexOf(BEHIND_DATA, boxEnd) + 1;
  if (text.slice(0, BEFORE_BOX.length) !== BEFORE_BOX || boxEnd === -1 || dataEnd === 0)
    return null;
  const box = text.slice(BEFORE_BOX.length, boxEnd);
  const label = readLabel(`{${text.slice(boxEnd + BEHIND_BOX.length, dataEnd)}`);
  const data = label === null || !isBox(box) ? null : { ...label, box };
  const timeAt = text.length - END_LENGTH + BEFORE_TIME.length;
  const time = text.slice(timeAt, timeAt + TIME.length);
  if (data === null || !isTime(time) || !isSource(source) || !isIndex(head.size)) return null;
  const id = eventId(FactSealed, data);
  // None of these has a letter that has to be escaped.
  const place = placeText({ id: `"${id}"`, n: head.size, prev: head.hash });
  const origin = originOf(source, data);
  const end = endText({ time: `"${time}"`, type: FactSealed.type });
  const originAt = dataEnd + place.length;
  const endAt = originAt + origin.length;
  // Slices: they are compared six times as fast as by `startsWith`.
  const same =
    text.slice(dataEnd, originAt) === place &&
    text.slice(originAt, endAt) === origin &&
    text.slice(endAt) === end;
  return same ? { data, id, time } : null;
}

const BEFORE_BOX = `${causeText(null)},"data":{"box":"`;
const BEHIND_BOX = '",';
const BEHIND_DATA = '},"id":"';
const TIME = '2026-11-23T09:41:04.915Z';
const BEFORE_TIME = ',"time":"';
const END_LENGTH = endText({ time: `"${TIME}"`, type: FactSealed.type }).length;

/** The box is most of the text: nothing but its own check looks at its letters. */
const readLabel = canonicalReader(FactSealed.data.omit({ box: true }));
const isBox = textCheck(FactSealed.data.shape.box);
const isTime = textCheck(Time);
const isSource = textCheck(Envelope.shape.source);
const isIndex = (n: number) => Number.isSafeInteger(n) && n >= 0;

/** Event after event has the same origin: it is composed where it changes. */
function originOf(source: string, { family, run }: SealedData): string {
  if (source !== last.source || run !== last.run || family !== last.family) {
    const text = originText({ source: `"${source}"`, subject: subjectIn({ family, run }) });
    last = { source, family, run, text };
  }
  return last.text;
}

let last = { source: '', family: '', run: '', text: '' };

/** Reads the fact of this type that a sealed text has. */
export function readSealedText(text: string, of: SealedType): DomainEvent | null {
  return readers.get(of)?.(text) ?? null;
}

const readers: ReadonlyMap<SealedType, (text: string) => DomainEvent | null> = new Map(
  SEALED_TYPES.map((of) => {
    const { data, type } = definitionOf(of);
    const read = canonicalReader<unknown>(z.strictObject({ data, type: z.literal(type) }));
    return [of, (text) => read(text) as DomainEvent | null]; // safe: type and data come from the same definition
  }),
);
