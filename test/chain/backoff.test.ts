import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  afterFailure,
  afterHandshake,
  type EndpointHistory,
  type Failure,
  NEVER_ASKED,
  nextAttempt,
} from '#src/chain/backoff.ts';
import { DEFAULT_LIMITS as limits } from '#src/chain/connection-limits.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOW = 1_000_000 * MINUTE_MS;

const failure = (kind: Failure['kind'], lastedMs = 0): Failure => ({
  kind,
  detail: kind,
  lastedMs,
});

/** The history after handshakes that fail so, each at the first time that is allowed. */
function failing(
  failures: readonly Failure[],
  random: number,
): { history: EndpointHistory; now: number } {
  let [history, now] = [NEVER_ASKED, NOW];
  for (const each of failures) {
    now = Math.max(now, nextAttempt(history, limits));
    history = afterHandshake(history, now, limits);
    now += each.lastedMs;
    history = afterFailure(history, each, { now, random, limits });
  }
  return { history, now };
}

describe('the back-off', () => {
  test.each([
    { failures: 5, bound: 16_000 },
    { failures: 7, bound: 64_000 },
    { failures: 8, bound: 120_000 },
    { failures: 100, bound: 120_000 },
  ])('after $failures failures it is a random time up to $bound ms', ({ failures, bound }) => {
    const history = { ...NEVER_ASKED, failures: failures - 1 };
    const wait = (random: number): number =>
      afterFailure(history, failure('unreachable'), { now: NOW, random, limits }).notBefore - NOW;
    expect(wait(0)).toBe(0);
    expect(wait(0.5)).toBe(bound / 2);
    expect(wait(1 - Number.EPSILON)).toBeCloseTo(bound, 5);
  });

  test('leaves 10 s between two handshakes with an endpoint', () => {
    const { history, now } = failing([failure('unreachable')], 0);
    expect(nextAttempt(history, limits)).toBe(now + 10_000);
  });

  test('begins anew after a connection that lasted ten minutes, and not after a shorter one', () => {
    const history = { ...NEVER_ASKED, failures: 6 };
    const after = (lastedMs: number): number =>
      afterFailure(history, failure('lost', lastedMs), { now: NOW, random: 0.5, limits }).failures;
    expect(after(10 * MINUTE_MS)).toBe(1);
    expect(after(10 * MINUTE_MS - 1)).toBe(7);
  });

  test('an HTTP 429 rests the endpoint for 5 minutes at once, and for 15 from the third in a row on', () => {
    const rest = (count: number): number => {
      const { history, now } = failing(Array<Failure>(count).fill(failure('rate-limited')), 0);
      expect(history.resting).toBe('rate-limited');
      return history.notBefore - now;
    };
    expect([1, 2, 3, 4].map(rest)).toEqual([5, 5, 15, 15].map((minutes) => minutes * MINUTE_MS));
  });

  test('any other outcome ends the row of refusals', () => {
    const limited = failure('rate-limited');
    const { history } = failing([limited, limited, failure('lost', 1_000), limited], 0);
    expect(history.refusals).toBe(1);
  });

  test('a foreign network rests its endpoint for ten minutes', () => {
    const { history, now } = failing([failure('foreign')], 0);
    expect(history.notBefore - now).toBe(10 * MINUTE_MS);
  });

  test('a handshake ends the rest', () => {
    const { history } = failing([failure('foreign')], 0);
    expect(afterHandshake(history, NOW, limits).resting).toBeNull();
  });
});

test('whatever becomes of the handshakes, no hour has more than 20 of them', () => {
  const outcome = fc.record({
    kind: fc.constantFrom<Failure['kind']>('unreachable', 'rate-limited', 'lost'),
    lastedMs: fc.oneof(fc.constant(0), fc.nat(HOUR_MS)),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(outcome, { minLength: 25, maxLength: 60 }), (outcomes) => {
      let [history, now] = [NEVER_ASKED, NOW];
      const handshakes: number[] = [];
      for (const { kind, lastedMs, random } of outcomes) {
        now = Math.max(now, nextAttempt(history, limits));
        handshakes.push(now);
        history = afterHandshake(history, now, limits);
        now += lastedMs;
        history = afterFailure(history, failure(kind, lastedMs), { now, random, limits });
      }
      for (const [index, start] of handshakes.entries()) {
        expect((handshakes[index + 20] ?? Infinity) - start).toBeGreaterThan(HOUR_MS);
      }
    }),
  );
});
