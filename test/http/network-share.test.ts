import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNetworkShare } from '#src/http/network-share.ts';

test('one network has its share and no more, another one has all of its own', () => {
  const { take } = createNetworkShare({ each: 2, all: 10 });
  const own = [take('192.0.2.1', 1), take('192.0.2.1', 1)];
  expect(own).not.toContain(null);
  expect(take('192.0.2.1', 1)).toBeNull();
  expect(take('192.0.2.2', 2)).not.toBeNull();
  own[0]?.[Symbol.dispose]();
  expect(take('192.0.2.1', 1)).not.toBeNull();
});

test('the addresses of one network of IPv6 are one', () => {
  const { take } = createNetworkShare({ each: 1, all: 10 });
  expect(take('2001:db8::1', 1)).not.toBeNull();
  expect(take('2001:db8::2', 1)).toBeNull();
  expect(take('2001:db8:0:1::1', 1)).not.toBeNull();
});

test('whatever is taken and given back, no bound is passed, and everything is free again in the end', () => {
  const address = fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3');
  const step = fc.record({ address, amount: fc.integer({ min: 1, max: 4 }), back: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const { take } = createNetworkShare({ each: 5, all: 8 });
      const held: { address: string; amount: number; taken: Disposable }[] = [];
      const sum = (of?: string): number =>
        held
          .filter((each) => of === undefined || each.address === of)
          .reduce((total, { amount }) => total + amount, 0);
      for (const { address, amount, back } of steps) {
        if (back) held.shift()?.taken[Symbol.dispose]();
        const fits = sum() + amount <= 8 && sum(address) + amount <= 5;
        const taken = take(address, amount);
        expect(taken !== null).toBe(fits);
        if (taken !== null) held.push({ address, amount, taken });
      }
      for (const { taken } of held) taken[Symbol.dispose]();
      expect(take('192.0.2.1', 5)).not.toBeNull();
    }),
  );
});
