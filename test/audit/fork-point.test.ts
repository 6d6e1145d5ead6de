import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findForkPoint } from '#src/audit/fork-point.ts';
import { verifyInclusion } from '#src/merkle/proof.ts';
import { forkOf, history } from '../support/evidence-cases.ts';

const MANY = 66_000;
const honest = history(MANY);

describe('where two histories part', () => {
  test('the first leaf that differs is found, and proven in both trees', async () => {
    const size = fc.integer({ min: 1, max: 1_200 });
    await fc.assert(
      fc.asyncProperty(size, size, fc.nat(1_199), async (one, other, at) => {
        const from = at % Math.min(one, other);
        const faces = [honest(one), history(1_200, from)(other)] as const;
        const { index, ...leaves } = await forkOf(...faces);
        expect(index).toBe(from);
        expect(leaves.one.leaf).not.toEqual(leaves.other.leaf);
        expect(verifyInclusion({ ...leaves.one, index, ...faces[0] })).toBe(true);
        expect(verifyInclusion({ ...leaves.other, index, ...faces[1] })).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test.for([0, 65_535, 65_792, 65_999])(
    'of 66,000 leaves, number %i, with few tiles',
    async (from) => {
      const forked = history(MANY, from);
      let tiles = 0;
      const counted = ({ read, ...face }: ReturnType<typeof honest>) => ({
        ...face,
        read: (...tile: Parameters<typeof read>) => {
          tiles += 1;
          return read(...tile);
        },
      });
      expect((await forkOf(counted(honest(MANY)), counted(forked(MANY)))).index).toBe(from);
      expect(tiles).toBeLessThanOrEqual(2 * 9);
    },
  );
});

describe('histories that do not part', () => {
  test('one that grew, or is the same, has no such leaf', async () => {
    const size = fc.nat(1_200);
    await fc.assert(
      fc.asyncProperty(size, size, async (one, other) => {
        expect(await findForkPoint(honest(one), honest(other))).toBeNull();
      }),
      { numRuns: 60 },
    );
  });

  test('leaves that the roots do not stand for prove nothing', async () => {
    const forked = history(600, 70);
    const { read } = forked(500);
    for (const lie of [
      { ...forked(500), root: honest(500).root },
      { ...honest(500), read },
      { ...forked(500), read: async () => new Uint8Array(32) },
      {
        ...forked(500),
        read: async (...tile: Parameters<typeof read>) => flipped(await read(...tile)),
      },
    ])
      expect(await findForkPoint(honest(300), lie)).toBeNull();
  });

  test('a tile whose hash differs over equal ones proves nothing', async () => {
    const face = honest(600);
    const read: typeof face.read = async (level, ...tile) => {
      const bytes = await face.read(level, ...tile);
      return level === 1 ? flipped(bytes) : bytes;
    };
    expect(await findForkPoint(honest(1_000), { ...face, read })).toBeNull();
  });

  test('what a reader throws is thrown', async () => {
    const read = () => Promise.reject(new Error('no such peer'));
    await expect(findForkPoint(honest(3), { ...honest(4), read })).rejects.toThrow('no such peer');
  });
});

function flipped(bytes: Uint8Array): Uint8Array {
  const changed = Buffer.from(bytes);
  changed[0] = (changed[0] ?? 0) ^ 1;
  return changed;
}
