import { describe, expect, test } from 'vitest';
import { NEVER_ASKED } from '#src/chain/backoff.ts';
import { DEFAULT_LIMITS as limits } from '#src/chain/connection-limits.ts';
import { endpointsOf, nextEndpoint } from '#src/chain/endpoints.ts';

const urls = ['ws://a.example:9944', 'wss://b.example', 'ws://c.example'];

describe('endpointsOf', () => {
  test('shows neither path, query nor credentials of a URL', () => {
    const [endpoint] = endpointsOf(['wss://user:secret@node.example:444/v1/secret?key=secret']);
    expect(endpoint?.name).toBe('wss://node.example:444');
  });

  test.each([
    ['no endpoint', []],
    ['what is no URL', ['node.example secret']],
    ['another scheme', ['https://node.example/secret']],
    ['a fragment', ['ws://node.example/#secret']],
    ['the same URL twice', ['ws://node.example/secret', 'ws://node.example/secret']],
  ])('refuses %s, and does not tell its secrets', (_name, list) => {
    const refusal = (): unknown => endpointsOf(list);
    expect(refusal).toThrow(/config\.invalid: field: endpoints, value: .+, expected: /);
    expect(refusal).not.toThrow(/secret/);
  });
});

describe('nextEndpoint', () => {
  const at = (notBefore: readonly number[], last: number, now = 100) => {
    const endpoints = endpointsOf(urls).map((endpoint, index) => ({
      ...endpoint,
      history: { ...NEVER_ASKED, notBefore: notBefore[index] ?? 0 },
    }));
    return nextEndpoint(endpoints, last, { now, limits });
  };

  test.each([
    [-1, 0],
    [0, 1],
    [1, 2],
    [2, 0],
  ])('after endpoint %i it is the turn of %i, when all may be asked', (last, index) => {
    expect(at([0, 50, 100], last)).toEqual({ index, at: 100 });
  });

  test('one that may not be asked yet is passed over', () => {
    expect(at([0, 101, 0], 0)).toEqual({ index: 2, at: 100 });
  });

  test('when none may be asked yet it is the one that may be first, even again', () => {
    expect(at([300, 400, 500], 0)).toEqual({ index: 0, at: 300 });
  });
});
