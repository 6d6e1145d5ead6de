import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { canonicalReader } from '#src/events/canonical-form.ts';
import { textCheck } from '#src/events/canonical-text.ts';
import { encode, type Json } from '#src/events/ej1.ts';

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

describe('the reader of a schema', () => {
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

  const lists = z.strictObject({
    texts: z.array(z.string().max(2)).min(1).max(2),
    maybe: z.array(z.string().regex(/^a/)).nullable(),
    choice: z.discriminatedUnion('is', [
      z.strictObject({ is: z.literal('some'), amount: z.int().min(0).nullable() }),
      z.strictObject({ by: z.enum(['a', 'b']), is: z.literal(['none', 'few']) }),
    ]),
    last: z.int().max(9),
  });
  const short = fc.oneof(fc.constantFrom('', 'a', 'ab', '","', '],['), fc.string({ maxLength: 3 }));
  const listValues = fc.record({
    texts: fc.array(short, { maxLength: 3 }),
    maybe: fc.option(fc.array(fc.constantFrom('a', 'aé', 'b', '"'), { maxLength: 3 })),
    choice: fc.oneof(
      fc.record({ is: fc.constant('some'), amount: fc.option(fc.integer({ min: -1, max: 5 })) }),
      fc.record({ by: fc.constantFrom('a', 'b', 'c'), is: fc.constantFrom('none', 'few', 'some') }),
      fc.record({ is: fc.constantFrom('none', 'some') }),
    ),
    last: fc.integer({ min: 0, max: 10 }),
  });

  test.each<[string, z.ZodType, fc.Arbitrary<Json>]>([
    ['texts, words and numbers', schema, values],
    ['lists and a choice', lists, listValues],
  ])('reads %s as the schema passes them, or not', (_name, each, all) => {
    const read = canonicalReader(each);
    let times = 0;
    fc.assert(
      fc.property(all, (value) => {
        const found = read(encode(value));
        if (found === null) return;
        times++;
        expect(found).toEqual(each.parse(value));
      }),
      { numRuns: 5_000 },
    );
    expect(times).toBeGreaterThan(20);
  });

  test.each<[string, Json]>([
    ['an empty list', []],
    ['a list of an empty text', ['']],
    ['a list of two empty texts', ['', '']],
    ['texts with what separates texts', [',', '],[']],
  ])('reads %s', (_name, list) => {
    const read = canonicalReader(z.strictObject({ list: z.array(z.string()) }));
    expect(read(encode({ list }))).toEqual({ list });
  });

  test.each([
    '{"list":["a",]}',
    '{"list":[,"a"]}',
    '{"list":["a" ,"b"]}',
    '{"list":["a""b"]}',
    '{"list":["a","b]}',
    '{"list":[a]}',
    '{"list":["a"],"list":["a"]}',
  ])('reads nothing in %s', (written) => {
    expect(canonicalReader(z.strictObject({ list: z.array(z.string()) }))(written)).toBeNull();
  });

  test.each<[string, Json]>([
    ['the least', 0],
    ['the greatest', Number.MAX_SAFE_INTEGER],
    ['a negative one', -17],
  ])('reads %s of whole numbers', (_name, whole) => {
    const read = canonicalReader(z.strictObject({ whole: z.int() }));
    expect(read(encode({ whole }))).toEqual({ whole });
  });

  test.each([
    '{"whole":-0}',
    '{"whole":01}',
    '{"whole":9007199254740992}',
    '{"whole":1.5}',
    '{"whole":1} ',
  ])('reads nothing in %s', (written) => {
    expect(canonicalReader(z.strictObject({ whole: z.int() }))(written)).toBeNull();
  });

  test('reads nothing in a text with a lone surrogate', () => {
    const read = canonicalReader(z.strictObject({ free: z.string() }));
    expect(read('{"free":"é"}')).toEqual({ free: 'é' });
    expect(read('{"free":"\ud800"}')).toBeNull();
    expect(textCheck(z.string())('\ud800')).toBe(false);
  });

  test.each<[string, z.ZodType, Json]>([
    ['further members', z.looseObject({ a: z.string() }), { a: 'x' }],
    ['members that are dropped', z.object({ a: z.string() }), { a: 'x' }],
    ['a member that may be absent', z.strictObject({ a: z.string().optional() }), { a: 'x' }],
    ['a list of numbers', z.strictObject({ a: z.array(z.int()) }), { a: [1] }],
    ['a list of lists', z.strictObject({ a: z.array(z.array(z.string())) }), { a: [['x']] }],
    [
      'a list of what may be null',
      z.strictObject({ a: z.array(z.string().nullable()) }),
      { a: [] },
    ],
    ['a list of altered texts', z.strictObject({ a: z.array(z.string().trim()) }), { a: [' x'] }],
    ['a rule of a list', z.strictObject({ a: z.array(z.string()).refine(() => false) }), { a: [] }],
    ['a choice that no word tells', z.strictObject({ a: z.union([z.string()]) }), { a: 'x' }],
    [
      'a choice of what is not read',
      z.strictObject({
        a: z.discriminatedUnion('b', [z.strictObject({ b: z.literal('x'), c: z.number() })]),
      }),
      { a: { b: 'x', c: 1 } },
    ],
    [
      'a choice that may be null',
      z.strictObject({
        a: z.discriminatedUnion('b', [z.strictObject({ b: z.literal('x') })]).nullable(),
      }),
      { a: null },
    ],
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
  ])('reads nothing where the schema has %s', (_name, unfit, value) => {
    expect(canonicalReader(unfit)(encode(value))).toBeNull();
  });
});
