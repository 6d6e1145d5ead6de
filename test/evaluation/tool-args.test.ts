import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  argsHash,
  argsText,
  parsePythonJson,
  plainNumber,
  resultDigest,
} from '#src/evaluation/tool-args.ts';
import vectors from '../vectors/python-json.json' with { type: 'json' };

describe('what Python makes of a JSON text', () => {
  test.for(vectors.cases.map((each) => [each.name, each] as const))('%s', ([, each]) => {
    const value = parsePythonJson(each.json);
    expect(argsText(value)).toBe(each.text);
    expect(argsHash(value)).toBe(each.sha256);
    expect(resultDigest(value)).toBe(each.digest);
  });
});

test('a tool of ours hashes what it was called with as the existing services do', () => {
  expect(argsHash({ top_k: 5, query: 'café' })).toBe(
    'd6fde033833847a90b1ac262756b28c38f210067faf89546fef8569092d24cce',
  );
});

test('what is written is read as the same', () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(json, (value) => {
      // safe: fast-check makes JSON values
      const text = argsText(value as Parameters<typeof argsText>[0]);
      expect(text).toMatch(/^[ -~]*$/);
      expect(argsText(parsePythonJson(text))).toBe(text);
    }),
  );
});

test('a number keeps its form whatever number it is, and wherever it stands', () => {
  const digits = (maxLength: number) =>
    fc.string({ unit: fc.constantFrom('0', '0', '1', '5'), minLength: 1, maxLength });
  const number = fc
    .record({
      sign: fc.constantFrom('', '-'),
      whole: fc.oneof(digits(20), fc.constantFrom('0', '9007199254740993', '4503599627370497')),
      fraction: fc.oneof(fc.constant(''), digits(20)),
      exponent: fc.constantFrom('', 'e2', 'E-3', 'e+20'),
    })
    .map(({ sign, whole, fraction, exponent }) => {
      const integer = whole.replace(/^0+(?=\d)/, '');
      return `${sign}${integer}${fraction === '' ? '' : `.${fraction}`}${exponent}`;
    });
  fc.assert(
    fc.property(number, fc.constantFrom('', ' ', '\n'), (text, space) => {
      // The exponent beside it has every number of the text looked at.
      const [alone, beside] = [`[${space}${text}]`, `[${space}${text},1e1]`].map((json) =>
        argsText(parsePythonJson(json)),
      );
      expect(`${alone?.slice(0, -1)},10.0]`).toBe(beside);
    }),
    { numRuns: 2_000 },
  );
});

test('a float that has the value of an integer is a plain number to whoever wants one', () => {
  const read = parsePythonJson('{"a":1.0,"b":2,"c":9007199254740993,"d":0.5}');
  expect(Object.values(read ?? {}).map(plainNumber)).toEqual([1, 2, 9_007_199_254_740_992, 0.5]);
});

test.for([
  ['no JSON', '{'],
  ['NaN', '{"x":NaN}'],
] as const)('%s is refused', ([, text]) => {
  expect(() => parsePythonJson(text)).toThrow('input.invalid');
});

test.for([
  ['a float beyond the largest', '{"x":1e400}'],
  ['more than 64 levels', `${'['.repeat(100)}${']'.repeat(100)}`],
] as const)('%s has no hash', ([, text]) => {
  expect(() => argsHash(parsePythonJson(text))).toThrow('input.invalid');
});
