import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forkProof, rootOfPrefix } from '#src/audit/fork-proof.ts';
import { history } from '../support/evidence-cases.ts';

const MANY = 66_000;
const honest = history(MANY);

test('of two trees that part, the larger one shows that it never was the smaller one', async () => {
  const sizes = fc.uniqueArray(fc.integer({ min: 1, max: 1_200 }), { minLength: 2, maxLength: 2 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), async (two, at) => {
      const [smaller = 0, larger = 0] = two.toSorted((a, b) => a - b);
      const forked = history(larger, at % smaller);
      const prefix = await forkProof(honest(smaller), forked(larger));
      expect(prefix && rootOfPrefix(prefix, smaller, forked(larger))).toEqual(forked(smaller).root);
    }),
    { numRuns: 60 },
  );
});

test('of a log that only grew nothing is shown, whatever the sizes', async () => {
  const size = fc.nat(1_200);
  await fc.assert(
    fc.asyncProperty(size, size, async (one, other) => {
      expect(await forkProof(honest(one), honest(other))).toBeNull();
    }),
    { numRuns: 60 },
  );
});

test('it takes the few tiles of one proof', async () => {
  const { read, ...face } = history(MANY, 65_000)(MANY);
  const tiles = new Set<string>();
  const counted: typeof read = (...tile) => {
    tiles.add(tile.join('/'));
    return read(...tile);
  };
  expect(await forkProof(honest(65_537), { ...face, read: counted })).not.toBeNull();
  expect(tiles.size).toBeLessThanOrEqual(5);
});

test('tiles that the root does not stand for show nothing', async () => {
  const forked = history(600, 70)(500);
  const { read } = forked;
  for (const lie of [
    { ...forked, root: honest(500).root },
    { ...honest(500), read },
    { ...forked, read: async () => new Uint8Array(32) },
  ])
    expect(await forkProof(honest(300), lie)).toBeNull();
});

test('what a reader throws is thrown', async () => {
  const read = () => Promise.reject(new Error('no such peer'));
  const unserved = { ...honest(4), read };
  await expect(forkProof(history(9, 1)(3), unserved)).rejects.toThrow('no such peer');
});
