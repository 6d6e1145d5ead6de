import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DecisionFacts, decide, holdOutcome } from '#src/consensus/decide.ts';
import { NANO } from '#src/consensus/nano.ts';
import { digestOf } from '#src/consensus/outcome.ts';
import type { ReportFact } from '#src/consensus/report-inputs.ts';
import { DecisionMade, InputsGathered } from '#src/events/decision.ts';
import { encode } from '#src/events/ej1.ts';
import vectors from '../vectors/decide.json' with { type: 'json' };
import { hotkeyOf } from './fake-keys.ts';
import { asJson, sampleFacts } from './sample-facts.ts';

describe('decide', () => {
  test.each(vectors.cases)('$name', ({ changes, expected }) => {
    const { inputs, decision } = decide(sampleFacts(changes));
    const { kind, reason, winner, vector } = decision.outcome;
    expect({
      kind,
      reason,
      winner,
      vector,
      statuses: decision.medians.map(({ status }) => status),
      medians: decision.medians.map(({ median }) => median),
      reports: inputs.reports.map(({ status }) => status),
      inputs: digestOf(inputs),
      outcome: digestOf(decision.outcome),
      decision: digestOf(decision),
    }).toEqual(expected);
    expect(decision.inputs).toBe(expected.inputs);
  });

  test.each(vectors.cases)('the records of "$name" are events', ({ changes }) => {
    const { inputs, decision } = decide(sampleFacts(changes));
    expect(InputsGathered.data.parse(inputs)).toEqual(inputs);
    expect(DecisionMade.data.parse(decision)).toEqual(decision);
  });

  test('the order of the reports changes no byte', () => {
    const orders = reportsOf(sampleFacts()).chain((reports) =>
      fc.tuple(fc.constant(reports), fc.shuffledSubarray(reports, { minLength: reports.length })),
    );
    fc.assert(
      fc.property(orders, ([reports, others]) => {
        const [a, b] = [
          decide({ ...sampleFacts(), reports }),
          decide({ ...sampleFacts(), reports: others }),
        ];
        expect(encode(asJson(a))).toBe(encode(asJson(b)));
      }),
    );
  });

  test('any reports lead to records that are events, with one entry for each voter', () => {
    fc.assert(
      fc.property(reportsOf(sampleFacts()), (reports) => {
        const { inputs, decision } = decide({ ...sampleFacts(), reports });
        expect(InputsGathered.data.safeParse(inputs).success).toBe(true);
        expect(DecisionMade.data.safeParse(decision).success).toBe(true);
        expect(inputs.reports.map(({ hotkey }) => hotkey)).toEqual(
          ['A', 'B', 'C', 'D'].map(voterOf),
        );
      }),
    );
  });

  test('hostile stake below half of the quorum never moves a median out of the honest scores', () => {
    const scene = fc.record({
      stakes: fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 4, maxLength: 4 }),
      hostile: fc.uniqueArray(fc.nat(3), { maxLength: 3 }),
      silent: fc.uniqueArray(fc.nat(3), { maxLength: 2 }),
      scores: fc.array(fc.tuple(score, score, score), { minLength: 4, maxLength: 4 }),
      omitted: fc.nat(3),
    });
    fc.assert(
      fc.property(scene, ({ stakes, hostile, silent, scores, omitted }) => {
        const total = stakes.reduce((a, b) => a + b, 0);
        const hostileStake = hostile.reduce((sum, index) => sum + (stakes[index] ?? 0), 0);
        // A third of all stake is half of the quorum of two thirds.
        fc.pre(3 * hostileStake < total);
        const facts = sampleFacts(
          Object.fromEntries(
            stakes.map((stake, index) => [`/open/snapshot/voters/${index}/stake`, String(stake)]),
          ),
        );
        const reports = scores.flatMap((given, index) => {
          if (silent.includes(index)) return [];
          // A liar may leave out a miner as well; the honest score everybody.
          const scored = facts.miners.flatMap((miner, at) =>
            hostile.includes(index) && at === omitted ? [] : [[miner, given[at]]],
          );
          return [accepted(index, Object.fromEntries(scored))];
        });
        const { medians, quorum } = decide({ ...facts, reports }).decision;
        expect(medians.length).toBe(quorum.reached ? 3 : 0);
        for (const { miner, median } of medians) {
          const at = facts.miners.indexOf(miner);
          const honest = scores.flatMap((given, index) =>
            hostile.includes(index) || silent.includes(index) ? [] : [given[at] ?? 0],
          );
          expect(median).toBeGreaterThanOrEqual(Math.min(...honest));
          expect(median).toBeLessThanOrEqual(Math.max(...honest));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a miner that nobody scored is insufficient, even where no stake is asked for', () => {
    const facts = sampleFacts({ '/rules/minerQuorum': { num: 0, den: 1 } });
    const reports = [0, 1, 2, 3].map((index) => accepted(index, { [hotkeyOf('MinerA')]: 1 }));
    const { medians } = decide({ ...facts, reports }).decision;
    expect(medians.map(({ median, status }) => [median, status])).toEqual([
      [1, 'eligible'],
      [null, 'insufficient'],
      [null, 'insufficient'],
    ]);
  });

  test('a voter that the snapshot lists twice is refused', () => {
    const facts = sampleFacts();
    if (!facts.open.known) return expect.unreachable();
    const { snapshot } = facts.open;
    const voters = [...snapshot.voters, ...snapshot.voters.slice(0, 1)];
    return expect(() =>
      decide({ ...facts, open: { known: true, snapshot: { ...snapshot, voters } } }),
    ).toThrow('each hotkey once');
  });
});

describe('holdOutcome', () => {
  const incumbent = { hotkey: hotkeyOf('MinerC'), uid: 3, registeredAt: 70 };

  test('a missed certificate pays the incumbent, whoever would have won', () => {
    const facts = sampleFacts({ '/open/snapshot/incumbent': incumbent });
    expect(decide(facts).decision.outcome.winner?.hotkey).toBe(hotkeyOf('MinerB'));
    expect(holdOutcome(facts, 'certificate-missed')).toMatchObject({
      kind: 'hold',
      reason: 'certificate-missed',
      winner: incumbent,
      vector: [
        { uid: 0, weight: 65_535 },
        { uid: 3, weight: 65_535 },
      ],
      targetBlock: 400,
    });
  });

  test('without an incumbent it burns', () => {
    expect(holdOutcome(sampleFacts(), 'certificate-missed')).toMatchObject({
      kind: 'burn',
      reason: 'certificate-missed',
      winner: null,
      vector: [{ uid: 0, weight: 65_535 }],
    });
  });

  test('while the chain is unknown nothing is set', () => {
    const facts = sampleFacts({ '/current': { known: false, reason: 'unavailable' } });
    expect(holdOutcome(facts, 'certificate-missed')).toMatchObject({
      kind: 'hold',
      winner: null,
      vector: null,
    });
  });

  test('a hold of a decision is the same outcome for the same reason', () => {
    const facts = sampleFacts({ '/reports': [] });
    expect(holdOutcome(facts, 'quorum-missed')).toEqual(decide(facts).decision.outcome);
  });
});

const score = fc.integer({ min: 0, max: NANO });

function voterOf(name: string): string {
  return hotkeyOf(`Voter${name}`);
}

function accepted(index: number, scores: Record<string, number>): ReportFact {
  return {
    hotkey: voterOf('ABCD'.charAt(index)),
    status: 'accepted',
    reason: null,
    digest: 'ab'.repeat(32),
    scoreDigest: 'cd'.repeat(32),
    scores,
  };
}

/** Facts about reports in any number and state: of voters and strangers, repeated and contradictory. */
function reportsOf({ miners }: DecisionFacts): fc.Arbitrary<ReportFact[]> {
  const hotkey = fc.constantFrom('A', 'B', 'C', 'D', 'X').map(voterOf);
  const digest = fc.constantFrom('aa'.repeat(32), 'bb'.repeat(32));
  const scored = fc
    .record({ hotkey, digest, scores: fc.dictionary(fc.constantFrom(...miners), score) })
    // One digest has one score map: what a digest of real bytes guarantees.
    .map(
      ({ hotkey, digest, scores }): ReportFact => ({
        hotkey,
        status: 'accepted',
        reason: null,
        digest: digestOf({ digest, hotkey, scores }),
        scoreDigest: digestOf({ hotkey, scores }),
        scores,
      }),
    );
  const refused = fc.record({
    hotkey,
    status: fc.constantFrom('rejected' as const, 'equivocated' as const),
    reason: fc.constantFrom(null, 'wrong-run' as const, 'bad-signature' as const),
    digest: fc.option(digest),
    scores: fc.constant(null),
  });
  return fc.array(fc.oneof(scored, refused), { maxLength: 12 });
}
