import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { officialScores, pickOf } from '#src/handlers/owner/pick-winner.ts';
import type { MinerTally } from '#src/projectors/owner-evaluations.ts';
import type { Submission } from '#src/projectors/owner-registry.ts';
import { digest, hotkey } from '../support/recorded-events.ts';

const MARGIN = 50_000_000;
const member = (letter: string, order: number): Submission => ({
  submission: `submission-${letter}`,
  order,
  miner: hotkey(letter),
  family: 'general_chat',
  archive: digest('a'),
  bytes: 1,
  manifest: digest('b'),
  time: '2026-11-29T12:00:00.000Z',
});
const members = [member('x', 3), member('y', 1), member('z', 2)];
const tally = (validator: string, miner: string, score: number, judged = 2): MinerTally => ({
  validator: hotkey(validator),
  miner: hotkey(miner),
  sum: score * judged,
  judged,
  excused: 0,
});
const scores = (tallies: readonly MinerTally[]) =>
  officialScores(members, 2, tallies).map(({ miner, score }) => [miner[1], score]);
const pick = (given: Readonly<Record<string, number>>, previous: string | null = null) => {
  const tallies = Object.entries(given).map(([miner, score]) => tally('a', miner, score));
  const found = pickOf(officialScores(members, 2, tallies), {
    previous: previous === null ? null : hotkey(previous),
    margin: MARGIN,
  });
  return [found.winner?.[1] ?? null, found.reason, found.score];
};

describe('the official score of a miner', () => {
  test('is the lower median of the validators’ means, each counting once', () => {
    const tallies = [
      tally('a', 'x', 900),
      tally('b', 'x', 500),
      tally('c', 'x', 600),
      tally('d', 'x', 100),
    ];
    expect(scores(tallies)).toEqual([['x', 500]]);
  });

  test('is not moved by one validator that says what it likes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000_000 }), (lie) => {
        const [[, score] = []] = scores([
          tally('a', 'x', 500),
          tally('b', 'x', 600),
          tally('c', 'x', lie),
        ]);
        expect(score).toBeGreaterThanOrEqual(500);
        expect(score).toBeLessThanOrEqual(600);
      }),
    );
  });

  test('does not count a validator that judged less than half of the tasks', () => {
    const few = { ...tally('b', 'x', 1_000_000_000, 1), judged: 1 };
    expect(officialScores(members, 4, [few])).toEqual([]);
    expect(officialScores(members, 2, [few])).toHaveLength(1);
  });

  test('stands in the order of the scores, equal ones in that of the submissions', () => {
    const tallies = [tally('a', 'x', 700), tally('a', 'z', 700), tally('a', 'y', 600)];
    expect(scores(tallies)).toEqual([
      ['z', 700],
      ['x', 700],
      ['y', 600],
    ]);
  });
});

describe('the owner picks', () => {
  test('the best score where there was no winner before, or that one has no score', () => {
    expect(pick({ x: 300, y: 200 })).toEqual(['x', 'first-run-best-score', 300]);
    expect(pick({ x: 300, y: 200 }, 'z')).toEqual(['x', 'first-run-best-score', 300]);
  });

  test('a challenger that reaches the margin to the unit, and nobody below it', () => {
    expect(pick({ x: 850_000_000, y: 800_000_000 }, 'y')).toEqual([
      'x',
      'challenger-replaced-previous',
      850_000_000,
    ]);
    expect(pick({ x: 849_999_999, y: 800_000_000 }, 'y')).toEqual([
      'y',
      'previous-winner-retained',
      800_000_000,
    ]);
    // In doubles 0.29 + 0.05 is not 0.34.
    expect(pick({ x: 340_000_000, y: 290_000_000 }, 'y')[0]).toBe('x');
  });

  test('the winner before where it is the best itself', () => {
    expect(pick({ x: 300, y: 900 }, 'y')).toEqual(['y', 'previous-winner-retained', 900]);
  });

  test('the earlier submission of two that are equal', () => {
    expect(pick({ x: 300, y: 300, z: 300 })[0]).toBe('y');
  });

  test('nobody without a score above zero', () => {
    expect(pick({})).toEqual([null, 'no-scores', null]);
    expect(pick({ x: 0, y: 0 })).toEqual([null, 'no-scores', null]);
  });
});
