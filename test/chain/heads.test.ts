import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, FINNEY_LIMITS } from '#src/chain/connection-limits.ts';
import {
  beat,
  firstPulse,
  followHead,
  type Heads,
  knownHead,
  noHeads,
  patience,
} from '#src/chain/heads.ts';

const limits = { ...DEFAULT_LIMITS, ...FINNEY_LIMITS };
const HOUR_MS = 3_600_000;

/** A head that endpoint 0 of 3 showed at time 0. */
const heads = show(noHeads(0), 1_000_000, { now: 0 }).heads;

type Showing = { now?: number; endpoint?: number; endpoints?: number };

function show(
  before: Heads,
  number: number,
  { now = 5_000, endpoint = 0, endpoints = 3 }: Showing = {},
) {
  return followHead(before, { number, endpoint, endpoints }, { now, limits });
}

describe('followHead', () => {
  test('the first head is taken as it is', () => {
    const { heads: after, objection } = show(noHeads(0), 7_000_000);
    expect(after).toMatchObject({ finalized: 7_000_000, advancedAt: 5_000 });
    expect(objection).toBeNull();
  });

  test('a higher head advances it', () => {
    expect(show(heads, 1_000_001).heads).toMatchObject({
      finalized: 1_000_001,
      advancedAt: 5_000,
    });
  });

  test.each([999_990, 999_999, 1_000_000])('%i neither moves it nor offends', (number) => {
    expect(show(heads, number)).toEqual({ heads, objection: null });
  });

  test('a head more than 10 blocks behind is of a stale node, and is not followed', () => {
    const { heads: after, objection } = show(heads, 999_989);
    expect(after).toMatchObject({ finalized: 1_000_000, advancedAt: 0 });
    expect(objection).toMatch(/stale node: .*999989.*1000000/);
  });

  test('on Finney a head is at most 600 blocks, and one in 12 s, above the first', () => {
    expect(show(heads, 1_000_600).objection).toBeNull();
    const { heads: after, objection } = show(heads, 1_000_601);
    expect(after.finalized).toBe(1_000_000);
    expect(objection).toMatch(/false node: .*1000601, 1000600 is the highest/);
    expect(show(heads, 1_000_601, { now: 12_000 }).objection).toBeNull();
  });

  test('many small leaps are no way around that', () => {
    const leapt = [1_000_300, 1_000_600].reduce((now, number) => show(now, number).heads, heads);
    expect(show(leapt, 1_000_601).objection).toMatch(/false node/);
  });

  test('an outage of a week explains as many blocks', () => {
    expect(show(heads, 1_050_400, { now: 7 * 24 * HOUR_MS }).objection).toBeNull();
  });

  test('a chain that is no Finney may build hundreds of blocks in a second', () => {
    const shown = { number: 1_150_000, endpoint: 0, endpoints: 3 };
    const { objection } = followHead(heads, shown, { now: 500_000, limits: DEFAULT_LIMITS });
    expect(objection).toBeNull();
  });
});

describe('a head that was a lie', () => {
  const lie = show(noHeads(0), 4_000_000_000, { now: 0 }).heads;

  test('gives way when all other endpoints, two at least, contradict it', () => {
    const one = show(lie, 7_000_000, { endpoint: 1 });
    expect(one.objection).toMatch(/stale node/);
    const two = show(one.heads, 7_000_002, { endpoint: 2, now: 24_000 });
    expect(two).toMatchObject({ heads: { finalized: 7_000_002 }, objection: null });
    const liar = show(two.heads, 4_000_000_001, { endpoint: 0, now: 36_000 });
    expect(liar.objection).toMatch(/false node/);
  });

  test('gives way though the liar repeats it in between', () => {
    const one = show(lie, 7_000_000, { endpoint: 1 }).heads;
    const again = show(one, 4_000_000_001, { endpoint: 0 }).heads;
    const two = show(again, 7_000_002, { endpoint: 2, now: 24_000 });
    expect(two).toMatchObject({ heads: { finalized: 7_000_002 }, objection: null });
  });

  test('does not give way to an endpoint that contradicts it twice, nor to a doubt of long ago', () => {
    const one = show(lie, 7_000_000, { endpoint: 1 }).heads;
    expect(show(one, 7_000_002, { endpoint: 1 }).objection).toMatch(/stale node/);
    const later = { endpoint: 2, now: 5_000 + HOUR_MS };
    expect(show(one, 7_000_302, later).objection).toMatch(/stale node/);
  });

  test('does not give way while another endpoint bears it out', () => {
    const one = show(heads, 500, { endpoint: 1 }).heads;
    const borne = show(one, 1_000_000, { endpoint: 1 }).heads;
    expect(show(borne, 502, { endpoint: 2 }).objection).toMatch(/stale node/);
  });

  test.each([
    [1, 0],
    [2, 1],
  ])(
    'of %i endpoints, one that contradicts it is believed after an hour',
    (endpoints, endpoint) => {
      const early = show(lie, 7_000_000, { endpoints, endpoint, now: HOUR_MS - 1 });
      expect(early.objection).toMatch(/stale node/);
      const late = show(early.heads, 7_000_300, { endpoints, endpoint, now: HOUR_MS });
      expect(late).toMatchObject({ heads: { finalized: 7_000_300 }, objection: null });
    },
  );
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
    expect(at(0, noHeads(0))).toMatchObject({ known: false });
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
    patience({ pulse, heads: { ...heads, advancedAt }, since }, { limits, alternatives });

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
