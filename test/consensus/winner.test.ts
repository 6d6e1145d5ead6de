import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Candidate, pickWinner } from '#src/consensus/winner.ts';
import { hotkeyOf } from './fake-keys.ts';

const MARGIN = 50_000_000;

describe('pickWinner', () => {
  test('the highest median wins where nobody defends', () => {
    const contest = pickWinner([of('A', 1, 5), of('B', 2, 7)], { incumbent: null, margin: MARGIN });
    expect(contest).toEqual({ kind: 'first-winner', winner: hotkeyOf('B') });
  });

  test('equal medians go to the lower uid, equal uids to the lower hotkey', () => {
    const rules = { incumbent: null, margin: MARGIN };
    expect(pickWinner([of('A', 9, 5), of('B', 2, 5)], rules)).toMatchObject({
      winner: hotkeyOf('B'),
    });
    expect(pickWinner([of('B', 2, 5), of('A', 2, 5)], rules)).toMatchObject({
      winner: hotkeyOf('A'),
    });
  });

  test('a median of zero never wins', () => {
    expect(pickWinner([of('A', 1, 0)], { incumbent: null, margin: 0 })).toEqual({
      kind: 'no-eligible-miner',
    });
    expect(pickWinner([], { incumbent: null, margin: 0 })).toEqual({ kind: 'no-eligible-miner' });
  });

  test.each([
    [100_000_000 + MARGIN, 'challenger-won'],
    [100_000_000 + MARGIN - 1, 'incumbent-kept'],
  ])('against an incumbent at 0.1 a challenger at %i means %s', (median, kind) => {
    const candidates = [of('A', 1, 100_000_000), of('B', 2, median)];
    expect(pickWinner(candidates, { incumbent: hotkeyOf('A'), margin: MARGIN }).kind).toBe(kind);
  });

  test('the order of the candidates changes nothing, and no winner is passed over', () => {
    const candidates = fc
      .uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 8 })
      .chain((uids) =>
        fc.tuple(
          ...uids.map((uid) =>
            fc.integer({ min: 0, max: 5 }).map((median) => of(`M${uid}x`, uid, median)),
          ),
        ),
      );
    const shuffled = candidates.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(list, { minLength: list.length }),
        fc.nat(8),
        fc.nat(3),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([list, others, index, margin]) => {
        const rules = { incumbent: list[index]?.hotkey ?? null, margin };
        const contest = pickWinner(list, rules);
        expect(pickWinner(others, rules)).toEqual(contest);
        const best = Math.max(0, ...list.map(({ median }) => median));
        if (contest.kind === 'no-eligible-miner') {
          expect(best).toBe(0);
          return;
        }
        const won = list.find(({ hotkey }) => hotkey === contest.winner);
        const slack = contest.kind === 'incumbent-kept' ? Math.max(margin - 1, 0) : 0;
        expect(won?.median).toBeGreaterThanOrEqual(best - slack);
      }),
    );
  });
});

function of(name: string, uid: number, median: number): Candidate {
  return { hotkey: hotkeyOf(name), uid, median };
}
