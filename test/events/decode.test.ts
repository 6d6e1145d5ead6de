import { describe, expect, test } from 'vitest';
import { AppError } from '#src/errors.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY, readEvent } from '#src/events/decode.ts';
import { decodeBytes, encodeBytes, type Json } from '#src/events/ej1.ts';
import { type Head, type Recorded, type Sealed, seal } from '#src/events/envelope.ts';

const SOURCE = 'eirel.network/log/v1/a1a1a1a1/36/validator/1';
const TIME = '2026-11-23T09:41:04.915Z';

describe('a sealed log', () => {
  const log = sealedLog(40);

  test('reads back as what was sealed, each event behind the one before it', () => {
    const { events, head } = readLog(log.map(({ payload }) => payload));
    expect(events).toEqual(log.map(({ recorded }) => recorded));
    expect(head).toEqual(log.at(-1)?.head);
  });

  test('any flipped bit is found at its event, or at the next by its prev, or by the head of the log', () => {
    let head = EMPTY;
    for (const [index, { payload, head: after }] of log.entries()) {
      const next = log[index + 1];
      for (let bit = 0; bit < payload.length * 8; bit++) {
        const altered = flip(payload, bit);
        const read = attempt(() => readEvent(altered, SOURCE, head));
        if (read instanceof AppError) {
          if (read.code !== 'log.broken' || read.details['index'] !== index)
            expect.fail(`event ${index}, bit ${bit}: ${read.message}`);
          continue;
        }
        // A flip that leaves a well-formed event, such as another digit of a score.
        const moved: Head = { size: index + 1, hash: read.hash };
        expect(moved.hash, `event ${index}, bit ${bit}`).not.toBe(after.hash);
        if (next === undefined) continue;
        const following = attempt(() => readEvent(next.payload, SOURCE, moved));
        expect(following, `event ${index}, bit ${bit}`).toMatchObject({
          code: 'log.broken',
          details: { index: index + 1, expectedPrev: moved.hash },
        });
      }
      head = after;
    }
    expect(head.size).toBe(40);
  });

  test.each<[string, (payloads: Uint8Array[]) => Uint8Array[], number]>([
    ['an event that is missing', (payloads) => payloads.toSpliced(7, 1), 7],
    [
      'an event that comes twice',
      (payloads) => payloads.toSpliced(8, 0, payloads[7] ?? new Uint8Array()),
      8,
    ],
    [
      'two events that changed places',
      (payloads) =>
        payloads.with(7, payloads[8] ?? new Uint8Array()).with(8, payloads[7] ?? new Uint8Array()),
      7,
    ],
    ['a first event that is missing', (payloads) => payloads.slice(1), 0],
    ['an empty payload', (payloads) => payloads.with(5, new Uint8Array()), 5],
    [
      'a payload cut short',
      (payloads) => payloads.with(5, payloads[5]?.slice(0, -1) ?? new Uint8Array()),
      5,
    ],
    [
      'a byte added',
      (payloads) =>
        payloads.with(5, Buffer.concat([payloads[5] ?? new Uint8Array(), Buffer.from('\n')])),
      5,
    ],
  ])('%s stops the reader at its index', (_name, damage, index) => {
    const error = attempt(() => readLog(damage(log.map(({ payload }) => payload))));
    expect(error).toMatchObject({ code: 'log.broken', details: { index } });
  });

  test('an event of another log stops the reader, though its place is right', () => {
    const [foreign] = sealedLog(1, `${SOURCE}/other`);
    const error = attempt(() => readLog([foreign?.payload ?? new Uint8Array()]));
    expect(error).toMatchObject({
      code: 'log.broken',
      details: { index: 0, found: expect.stringContaining('another log') },
    });
  });
});

