import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS as limits } from '#src/chain/connection-limits.ts';
import { beat, firstPulse, followHead, type Heads, knownHead, patience } from '#src/chain/heads.ts';

const heads: Heads = { finalized: 1_000_000, advancedAt: 0 };
const follow = (number: number, before = heads) =>
  followHead(before, number, { now: 5_000, limits });

describe('followHead', () => {
  test('the first head is taken as it is', () => {
    const { heads, objection } = follow(7_000_000, { finalized: null, advancedAt: 0 });
    expect({ heads, objection }).toEqual({
      heads: { finalized: 7_000_000, advancedAt: 5_000 },
      objection: null,
    });
  });

  test('a higher head advances it', () => {
    expect(follow(1_000_001).heads).toEqual({ finalized: 1_000_001, advancedAt: 5_000 });
  });

  test.each([999_990, 999_999, 1_000_000])('%i neither moves it nor offends', (number) => {
    expect(follow(number)).toEqual({ heads, objection: null });
  });

  test('a head more than 10 blocks behind is of a stale node, and is not followed', () => {
    const { heads: after, objection } = follow(999_989);
    expect(after).toEqual(heads);
    expect(objection).toMatch(/stale node: .*999989.*1000000/);
  });

  test('a head that leaps more than 100,000 blocks is of a false node, and is not followed', () => {
    expect(follow(1_100_000).objection).toBeNull();
    const { heads: after, objection } = follow(1_100_001);
    expect(after).toEqual(heads);
    expect(objection).toMatch(/false node: .*1000000 to 1100001/);
  });
});

describe('knownHead', () => {
  const at = (now: number, before = heads) =>
    knownHead(before, { now, limits, connection: 'connected to ws://node.example' });

  test('a head is known until no newer one was seen for 60 s', () => {
    expect(at(59_999)).toEqual({ known: true, value: 1_000_000 });
    expect(at(60_000)).toEqual({
      known: false,
      reason: 'unavailable',
      detail: 'finality stands at block 1000000 for 60 s; connected to ws://node.example',
    });
  });

  test('before the first head nothing is known', () => {
    expect(at(0, { finalized: null, advancedAt: 0 })).toMatchObject({ known: false });
  });
});

describe('beat', () => {
  const pulse = beat(beat(firstPulse(0), 'best', 12, 1_000), 'finalized', 10, 2_000);

  test.each([
    ['best', 13],
    ['finalized', 11],
  ] as const)('a new %s head is a sign of life', (kind, number) => {
    expect(beat(pulse, kind, number, 9_000)).toMatchObject({ at: 9_000, [kind]: number });
  });

  test.each([
    ['best', 12],
    ['finalized', 9],
  ] as const)('a %s head that was shown before is none', (kind, number) => {
    expect(beat(pulse, kind, number, 9_000)).toEqual(pulse);
  });
});

describe('patience', () => {
  const pulse = { ...firstPulse(0), at: 1_000_000 };
  const until = (alternatives: boolean, advancedAt = 0, since = 500_000) =>
    patience({ pulse, heads: { finalized: 7, advancedAt }, since }, { limits, alternatives });

  test('without a new head ends after 60 s', () => {
    expect(until(false)).toEqual({ until: 1_060_000, why: 'no new head for 60 s' });
  });

  test('with a finality that stands has no end where no other endpoint is', () => {
    const alive = { ...pulse, at: 9_000_000 };
    const given = { pulse: alive, heads, since: 0 };
    expect(patience(given, { limits, alternatives: false }).until).toBe(9_060_000);
    expect(patience(given, { limits, alternatives: true }).until).toBe(600_000);
  });

  test('with a finality that stands is ten minutes for each connection, and for each advance', () => {
    expect(until(true, 0, 450_000)).toMatchObject({
      until: 1_050_000,
      why: expect.stringContaining('finality stands'),
    });
    expect(until(true, 455_000, 450_000).until).toBe(1_055_000);
  });
});
