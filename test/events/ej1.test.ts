import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError, isAppError } from '#src/errors.ts';
import { decode, decodeBytes, encode, encodeBytes, type Json, MAX_DEPTH } from '#src/events/ej1.ts';
import vectors from '../vectors/ej1.json' with { type: 'json' };

describe('canonical text', () => {
  test.each(vectors.canonical)('$name', ({ text, bytes }) => {
    expect(decode(text)).toEqual(decodeBytes(Buffer.from(bytes, 'hex')));
    expect(encode(decode(text))).toBe(text);
    expect(Buffer.from(encodeBytes(decode(text))).toString('hex')).toBe(bytes);
  });

  test('encoding a value and reading it back gives the value', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(decode(encode(value))).toEqual(value);
        expect(encodeBytes(decodeBytes(encodeBytes(value)))).toEqual(encodeBytes(value));
      }),
    );
  });

  test('any bytes are refused as malformed or are the one form of their value', () => {
    fc.assert(
      fc.property(attack, (bytes) => {
        const value = attempt(() => decodeBytes(bytes));
        if (value instanceof AppError) expect(isAppError(value, 'ej1.malformed')).toBe(true);
        else expect(Buffer.from(encodeBytes(value)).equals(bytes)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the order in which members were set changes nothing', () => {
    expect(encode({ b: 1, a: { d: 2, c: 3 } })).toBe('{"a":{"c":3,"d":2},"b":1}');
  });

  test('it is what JSON.parse reads', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(encode(value))).toEqual(value);
      }),
    );
  });
});

describe('malformed bytes', () => {
  test.each(vectors.malformed)('$name', ({ bytes }) => {
    const error = attempt(() => decodeBytes(Buffer.from(bytes, 'hex')));
    expect(isAppError(error, 'ej1.malformed')).toBe(true);
    if (error instanceof AppError) expect(error.details).toHaveProperty('expected');
  });

  test.each(['[', '{"a":', '[{"a":'])(
    '100,000 times %s costs neither the stack nor an exception of another kind',
    (open) => {
      expect(() => decode(open.repeat(100_000))).toThrow(`at most ${MAX_DEPTH} levels`);
    },
  );

  test('a lone surrogate in text is refused, as it is in bytes', () => {
    for (const text of ['"\ud800"', '"a\udfffb"', '"\\n\ud800"'])
      expect(() => decode(text)).toThrow('ej1.malformed');
  });

  test('the refusal says where and what was expected', () => {
    const error = attempt(() => decode('{"a":1,"b":1.5}'));
    expect(error).toMatchObject({ details: { offset: 12, expected: '"," or "}"', found: '.5}' } });
  });

  test("the refusal of an attacker's text is itself text that an event can hold", () => {
    for (let cut = 0; cut < 4; cut++) {
      const error = attempt(() => decode(`${'x'.repeat(cut)}${'😂'.repeat(30)}`));
      expect(error instanceof AppError && error.message.isWellFormed()).toBe(true);
    }
  });
});

describe('a member named __proto__', () => {
  test('is a member, not a prototype', () => {
    const value = decode('{"__proto__":{"polluted":1},"a":2}');
    expect(Object.keys(value as object)).toEqual(['__proto__', 'a']); // safe: the text is an object
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect((value as { polluted?: unknown }).polluted).toBeUndefined(); // safe: only looked at
    expect(encode(value)).toBe('{"__proto__":{"polluted":1},"a":2}');
  });
});

describe('values without a canonical form', () => {
  test.each<[string, unknown, string]>([
    ['a float', { a: 1.5 }, 'a'],
    ['NaN', { a: Number.NaN }, 'a'],
    ['an infinity', [Number.POSITIVE_INFINITY], '$'],
    ['minus zero', { a: -0 }, 'a'],
    ['2^53', 2 ** 53, '$'],
    ['undefined', { a: undefined }, '$.a'],
    ['a hole', [1, undefined], '$[1]'],
    ['a bigint', { a: 1n }, 'a'],
    ['a function', { a: () => 1 }, 'a'],
    ['a lone surrogate', { a: '\ud800' }, 'a'],
    ['a key outside ASCII', { é: 1 }, '$'],
    ['an empty key', { '': 1 }, '$'],
    ['a key with a quote', { 'a"': 1 }, '$'],
    ['a key with a backslash', { 'a\\': 1 }, '$'],
    ['a key of 129 characters', { ['k'.repeat(129)]: 1 }, '$'],
  ])('%s is refused with its path', (_name, value, path) => {
    const error = attempt(() => encode(value as Json)); // safe: what a careless caller may pass
    expect(isAppError(error, 'ej1.malformed')).toBe(true);
    expect(error).toMatchObject({ details: { path } });
  });

  test('nesting that the reader refuses is not written either', () => {
    let value: Json = 0;
    for (let level = 0; level < MAX_DEPTH; level++) value = [value];
    expect(decode(encode(value))).toEqual(value);
    expect(() => encode([value])).toThrow(`at most ${MAX_DEPTH} levels`);
  });
});

const text = fc.string({ unit: 'grapheme' }).filter((value) => value.isWellFormed());
const key = fc.stringMatching(/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,12}$/);
const json: fc.Arbitrary<Json> = fc
  .letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(
        fc.constantFrom(null, true, false),
        fc.maxSafeInteger().map((n) => n + 0),
        text,
      ),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    ),
  }))
  .value.filter((value) => !(attempt(() => encode(value)) instanceof AppError));

/** Bytes near the canonical form, where a lenient reader would give way. */
const attack: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.json().map((value) => Buffer.from(value)),
  fc.tuple(json, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
    const bytes = Buffer.from(encodeBytes(value));
    bytes[at % bytes.length] = byte;
    return bytes;
  }),
  fc
    .string({
      unit: fc.constantFrom(...'{}[]",:0123456789-+.eE\\u nulltruefalse\n'.split('')),
      maxLength: 12,
    })
    .map((value) => Buffer.from(value)),
);

function attempt<T>(run: () => T): T | AppError {
  try {
    return run();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}
