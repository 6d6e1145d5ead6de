import { expect, test } from 'vitest';
import { compareWithOwner } from '#src/consensus/owner-comparison.ts';
import type { DecisionRecord, MinerMedian, Outcome } from '#src/events/decision.ts';
import { DivergenceRecorded } from '#src/events/divergence.ts';
import { sha256 } from '#src/events/hash.ts';
import { describeGate } from '#src/handlers/record-divergence.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const at = { family: 'general_chat', run: 'run-7' };
const miner = (index: number): string => hotkeyOf(`m${index}x`);

/** A decision over these medians (null is unscored), with this winner. */
function decisionOf(medians: readonly (number | null)[], winner: number | null): DecisionRecord {
  const outcome: Outcome = {
    ...at,
    v: 'eirel/outcome/1',
    rules: 'swm/1',
    genesis: sha256('genesis'),
    netuid: 36,
    roster: sha256('roster'),
    open: { known: false, reason: 'empty' },
    kind: 'hold',
    reason: 'quorum-missed',
    winner: winner === null ? null : { hotkey: miner(winner), uid: winner, registeredAt: 1 },
    vector: null,
    targetBlock: 32,
  };
  return {
    ...at,
    inputs: sha256('inputs'),
    quorum: { reported: '0', total: '0', coldkeys: 0, reached: false },
    medians: medians.map(
      (median, index): MinerMedian => ({
        miner: miner(index + 1),
        uid: index + 1,
        median,
        stake: '1',
        status: 'eligible',
      }),
    ),
    incumbent: null,
    outcome,
  };
}

/** What differs when the owner gives these weights, by the miner's number, and picks this winner. */
function compared(
  decision: DecisionRecord,
  weights: Readonly<Record<number, number>>,
  winner: number | null,
) {
  const { type, data } = compareWithOwner(decision, {
    ...at,
    winner: winner === null ? null : miner(winner),
    share: 1_000_000_000,
    scores: Object.entries(weights).map(([index, weight]) => ({
      miner: miner(Number(index)),
      weight,
    })),
    evidence: sha256('answer'),
  });
  expect(type).toBe('divergence.recorded.v1');
  return DivergenceRecorded.data.parse(data);
}

test('the same order and winner agree in every figure', () => {
  const decision = decisionOf([900, 600, 300], 1);
  expect(compared(decision, { 1: 9, 2: 6, 3: 3 }, 1)).toEqual({
    ...at,
    consensusWinner: miner(1),
    ownerWinner: miner(1),
    topOneAgrees: true,
    rank: { n: 3, num: '24', denA: '24', denB: '24' },
    overlap: { k: 3, common: 3 },
    inputs: decision.inputs,
    owner: sha256('answer'),
  });
});

test.for([
  { consensus: 1, owner: 1, agrees: true },
  { consensus: 1, owner: 2, agrees: false },
  { consensus: null, owner: 2, agrees: null },
  { consensus: 1, owner: null, agrees: null },
  { consensus: null, owner: null, agrees: null },
])('winner $consensus against the pick $owner agrees: $agrees', ({ consensus, owner, agrees }) => {
  expect(compared(decisionOf([9, 6], consensus), { 1: 9, 2: 6 }, owner).topOneAgrees).toBe(agrees);
});

test('only miners that both sides name are ranked', () => {
  const decision = decisionOf([900, null, 300, 100], 1);
  expect(compared(decision, { 1: 1, 2: 9, 3: 5, 9: 7 }, 2).rank).toEqual({
    n: 2,
    num: '-4',
    denA: '4',
    denB: '4',
  });
});

test.for<readonly [string, readonly (number | null)[], Readonly<Record<number, number>>]>([
  ['one common miner', [900, null], { 1: 1, 2: 2 }],
  ['all tied on one side', [900, 600], { 1: 5, 2: 5 }],
  ['no median', [], { 1: 1, 2: 2 }],
  ['no weight', [900, 600], {}],
])('with %s there is no rank correlation, which is not 0', ([, medians, weights]) => {
  expect(compared(decisionOf(medians, 1), weights, 1).rank).toBeNull();
});

test('the best three are compared as a set; a zero is no place among them', () => {
  const decision = decisionOf([900, 800, 700, 600], 1);
  expect(compared(decision, { 1: 1, 2: 7, 3: 8, 4: 9 }, 4).overlap).toEqual({ k: 3, common: 2 });
  expect(compared(decision, { 1: 1, 2: 0, 3: 0, 4: 0 }, 1).overlap).toEqual({ k: 1, common: 1 });
  expect(compared(decision, { 1: 0, 2: 0, 3: 0, 4: 0 }, null).overlap).toBeNull();
});

test('the gate is told in one line, without claiming what is undefined', () => {
  const summary = {
    window: { size: 20, firstRun: 'run-1', lastRun: 'run-19' },
    runs: 19,
    recorded: 18,
    missing: 1,
    repeated: 0,
    agreement: { agreed: 17, compared: 18 },
    undefinedRank: 2,
    meanRhoMillionths: 971_000,
    overlap: { common: 50, of: 54 },
    records: [],
  };
  expect(describeGate(summary)).toBe(
    'shadow divergence over 18 run(s): winner_agreement=94% mean_rank_rho=0.971000 missing=1',
  );
  const nothing = { agreement: { agreed: 0, compared: 0 }, meanRhoMillionths: null };
  expect(describeGate({ ...summary, ...nothing })).toContain(
    'winner_agreement=n/a mean_rank_rho=n/a',
  );
});