describe('an event that a rewriter forged', () => {
  const [, second] = sealedLog(2);
  const envelope = decodeBytes(second?.payload ?? new Uint8Array()) as { [key: string]: Json }; // safe: an envelope is an object
  const [first] = sealedLog(1);

  test.each<[string, { [key: string]: Json }, string]>([
    ['an unknown type', { type: 'score.invented.v1' }, 'a newer build may read it'],
    ['a type of a later version', { type: 'score.recorded.v99' }, 'a newer build may read it'],
    ['data of another type', { type: 'run.closed.v1' }, 'data that run.closed.v1 does not allow'],
    [
      'an id that does not follow from the data',
      { id: 'score.recorded/general_chat/run-7/t/x' },
      'an id or subject',
    ],
    [
      'a subject that does not follow from the data',
      { subject: 'general_chat/run-8' },
      'an id or subject',
    ],
    ['another specversion', { specversion: '0.3' }, 'a malformed envelope'],
    ['a further attribute', { extra: 1 }, 'a malformed envelope'],
    ['a time without milliseconds', { time: '2026-11-23T09:41:04Z' }, 'a malformed envelope'],
    ['a prev in upper case', { prev: 'A'.repeat(64) }, 'a malformed envelope'],
    ['a place after a hole', { n: 2 }, 'a hole'],
    ['a place that is taken', { n: 0 }, 'a repeat'],
    ['another predecessor', { prev: '0'.repeat(64) }, 'was altered'],
  ])('with %s stops the reader', (_name, change, found) => {
    const forged = encodeBytes({ ...envelope, ...change });
    const error = attempt(() => readEvent(forged, SOURCE, first?.head ?? EMPTY));
    expect(error).toMatchObject({
      code: 'log.broken',
      details: { index: 1, found: expect.stringContaining(found) },
    });
  });

  test('as it was sealed it is read', () => {
    expect(readEvent(encodeBytes(envelope), SOURCE, first?.head ?? EMPTY).n).toBe(1);
  });
});

/** Scores of one run, one log: what most of a log consists of. */
function sealedLog(size: number, source = SOURCE): readonly Sealed[] {
  const sealed: Sealed[] = [];
  let head = EMPTY;
  for (let index = 0; index < size; index++) {
    const draft = {
      event: eventOf(index),
      time: TIME,
      causationId: index % 3 === 0 ? null : 'run.opened/general_chat/run-7',
    };
    const entry = seal(draft, source, head);
    sealed.push(entry);
    head = entry.head;
  }
  return sealed;
}

function eventOf(index: number): DomainEvent {
  const run = { family: 'general_chat', run: 'run-7' };
  if (index === 0) {
    const phases = { snapshot: 100, commit: 200, decide: 300, certify: 400 };
    return {
      type: 'run.opened.v1',
      data: { ...run, roster: 'b2'.repeat(32), miners: [minerOf(1)], tasks: ['t1'], phases },
    };
  }
  if (index === 1) {
    const detail = 'the node said: «später» 😂\n';
    return {
      type: 'snapshot.missed.v1',
      data: { ...run, phase: 'open', block: 100, reason: 'unavailable', rowCount: null, detail },
    };
  }
  return {
    type: 'score.recorded.v1',
    data: {
      ...run,
      task: `t${index}`,
      miner: minerOf(index),
      status: 'scored',
      score: index * 1_000_003,
      basis: 'final',
      evidence: 'c3'.repeat(32),
    },
  };
}

function minerOf(index: number): string {
  return `5Miner${String(index).replaceAll('0', 'z')}x`.padEnd(48, '1');
}

function readLog(payloads: readonly Uint8Array[]): { events: readonly Recorded[]; head: Head } {
  const events: Recorded[] = [];
  let head = EMPTY;
  for (const payload of payloads) {
    const recorded = readEvent(payload, SOURCE, head);
    events.push(recorded);
    head = { size: recorded.n + 1, hash: recorded.hash };
  }
  return { events, head };
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

function attempt<T>(run: () => T): T | AppError {
  try {
    return run();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}
