import { expect, test } from 'vitest';
import { createRateLimit } from '#src/http/rate-limit.ts';

const plenty = { burst: 1_000_000, perSecond: 1_000_000 };

/** A limit on a clock that the test moves. */
function limitAt(rates: Parameters<typeof createRateLimit>[0]) {
  let nowMs = 0;
  const limit = createRateLimit(rates, () => nowMs);
  return { admit: limit.admit, pass: (ms: number) => (nowMs += ms) };
}

test('a network gets its burst at once, then its rate, and is told how long to wait', () => {
  const limit = limitAt({ perNetwork: { burst: 3, perSecond: 0.5 }, overall: plenty });
  const tries = (): (number | null)[] => [1, 2, 3, 4].map(() => limit.admit('192.0.2.1'));
  expect(tries()).toEqual([null, null, null, 2]);
  limit.pass(1_000);
  expect(limit.admit('192.0.2.1')).toBe(1);
  limit.pass(1_000);
  expect(limit.admit('192.0.2.1')).toBeNull();
  limit.pass(60_000);
  expect(tries()).toEqual([null, null, null, 2]);
});

test('one network that floods takes nothing from another', () => {
  const limit = limitAt({ perNetwork: { burst: 2, perSecond: 1 }, overall: plenty });
  for (let count = 0; count < 1_000; count++) limit.admit('192.0.2.1');
  expect(limit.admit('192.0.2.2')).toBeNull();
});

test('what is not admitted counts for nothing: asking too early costs no time', () => {
  const limit = limitAt({
    perNetwork: { burst: 1, perSecond: 1 },
    overall: { burst: 2, perSecond: 1 },
  });
  expect(limit.admit('192.0.2.1')).toBeNull();
  for (let count = 0; count < 100; count++) expect(limit.admit('192.0.2.1')).toBe(1);
  expect(limit.admit('192.0.2.2')).toBeNull();
  expect(limit.admit('192.0.2.3')).toBe(1);
  limit.pass(1_000);
  expect(limit.admit('192.0.2.3')).toBeNull();
});

test('all networks together get no more than the overall rate', () => {
  const limit = limitAt({
    perNetwork: { burst: 10, perSecond: 10 },
    overall: { burst: 50, perSecond: 5 },
  });
  const admitted = (): number =>
    Array.from({ length: 1_000 }, (_, host) =>
      limit.admit(`10.0.${host >> 8}.${host & 255}`),
    ).filter((wait) => wait === null).length;
  expect(admitted()).toBe(50);
  limit.pass(2_000);
  expect(admitted()).toBe(10);
});

test('addresses of one /64 are one network; IPv4 addresses are one each, also when mapped', () => {
  const sameNetwork = (one: string, other: string): boolean => {
    const limit = limitAt({ perNetwork: { burst: 1, perSecond: 1 }, overall: plenty });
    limit.admit(one);
    return limit.admit(other) !== null;
  };
  for (const [one, other, same] of [
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::7', true],
    ['2001:db8:1:2::', '2001:db8:1:2:ffff:ffff:ffff:ffff', true],
    ['2001:db8::1', '2001:db8:0:0:9::', true],
    ['2001:db8::1:0:0:1', '2001:db8:0:1::1', false],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['::1', '::2', true],
    ['fe80::1%eth0', 'fe80::2%eth0', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
  ] as const) {
    expect([one, other, sameNetwork(one, other)]).toEqual([one, other, same]);
  }
});

test('a flood from 200,000 networks is remembered in bounded memory, and quickly', () => {
  const limit = limitAt({
    perNetwork: { burst: 1, perSecond: 1 },
    overall: { burst: 10, perSecond: 1 },
  });
  const beforeBytes = process.memoryUsage().heapUsed;
  const start = performance.now();
  for (let count = 0; count < 200_000; count++)
    limit.admit(`2001:db8:${count >> 8}:${count & 255}::1`);
  expect(performance.now() - start).toBeLessThan(5_000);
  expect(process.memoryUsage().heapUsed - beforeBytes).toBeLessThan(64 * 1024 * 1024);
  expect(limit.admit('192.0.2.1')).toBe(1);
});
