import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isAppError } from '#src/errors.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY } from '#src/events/decode.ts';
import { eventId, subjectIn } from '#src/events/define-event.ts';
import { definitionOf } from '#src/events/definitions.ts';
import { decode, encode, type Json } from '#src/events/ej1.ts';
import { Envelope, type Head, seal } from '#src/events/envelope.ts';
import { leafHash } from '#src/events/hash.ts';
import { readSealedFact, readSealedText } from '#src/events/quick-read.ts';
import { runKeyOf } from '#src/events/run-key.ts';
import { isSealable, openFact, type Sealable, sealFact } from '#src/events/seal-box.ts';
import { FactSealed, SEALED_TYPES } from '#src/events/sealed.ts';
import { evaluationEvents } from '../support/evaluation-events.ts';
import { measureRun } from '../support/honest-evaluation.ts';
import { FAMILY, honestLog, SELF, SOURCE } from '../support/honest-log.ts';
import { digest, hotkey } from '../support/recorded-events.ts';

const TIME = '2026-11-23T09:41:04.915Z';

type Reader = (text: string) => unknown;

/** What the parser and the schema make of a text; null for what either refuses. */
const slowly =
  (schema: z.ZodType): Reader =>
  (text) => {
    try {
      const parsed = schema.safeParse(decode(text));
      return parsed.success ? parsed.data : null;
    } catch (error) {
      if (isAppError(error, 'ej1.malformed')) return null;
      throw error;
    }
  };

/** What they make of a text that stands at this place of a log, if it is a sealed fact that belongs there. */
function slowFact(text: string, source: string, head: Head): unknown {
  const schema = Envelope.extend({
    data: FactSealed.data,
    type: z.literal(FactSealed.type),
    n: z.literal(head.size),
    prev: z.literal(head.hash),
    source: z.literal(source),
  });
  const read = slowly(schema)(text) as z.infer<typeof schema> | null; // safe: what the schema gives
  if (read === null) return null;
  const { data, id, time, subject } = read;
  return id === eventId(FactSealed, data) && subject === subjectIn(data)
    ? { data, id, time }
    : null;
}

/** Texts that differ from one in one place: each unit replaced, removed or doubled. */
function* altered(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    const [before, after] = [text.slice(0, at), text.slice(at + 1)];
    yield before + after;
    yield before + text.charAt(at) + text.slice(at);
    for (const other of OTHERS) yield before + other + after;
  }
}

const OTHERS = [
  '"',
  '\\',
  '0',
  '9',
  'a',
  'A',
  'z',
  '-',
  ' ',
  '\n',
  '\0',
  '}',
  ',',
  '=',
  'é',
  '\ud800',
];

