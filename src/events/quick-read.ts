import { z } from 'zod';
import { canonicalMatcher, textCheck } from './canonical-form.ts';
import { eventId, subjectIn } from './define-event.ts';
import { causeText, Envelope, endText, type Head, originText, placeText } from './envelope.ts';
import { Time } from './scalars.ts';
import { ScoreRecorded } from './score.ts';
import { FactSealed, type SealedType } from './sealed.ts';

/*
 * Of a log's events nearly all are sealed scores: a million of them are read once each by whoever audits it. What
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
  const dataEnd = text.indexOf(BEHIND_DATA, BEFORE_DATA.length) + 1;
  if (text.slice(0, BEFORE_DATA.length) !== BEFORE_DATA || dataEnd === 0) return null;
  const data = readData(text.slice(BEFORE_DATA.length, dataEnd));
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

const BEFORE_DATA = `${causeText(null)},"data":`;
const BEHIND_DATA = '},"id":"';
const TIME = '2026-11-23T09:41:04.915Z';
const BEFORE_TIME = ',"time":"';
const END_LENGTH = endText({ time: `"${TIME}"`, type: FactSealed.type }).length;

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

const matchData = canonicalMatcher(FactSealed.data);

function readData(text: string): SealedData | null {
  const match = matchData(text);
  if (match === null) return null;
  const [, box = '', digest = '', family = '', key = '', of, run = ''] = match;
  return { box, digest, family, key, of: of as SealedType, run }; // safe: its schema has passed it
}

type Score = Readonly<{
  data: z.infer<typeof ScoreRecorded.data>;
  type: typeof ScoreRecorded.type;
}>;

const matchScore = canonicalMatcher(
  z.strictObject({ data: ScoreRecorded.data, type: z.literal(ScoreRecorded.type) }),
);

/** The score that a sealed fact's text has. */
export function readSealedScore(text: string): Score | null {
  const match = matchScore(text);
  if (match === null) return null;
  const [, basis, evidence = '', family = '', miner = '', run = '', score, status, task = ''] =
    match;
  return {
    data: {
      basis: basis as Score['data']['basis'], // safe: its schema has passed it
      evidence,
      family,
      miner,
      run,
      score: score === undefined ? null : Number(score),
      status: status as Score['data']['status'], // safe: its schema has passed it
      task,
    },
    type: ScoreRecorded.type,
  };
}
