import { detailOf } from '../events/scalars.ts';
import { answerOf, type Citation, citationsOf, recordOf } from './answer.ts';

/** What a stream of a miner may take. Everything in it is the miner's: nothing is believed beyond the answer itself. */
export type AnswerLimits = Readonly<{
  lineBytes: number;
  totalBytes: number;
  events: number;
  depth: number;
  /** Lines that are no event are skipped, as the existing services skip them, but not endlessly. */
  badLines: number;
}>;

export const ANSWER_LIMITS: AnswerLimits = {
  lineBytes: 1_048_576, // the answer and its citations in the last event
  totalBytes: 4_194_304, // a long answer twice, in pieces and whole, with its trace
  events: 50_000, // an answer of 32,768 tokens comes in at most so many pieces
  depth: 16, // metadata has eight levels
  badLines: 100,
};

/** An answer's citations over all of its events; a judge looks at no more. */
const MAX_CITATIONS = 64;

/** Characters of an answer: a judge has to read it whole, and what no judge can read must not excuse its miner. */
const MAX_ANSWER_LENGTH = 65_536;

/** What a turn brought; `failed` and what follows are the miner's own doing. */
export type Answered =
  | Readonly<{ kind: 'completed'; answer: string; citations: readonly Citation[] }>
  | Readonly<{ kind: 'failed' | 'too-large' | 'malformed'; detail: string }>;

/** Takes a stream piece by piece. */
export type AnswerReader = Readonly<{
  /** Null while more is to come; otherwise what the turn brought, and the rest need not be read. */
  push: (piece: Uint8Array) => Answered | null;
  /** What the turn brought when the stream ended here. */
  end: () => Answered;
}>;

const NEWLINE = 0x0a;

/**
 * Reads a miner's answer of the NDJSON contract: `delta` and `citation` are collected, `done` ends it with the answer,
 * its citations and its status; other events mean nothing here. A stream without `done` failed, and so did one whose
 * status is not `completed`. The miner's metadata (cost, job, tools) is not looked at.
 */
export function answerReader(limits: AnswerLimits = ANSWER_LIMITS): AnswerReader {
  const lines = lineCutter(limits.lineBytes);
  const events = eventReader(limits);
  let total = 0;
  const readLines = (cut: readonly Uint8Array[]): Answered | null => {
    for (const line of cut) {
      const ended = events.take(line);
      if (ended !== null) return ended;
    }
    return null;
  };
  return {
    push: (piece) => {
      total += piece.length;
      if (total > limits.totalBytes)
        return { kind: 'too-large', detail: `more than ${limits.totalBytes} bytes` };
      const cut = lines.push(piece);
      const ended = readLines(cut);
      if (ended !== null) return ended;
      return lines.isTooLong()
        ? { kind: 'too-large', detail: `a line of more than ${limits.lineBytes} bytes` }
        : null;
    },
    end: () =>
      readLines(lines.rest()) ?? { kind: 'failed', detail: 'the stream ended without done' },
  };
}

/** Reads the answer of a request without a stream: one JSON object in the form of `done`. */
export function unaryAnswer(body: Uint8Array, limits: AnswerLimits = ANSWER_LIMITS): Answered {
  const event = parseEvent(body, limits.depth);
  if (event === null) return { kind: 'malformed', detail: 'the answer is no JSON object' };
  return doneOf(event, { text: '', citations: [] });
}

/** Cuts bytes at line feeds; keeps what has no end yet. */
function lineCutter(maxBytes: number) {
  let kept: Uint8Array[] = [];
  let size = 0;
  const keep = (piece: Uint8Array): void => {
    if (piece.length === 0) return;
    kept.push(piece.slice());
    size += piece.length;
  };
  const take = (): Uint8Array => {
    const line = kept.length === 1 ? (kept[0] ?? new Uint8Array()) : Buffer.concat(kept);
    kept = [];
    size = 0;
    return line;
  };
  let tooLong = false;
  return {
    push: (piece: Uint8Array): readonly Uint8Array[] => {
      const lines: Uint8Array[] = [];
      let from = 0;
      for (let at = piece.indexOf(NEWLINE); at !== -1; at = piece.indexOf(NEWLINE, from)) {
        keep(piece.subarray(from, at));
        from = at + 1;
        tooLong ||= size > maxBytes;
        if (tooLong) return lines;
        lines.push(take());
      }
      keep(piece.subarray(from));
      tooLong ||= size > maxBytes;
      return lines;
    },
    isTooLong: () => tooLong,
    rest: (): readonly Uint8Array[] => (size === 0 ? [] : [take()]),
  };
}

function eventReader(limits: AnswerLimits) {
  let text = '';
  const citations: Citation[] = [];
  let events = 0;
  let bad = 0;
  return {
    take: (line: Uint8Array): Answered | null => {
      if (isBlank(line)) return null;
      events += 1;
      if (events > limits.events)
        return { kind: 'too-large', detail: `more than ${limits.events} events` };
      const event = parseEvent(line, limits.depth);
      if (event === null) {
        bad += 1;
        return bad > limits.badLines
          ? { kind: 'malformed', detail: `more than ${limits.badLines} lines that are no events` }
          : null;
      }
      if (event['event'] === 'delta' && typeof event['text'] === 'string') text += event['text'];
      if (event['event'] === 'citation' && citations.length < MAX_CITATIONS)
        citations.push(...citationsOf([event['citation']]));
      return event['event'] === 'done' ? doneOf(event, { text, citations }) : null;
    },
  };
}

function doneOf(
  done: Readonly<Record<string, unknown>>,
  collected: Readonly<{ text: string; citations: readonly Citation[] }>,
): Answered {
  const { status = 'completed' } = done;
  if (status !== 'completed') {
    const error = typeof done['error'] === 'string' ? `: ${done['error']}` : '';
    // A miner may write anything there, also what has no text.
    const told =
      typeof status === 'string' || typeof status === 'number'
        ? String(status).slice(0, 32)
        : 'of another type';
    return { kind: 'failed', detail: detailOf(`status ${told}${error}`) };
  }
  const citations = Array.isArray(done['citations'])
    ? citationsOf(done['citations'])
    : collected.citations;
  const answer = answerOf(done) ?? collected.text;
  return answer.length > MAX_ANSWER_LENGTH
    ? { kind: 'too-large', detail: `an answer of more than ${MAX_ANSWER_LENGTH} characters` }
    : { kind: 'completed', answer, citations };
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
}

/** A JSON object of at most so many levels in well-formed UTF-8, or null. */
function parseEvent(line: Uint8Array, depth: number): Readonly<Record<string, unknown>> | null {
  if (isDeeper(line, depth)) return null;
  try {
    return recordOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line)));
  } catch {
    return null; // whatever it is, it is no event
  }
}

/** Whether brackets outside of texts nest deeper: looked at before the parser builds anything. */
function isDeeper(line: Uint8Array, depth: number): boolean {
  let level = 0;
  let inText = false;
  for (let at = 0; at < line.length; at++) {
    const byte = line[at];
    if (inText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      level += 1;
      if (level > depth) return true;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) level -= 1;
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