describe('a sealed fact', () => {
  const run = { family: FAMILY, run: 'run-1' };
  const score = {
    ...run,
    task: 'task-1',
    miner: hotkey('m'),
    evidence: digest('e'),
    status: 'scored',
    score: 812_500_000,
    basis: 'final',
  } as const;
  const key = runKeyOf(new Uint8Array(32).fill(7), SOURCE, run);
  const event = sealFact({ type: 'score.recorded.v1', data: score }, key);
  const { payload } = seal({ event, time: TIME, causationId: null }, SOURCE, EMPTY);
  const text = Buffer.from(payload).toString();
  const quickly = (each: string, source = SOURCE, head: Head = EMPTY) =>
    readSealedFact(each, source, head);

  test('is read as the parser and the schema read it', () => {
    const { data } = event;
    expect(quickly(text)).toEqual({ data, id: eventId(FactSealed, data), time: TIME });
    expect(slowFact(text, SOURCE, EMPTY)).toEqual(quickly(text));
  });

  test('all those of a log are read so: none takes the slow way', () => {
    let head: Head = EMPTY;
    let facts = 0;
    for (const each of honestLog({ runs: 2, miners: 6, tasks: 3, measured: 'all' })) {
      const stored = String(Buffer.from(each));
      if (stored.endsWith('"type":"fact.sealed.v1"}')) {
        facts++;
        expect(quickly(stored, SOURCE, head)).toEqual(slowFact(stored, SOURCE, head));
        expect(quickly(stored, SOURCE, head)).not.toBeNull();
      }
      head = { size: head.size + 1, hash: leafHash(each) };
    }
    expect(facts).toBeGreaterThan(60);
  });

  test('with any one letter altered it is read no other way', () => {
    let read = 0;
    for (const each of altered(text)) {
      const value = quickly(each);
      if (value === null) continue;
      read++;
      expect(value, each).toEqual(slowFact(each, SOURCE, EMPTY));
    }
    expect(read).toBeGreaterThan(100);
  });

  test('whatever its key says, a sealed fact is read as the parser reads it, or not', () => {
    let read = 0;
    const odd = fc.constantFrom('},"id":"', '"', '\\', 'é', '\u2028', '\0', '","n":0', '');
    const keys = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), odd, fc.string());
    fc.assert(
      fc.property(keys, fc.array(odd, { maxLength: 3 }), (plain, parts) => {
        const data = { ...event.data, key: [plain, ...parts].join('') };
        const draft = { event: { type: FactSealed.type, data }, time: TIME, causationId: null };
        const stored = String(Buffer.from(seal(draft, SOURCE, EMPTY).payload));
        const slow = slowFact(stored, SOURCE, EMPTY);
        const quick = quickly(stored);
        if (quick !== null) read++;
        expect(slow).toMatchObject({ data });
        expect(quick ?? slow).toEqual(slow);
      }),
      { numRuns: 300 },
    );
    expect(read).toBeGreaterThan(20);
  });

  test.each<[string, string, Head]>([
    ['the log of another name', `${SOURCE}0`, EMPTY],
    ['another place', SOURCE, { ...EMPTY, size: 1 }],
    ['a place behind another event', SOURCE, { ...EMPTY, hash: digest('a') }],
    ['no place at all', SOURCE, { ...EMPTY, size: Number.NaN }],
  ])('nothing is read of a sealed fact at %s', (_name, source, head) => {
    expect(quickly(text, source, head)).toBeNull();
  });

  test.each<[string, string, Head]>([
    ['a name that is too long', `${SOURCE}${'0'.repeat(256)}`, EMPTY],
    ['a name with a quote', `${SOURCE}"`, EMPTY],
    ['a size that no integer has', SOURCE, { ...EMPTY, size: 2 ** 60 }],
  ])(
    'nothing is read where the log is said to have %s, though its event says the same',
    (_name, source, head) => {
      const stored = String(
        Buffer.from(seal({ event, time: TIME, causationId: null }, source, head).payload),
      );
      expect(quickly(stored, source, head)).toBeNull();
    },
  );

  test.each<[string, string, string]>([
    ['a cause', '"causationid":null', '"causationid":"x"'],
    ['a time without milliseconds', '.915Z', 'Z'],
    ['a day that no month has', '2026-11-23', '2026-02-30'],
  ])('nothing is read of a sealed fact with %s', (_name, from, to) => {
    expect(text).toContain(from);
    expect(quickly(text.replace(from, to))).toBeNull();
  });

  test('the longest names of all leave the id and the subject of a sealed fact within their bounds', () => {
    const [type] = SEALED_TYPES.toSorted((a, b) => b.length - a.length);
    const names = { family: 'f'.repeat(32), run: 'run-999999999', key: 'k'.repeat(256) };
    const data = FactSealed.data.parse({ ...event.data, ...names, of: type });
    expect(Envelope.shape.id.safeParse(eventId(FactSealed, data)).success).toBe(true);
    expect(Envelope.shape.subject.safeParse(subjectIn(data)).success).toBe(true);
  });
});

const RUN = { family: FAMILY, run: 'run-1' };
const PAIR = { ...RUN, task: 'task-1', miner: hotkey('m') };

/** What is sealed of a pair, in forms that differ in what is null, chosen or left empty. */
const SEALED_FACTS: readonly Sealable[] = [
  ...evaluationEvents(RUN).filter(isSealable),
  {
    type: 'task.invoked.v1',
    data: {
      ...PAIR,
      attempt: 2,
      submission: 'submission-1',
      deployment: '11111111-2222-3333-4444-555555555555',
      jobs: ['job-1', 'job-2'],
      outcome: 'unreachable',
      latencyMs: 7,
      turnMs: 4,
      answer: null,
      detail: 'é, ☃ and 𝄞',
    },
  },
  {
    type: 'evidence.gathered.v1',
    data: {
      ...PAIR,
      attempt: 1,
      tools: null,
      cost: { state: 'unknown', by: 'miner', reason: 'a call, left' },
      ledger: { size: 1, hash: digest('3') },
    },
  },
  {
    type: 'evidence.gathered.v1',
    data: {
      ...PAIR,
      attempt: 1,
      tools: [],
      cost: { state: 'known', cost: 0 },
      ledger: { size: 1, hash: digest('3') },
    },
  },
  {
    type: 'score.recorded.v1',
    data: { ...PAIR, evidence: digest('e'), status: 'scored', score: 812_500_000, basis: 'final' },
  },
  {
    type: 'score.recorded.v1',
    data: { ...PAIR, evidence: digest('e'), status: 'excused', score: null, basis: 'none' },
  },
];

