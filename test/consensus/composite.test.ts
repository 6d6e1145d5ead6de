import { describe, expect, test } from 'vitest';
import { compositesOf, type Tally } from '#src/consensus/composite.ts';
import vectors from '../vectors/composite.json' with { type: 'json' };
import { hotkeyOf } from './fake-keys.ts';

const [ALICE, BOB, STRANGER] = ['Awice', 'Bob', 'Stranger'].map(hotkeyOf) as [
  string,
  string,
  string,
]; // safe: three in, three out

describe('compositesOf', () => {
  test.each(vectors.cases)('$name', ({ taskCount, sum, judged, excused, score, missing }) => {
    const tallies = [{ miner: ALICE, sum, judged, excused }];
    expect(compositesOf({ miners: [ALICE], taskCount, tallies })).toEqual({
      scores: score === null ? {} : { [ALICE]: score },
      coverage: [{ miner: ALICE, judged, excused, missing }],
    });
  });

  test('every roster miner has its coverage, sorted by hotkey, with or without a result', () => {
    const tallies = [{ miner: BOB, sum: 2, judged: 1, excused: 0 }];
    const { scores, coverage } = compositesOf({ miners: [BOB, ALICE], taskCount: 2, tallies });
    expect(coverage).toEqual([
      { miner: ALICE, judged: 0, excused: 0, missing: 2 },
      { miner: BOB, judged: 1, excused: 0, missing: 1 },
    ]);
    expect(scores).toEqual({ [BOB]: 2 });
  });

  test('a run without tasks evaluates nobody', () => {
    const tallies = [{ miner: ALICE, sum: 0, judged: 0, excused: 0 }];
    expect(compositesOf({ miners: [ALICE], taskCount: 0, tallies }).scores).toEqual({});
  });

  test('a tally of somebody outside the roster takes no part', () => {
    const tallies = [{ miner: STRANGER, sum: 1_000_000_000, judged: 1, excused: 0 }];
    const { scores, coverage } = compositesOf({ miners: [ALICE], taskCount: 1, tallies });
    expect(scores).toEqual({});
    expect(coverage.map(({ miner }) => miner)).toEqual([ALICE]);
  });

  test.each<[string, readonly Tally[]]>([
    ['a miner that is tallied twice', [tally({ judged: 1 }), tally({ judged: 1 })]],
    ['more pairs than tasks', [tally({ judged: 2, excused: 1 })]],
    ['a sum above one for each judged pair', [tally({ judged: 1, sum: 1_000_000_001 })]],
    ['a negative sum', [tally({ judged: 1, sum: -1 })]],
    ['a sum that is no integer', [tally({ judged: 1, sum: 0.5 })]],
    ['a count beyond the safe integers', [tally({ judged: 2 ** 53 })]],
  ])('%s is refused', (_name, tallies) => {
    expect(() => compositesOf({ miners: [ALICE], taskCount: 2, tallies })).toThrow('input.invalid');
  });
});

function tally(counts: Partial<Tally>): Tally {
  return { miner: ALICE, sum: 0, judged: 0, excused: 0, ...counts };
}
