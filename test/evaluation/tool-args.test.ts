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