describe('the text of a sealed fact', () => {
  const textOf = ({ type, data }: DomainEvent) => encode({ data: data as Json, type }); // safe: every schema is JSON
  const slowText = ({ type }: Sealable) =>
    slowly(z.strictObject({ data: definitionOf(type).data, type: z.literal(type) }));

  test.each(SEALED_FACTS)('is read as the parser and the schema read it: $type', (fact) => {
    expect(readSealedText(textOf(fact), fact.type)).toEqual(fact);
    expect(slowText(fact)(textOf(fact))).toEqual(fact);
  });

  test('all those of a measured run are read so, but for its report', () => {
    const key = runKeyOf(new Uint8Array(32).fill(7), SOURCE, RUN);
    const types = new Map<string, number>();
    const measuring = {
      place: RUN,
      validator: SELF.hotkey,
      roster: digest('a'),
      miners: ['b', 'c', 'd'].map(hotkey),
      tasks: ['task-1', 'task-2', 'task-3'],
      sample: null,
    };
    measureRun(measuring, (fact) => {
      if (!isSealable(fact)) return;
      types.set(fact.type, (types.get(fact.type) ?? 0) + 1);
      expect(readSealedText(textOf(fact), fact.type)).toEqual(fact);
      expect(openFact(sealFact(fact, key).data, key)).toEqual({ kind: 'opened', event: fact });
    });
    expect([...types.keys()].toSorted()).toEqual([
      'evidence.gathered.v1',
      'score.recorded.v1',
      'task.invoked.v1',
      'task.judged.v1',
    ]);
  });

  test.each(SEALED_FACTS)('with any one letter altered is read no other way: $type', (fact) => {
    const slow = slowText(fact);
    let read = 0;
    for (const each of altered(textOf(fact))) {
      const value = readSealedText(each, fact.type);
      if (value === null) continue;
      read++;
      expect(value, each).toEqual(slow(each));
    }
    expect(read).toBeGreaterThan(100);
  });

  test.each(SEALED_FACTS)('is no fact of another type: $type', (fact) => {
    for (const type of SEALED_TYPES) {
      const relabelled = encode({ data: fact.data, type });
      if (type === fact.type) continue;
      expect(readSealedText(relabelled, fact.type)).toBeNull();
      expect(readSealedText(relabelled, type)).toBeNull();
      expect(readSealedText(textOf(fact), type)).toBeNull();
    }
  });

  test('with a member of another fact, or of another kind, is read no other way', () => {
    const values = SEALED_FACTS.flatMap(({ data }) => Object.values(data).flatMap(partsOf));
    const others: fc.Arbitrary<Json> = fc.oneof(
      fc.constantFrom(...values),
      fc.jsonValue().map((value: unknown): Json => (isCanonical(value) ? value : null)),
      fc.array(fc.string({ unit: 'binary', maxLength: 3 }), { maxLength: 3 }),
    );
    let read = 0;
    const facts = fc.constantFrom(...SEALED_FACTS);
    fc.assert(
      fc.property(facts, fc.nat(), others, fc.boolean(), (fact, place, other, asType) => {
        const whole = { data: fact.data, type: fact.type } as { [key: string]: Json }; // safe: every schema is JSON
        const each = encode(withMember(whole, place, other));
        const of = asType ? fact : (SEALED_FACTS[place % SEALED_FACTS.length] ?? fact);
        const value = readSealedText(each, of.type);
        if (value === null) return;
        read++;
        expect(value, each).toEqual(slowText(of)(each));
      }),
      { numRuns: 4_000 },
    );
    expect(read).toBeGreaterThan(100);
  });
});

/** A value, and all that it is made of. */
function partsOf(value: unknown): readonly Json[] {
  const parts = typeof value === 'object' && value !== null ? Object.values(value) : [];
  return [value as Json, ...parts.flatMap(partsOf)]; // safe: a part of an event
}

function isCanonical(value: unknown): value is Json {
  try {
    encode(value as Json); // safe: that is what is asked
    return true;
  } catch (error) {
    if (isAppError(error, 'ej1.malformed')) return false;
    throw error;
  }
}

/** The value with another one in the place of one of its members, however deep: the place counts them all. */
function withMember(value: Json, place: number, other: Json): Json {
  const size = partsOf(value).length;
  let left = place % size;
  const alter = (part: Json): Json => {
    left -= 1;
    if (left === -1) return other;
    if (typeof part !== 'object' || part === null) return part;
    const members = Object.entries<Json>(part).map(
      ([key, member]) => [key, alter(member)] as const,
    );
    return Array.isArray(part) ? members.map(([, member]) => member) : Object.fromEntries(members);
  };
  return alter(value);
}
