import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isAppError } from '#src/errors.ts';
import { canonicalMatcher, textCheck } from '#src/events/canonical-form.ts';
import { EMPTY } from '#src/events/decode.ts';
import { eventId, subjectIn } from '#src/events/define-event.ts';
import { decode, encode, type Json } from '#src/events/ej1.ts';
import { Envelope, type Head, seal } from '#src/events/envelope.ts';
import { leafHash } from '#src/events/hash.ts';
import { readSealedFact, readSealedScore } from '#src/events/quick-read.ts';
import { runKeyOf } from '#src/events/run-key.ts';
import { ScoreRecorded } from '#src/events/score.ts';
import { sealFact } from '#src/events/seal-box.ts';
import { FactSealed, SEALED_TYPES } from '#src/events/sealed.ts';
import { FAMILY, honestLog, SOURCE } from '../support/honest-log.ts';
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

describe('a sealed fact and the score in it', () => {
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
  const inner = encode({ data: score, type: 'score.recorded.v1' });
  const quickly = (each: string, source = SOURCE, head: Head = EMPTY) =>
    readSealedFact(each, source, head);
  const plain = z.strictObject({ data: ScoreRecorded.data, type: z.literal(ScoreRecorded.type) });

  test('are read as the parser and the schema read them', () => {
    const { data } = event;
    expect(quickly(text)).toEqual({ data, id: eventId(FactSealed, data), time: TIME });
    expect(slowFact(text, SOURCE, EMPTY)).toEqual(quickly(text));
    expect(readSealedScore(inner)).toEqual({ data: score, type: 'score.recorded.v1' });
  });

  test('all those of a log are read so: none takes the slow way', () => {
    let head: Head = EMPTY;
    let facts = 0;
    for (const each of honestLog({ runs: 2, miners: 6, tasks: 5 })) {
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

  test.each<[string, string, Reader, Reader, number]>([
    ['a sealed fact', text, quickly, (each) => slowFact(each, SOURCE, EMPTY), 100],
    ['a score', inner, readSealedScore, slowly(plain), 100],
  ])(
    '%s with any one letter altered is read no other way',
    (_name, original, quick, slow, least) => {
      let read = 0;
      for (const each of altered(original)) {
        const value = quick(each);
        if (value === null) continue;
        read++;
        expect(value, each).toEqual(slow(each));
      }
      expect(read).toBeGreaterThan(least);
    },
  );

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

/** The texts, numbers and words of a value in the order of its canonical text; undefined where it is null. */
function groupsOf(value: unknown): readonly (string | undefined)[] {
  if (value === null) return [undefined];
  if (typeof value !== 'object') return [typeof value === 'string' ? value : JSON.stringify(value)];
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return members.flatMap(([, member]) => groupsOf(member));
}

test.each<[string, z.ZodType, readonly string[], readonly string[]]>([
  [
    'digits',
    z.string().regex(/^[0-9a-f]{4}$/),
    ['09af'],
    ['09aF', '09a', '09aff', '09a\u0130', 'g000', ''],
  ],
  ['a class of one letter', z.string().regex(/^[a]{1}$/), ['a'], ['b', 'aa', '-']],
  ['letters of either case', z.string().regex(/^[0-9a-f]{2}$/i), ['aF'], ['ag']],
  ['two patterns', z.string().regex(/^a/).regex(/b$/), ['ab', 'a-b'], ['a', 'b']],
  ['a length', z.string().min(2).max(3), ['ab', 'abc'], ['a', 'abcd']],
  ['what has to be escaped', z.string(), ['a'], ['"', '\\', '\n']],
  ['what is no text', z.int(), [], ['1']],
])('a check of texts by a schema says of %s what it does', (_name, schema, good, bad) => {
  const check = textCheck(schema);
  for (const text of good) expect(check(text), text).toBe(true);
  for (const text of bad) expect(check(text), text).toBe(false);
});

describe('the matcher of a schema', () => {
  const schema = z.strictObject({
    bounded: z.int().min(-3).max(1_000),
    whole: z.int(),
    word: z.enum(['a.b', 'c|d', '(']),
    only: z.literal(['x', '$y']),
    free: z.string(),
    short: z.string().min(1).max(3),
    either: z.string().regex(/^a|b$/),
    inner: z.strictObject({ maybe: z.string().nullable(), number: z.int().nullable() }),
    bytes: z.base64().max(8),
    time: z.iso.datetime({ precision: 3 }),
  });
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a', 'xb', 'é', '\u2028'),
  );
  const values = fc.record({
    bounded: fc.oneof(fc.integer({ min: -4, max: 1_001 }), fc.constantFrom(-3, 1_000)),
    whole: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER)),
    word: fc.constantFrom('a.b', 'c|d', '(', 'aXb', 'c'),
    only: fc.constantFrom('x', '$y', 'y'),
    free: text,
    short: fc.string({ maxLength: 4, unit: 'grapheme' }),
    either: fc.constantFrom('ax', 'xb', 'a', 'b', 'x'),
    inner: fc.record({ maybe: fc.option(text), number: fc.option(fc.maxSafeInteger()) }),
    bytes: fc.constantFrom(
      '',
      'AAAA',
      'AA==',
      'AB==',
      'AA=',
      'A',
      'AAAAAAA=',
      'AAAAAAAAAAAA',
      'A_==',
    ),
    time: fc.constantFrom(
      '2026-11-23T09:41:04.915Z',
      '2026-02-30T09:41:04.915Z',
      '2026-11-23T09:41:04Z',
    ),
  });

  test('finds all that stands in a value that the schema passes, or nothing', () => {
    const match = canonicalMatcher(schema);
    let read = 0;
    fc.assert(
      fc.property(values, (value) => {
        const written = encode(value);
        const found = match(written);
        if (found === null) return;
        read++;
        expect(found.slice(1)).toEqual(groupsOf(schema.parse(value)));
      }),
      { numRuns: 5_000 },
    );
    expect(read).toBeGreaterThan(20);
  });

  test.each<[string, Json]>([
    ['the least', 0],
    ['the greatest', Number.MAX_SAFE_INTEGER],
    ['a negative one', -17],
  ])('reads %s of whole numbers', (_name, whole) => {
    const match = canonicalMatcher(z.strictObject({ whole: z.int() }));
    expect(match(encode({ whole }))?.[1]).toBe(JSON.stringify(whole));
  });

  test.each([
    '{"whole":-0}',
    '{"whole":01}',
    '{"whole":9007199254740992}',
    '{"whole":1.5}',
    '{"whole":1} ',
  ])('finds nothing in %s', (written) => {
    expect(canonicalMatcher(z.strictObject({ whole: z.int() }))(written)).toBeNull();
  });

  test('finds nothing in a text with a lone surrogate', () => {
    const match = canonicalMatcher(z.strictObject({ free: z.string() }));
    expect(match('{"free":"é"}')?.[1]).toBe('é');
    expect(match('{"free":"\ud800"}')).toBeNull();
    expect(textCheck(z.string())('\ud800')).toBe(false);
  });

  test.each<[string, z.ZodType, Json]>([
    ['further members', z.looseObject({ a: z.string() }), { a: 'x' }],
    ['members that are dropped', z.object({ a: z.string() }), { a: 'x' }],
    ['a member that may be absent', z.strictObject({ a: z.string().optional() }), { a: 'x' }],
    ['a list', z.strictObject({ a: z.array(z.string()) }), { a: ['x'] }],
    [
      'an object that may be null',
      z.strictObject({ a: z.strictObject({ b: z.string() }).nullable() }),
      { a: null },
    ],
    ['a rule of its own', z.strictObject({ a: z.string() }).refine(() => false), { a: 'x' }],
    ['a rule of a text', z.strictObject({ a: z.string().refine(() => false) }), { a: 'x' }],
    ['a rule of a word', z.strictObject({ a: z.enum(['x']).refine(() => false) }), { a: 'x' }],
    [
      'a rule of a nullable',
      z.strictObject({
        a: z
          .string()
          .nullable()
          .refine(() => false),
      }),
      { a: 'x' },
    ],
    ['a text that is altered', z.strictObject({ a: z.string().trim() }), { a: ' x' }],
    ['a text of another kind', z.strictObject({ a: z.string().startsWith('y') }), { a: 'x' }],
    ['a format', z.strictObject({ a: z.email() }), { a: 'x' }],
    ['an expression with a memory', z.strictObject({ a: z.string().regex(/x/g) }), { a: 'x' }],
    ['a number that is no whole one', z.strictObject({ a: z.number() }), { a: 1 }],
    ['an open bound', z.strictObject({ a: z.int().lt(1) }), { a: 1 }],
    ['a multiple', z.strictObject({ a: z.int().multipleOf(2) }), { a: 1 }],
    ['a word that is a number', z.strictObject({ a: z.literal(1) }), { a: 1 }],
    ['a key that is not plain', z.strictObject({ 'a.b': z.string() }), { 'a.b': 'x' }],
  ])('finds nothing where the schema has %s', (_name, unfit, value) => {
    expect(canonicalMatcher(unfit)(encode(value))).toBeNull();
  });
});
