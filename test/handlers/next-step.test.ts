import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Phases } from '#src/events/run.ts';
import type { WeightMode } from '#src/events/weights.ts';
import { nextStep, type RunProgress, type Step } from '#src/handlers/next-step.ts';

const PHASES: Phases = { snapshot: 20, commit: 24, decide: 28, certify: 32 };
const { snapshot, commit, decide, certify } = PHASES;
const HALF = (decide + certify) / 2;

/** A run that was only just opened. */
const OPENED: RunProgress = {
  phases: PHASES,
  status: 'open',
  openTaken: false,
  openMissed: null,
  currentTaken: false,
  currentMissed: null,
  reportSigned: false,
  decided: false,
  votes: true,
  decisionSigned: false,
  certified: false,
  certificateMissed: false,
  ownerKnown: false,
  ownerMissed: false,
  compared: false,
  intended: null,
  superseded: false,
  submitted: false,
  observed: false,
};
const closed = { status: 'closed', openTaken: true } as const;
const reported = { ...closed, reportSigned: true } as const;
const seated = { ...reported, currentTaken: true } as const;
const decided = { ...seated, decided: true } as const;
const signed = { ...decided, decisionSigned: true } as const;
const certified = { ...signed, certified: true } as const;
const intended = { ...certified, intended: { settable: true, targetBlock: certify } } as const;
const submitted = { ...intended, submitted: true } as const;

const ANY: readonly WeightMode[] = ['owner', 'shadow', 'decentralized'];
const CONSENSUS: readonly WeightMode[] = ['shadow', 'decentralized'];

type Case = readonly [
  title: string,
  step: Step,
  modes: readonly WeightMode[],
  blocks: readonly number[],
  progress: Partial<RunProgress>,
];

const CASES: readonly Case[] = [
  ['before the snapshot block', 'wait', ANY, [0, snapshot - 1], {}],
  ['from the snapshot block on', 'take-open-snapshot', ANY, [snapshot, commit], {}],
  [
    'a snapshot that was missed, until half of the certify phase',
    'take-open-snapshot',
    ANY,
    [snapshot, commit],
    { openMissed: 'empty' },
  ],
  [
    'still open, the chain silent or slept through',
    'close-run',
    ANY,
    [commit + 1, decide, HALF, certify + 99],
    { openMissed: 'empty' },
  ],
  [
    'a snapshot block that was slept through',
    'take-open-snapshot',
    ANY,
    [decide, certify + 99],
    { status: 'closed' },
  ],
  [
    'a missed snapshot, closed',
    'take-open-snapshot',
    ANY,
    [decide, HALF - 1],
    { status: 'closed', openMissed: 'empty' },
  ],
  ['scores are still taken', 'wait', ANY, [snapshot, commit], { openTaken: true }],
  ['closed early', 'sign-report', ANY, [snapshot, commit], closed],
  [
    'closed while the chain is silent',
    'sign-report',
    ANY,
    [snapshot, decide - 1],
    { status: 'closed', openMissed: 'empty' },
  ],
  ['reported early', 'wait', ANY, [snapshot, commit], reported],
  ['the commit block is final', 'close-run', ANY, [commit + 1, certify + 9], { openTaken: true }],
  ['closed', 'sign-report', ANY, [commit + 1, decide - 1], closed],
  ['reported', 'exchange-reports', CONSENSUS, [commit + 1, decide - 1], reported],
  ['reported, needing no report', 'wait', ['owner'], [commit + 1, decide - 1], reported],
  ['at the decide block', 'take-current-snapshot', ANY, [decide, certify + 9], reported],
  ['too late for a report', 'take-current-snapshot', ANY, [decide, certify + 9], closed],
  [
    'seats that were missed, until half of the certify phase',
    'take-current-snapshot',
    ANY,
    [decide, HALF - 1],
    { ...reported, currentMissed: 'unavailable' },
  ],
  [
    'seats that were missed, at half',
    'decide',
    CONSENSUS,
    [HALF, certify + 9],
    { ...reported, currentMissed: 'unavailable' },
  ],
  ['seated', 'decide', CONSENSUS, [decide, certify + 9], seated],
  ['decided', 'sign-decision', CONSENSUS, [decide, certify - 1], decided],
  [
    'decided without a vote',
    'exchange-decisions',
    CONSENSUS,
    [decide],
    { ...decided, votes: false },
  ],
  ['signed', 'exchange-decisions', CONSENSUS, [decide, certify - 1], signed],
  ['signed, at the deadline', 'miss-certificate', CONSENSUS, [certify, certify + 9], signed],
  ['decided after the deadline', 'miss-certificate', CONSENSUS, [certify], decided],
  ['certified', 'intend-weights', ['decentralized'], [decide, certify + 9], certified],
  [
    'certificate missed',
    'intend-weights',
    ['decentralized'],
    [certify],
    { ...signed, certificateMissed: true },
  ],
  ['seated, the owner not asked', 'observe-owner', ['owner'], [decide, certify - 1], seated],
  ['the owner silent at the deadline', 'miss-owner', ['owner'], [certify, certify + 9], seated],
  ['certified, the owner not asked', 'observe-owner', ['shadow'], [decide, certify - 1], certified],
  ['certified, the owner silent', 'miss-owner', ['shadow'], [certify, certify + 9], certified],
  [
    'the owner known',
    'compare-with-owner',
    ['shadow'],
    [decide, certify + 9],
    { ...certified, ownerKnown: true },
  ],
  [
    'compared',
    'intend-weights',
    ['shadow'],
    [decide],
    { ...certified, ownerKnown: true, compared: true },
  ],
  [
    'the owner missed',
    'intend-weights',
    ['shadow'],
    [certify],
    { ...certified, ownerMissed: true },
  ],
  ['the owner known', 'intend-weights', ['owner'], [decide], { ...seated, ownerKnown: true }],
  ['the owner missed', 'intend-weights', ['owner'], [certify], { ...seated, ownerMissed: true }],
  ['intended, before the target', 'wait', ['decentralized'], [decide, certify - 1], intended],
  [
    'intended, but a later run has intended',
    'supersede-weights',
    ['decentralized'],
    [certify, 999],
    { ...intended, superseded: true },
  ],
  ['intended, at the target', 'submit-weights', ['decentralized'], [certify, 999], intended],
  [
    'nothing to set',
    'done',
    ['decentralized'],
    [decide, certify],
    { ...certified, intended: { settable: false, targetBlock: certify } },
  ],
  ['submitted', 'observe-weights', ['decentralized'], [certify, 999], submitted],
  ['observed', 'done', ['decentralized'], [certify, 999], { ...submitted, observed: true }],
];

test.for(CASES)('%s: %s', ([, step, modes, blocks, progress]) => {
  for (const mode of modes)
    for (const block of blocks)
      expect([mode, block, nextStep({ ...OPENED, ...progress }, block, mode)]).toEqual([
        mode,
        block,
        step,
      ]);
});

/** In the order in which they are taken; `wait` has no place. */
const ORDER: readonly Step[] = [
  'take-open-snapshot',
  'close-run',
  'sign-report',
  'exchange-reports',
  'take-current-snapshot',
  'decide',
  'sign-decision',
  'exchange-decisions',
  'miss-certificate',
  'observe-owner',
  'miss-owner',
  'compare-with-owner',
  'intend-weights',
  'supersede-weights',
  'submit-weights',
  'observe-weights',
  'done',
];

test('the cases reach every step', () => {
  expect(new Set(CASES.map(([, step]) => step))).toEqual(new Set(['wait', ...ORDER]));
});

/** What a step leaves in the log: `good` when everybody else plays along. */
function taken(progress: RunProgress, step: Step, good: boolean, settable: boolean): RunProgress {
  switch (step) {
    case 'take-open-snapshot':
      return good ? { ...progress, openTaken: true } : { ...progress, openMissed: 'empty' };
    case 'take-current-snapshot':
      return good ? { ...progress, currentTaken: true } : { ...progress, currentMissed: 'empty' };
    case 'close-run':
      return { ...progress, status: 'closed' };
    case 'sign-report':
      return { ...progress, reportSigned: true };
    case 'decide':
      return { ...progress, decided: true };
    case 'sign-decision':
      return { ...progress, decisionSigned: true };
    case 'exchange-decisions':
      return { ...progress, certified: good };
    case 'miss-certificate':
      return good ? { ...progress, certified: true } : { ...progress, certificateMissed: true };
    case 'observe-owner':
      return { ...progress, ownerKnown: good };
    case 'miss-owner':
      return good ? { ...progress, ownerKnown: true } : { ...progress, ownerMissed: true };
    case 'compare-with-owner':
      return { ...progress, compared: true };
    case 'intend-weights':
      return { ...progress, intended: { settable, targetBlock: progress.phases.certify } };
    case 'submit-weights':
      return { ...progress, submitted: good };
    case 'observe-weights':
      return { ...progress, observed: good };
    default:
      return progress;
  }
}

/** As the handlers do at one block: on until a step repeats, waits or ends. */
function advance(
  start: RunProgress,
  block: number,
  { mode, good, settable }: { mode: WeightMode; good: () => boolean; settable: boolean },
): { progress: RunProgress; steps: readonly Step[] } {
  let progress = start;
  const steps: Step[] = [];
  for (;;) {
    const step = nextStep(progress, block, mode);
    if (step === 'wait' || step === 'done' || step === steps.at(-1)) return { progress, steps };
    steps.push(step);
    progress = taken(progress, step, good(), settable);
  }
}

/** `advance-run.ts` gives up a round after so many steps: no run may need more. */
const MAX_STEPS = 24;

const length = fc.integer({ min: 1, max: 9 });

const world = fc.record({
  phases: fc
    .record({ snapshot: fc.nat(9), sealed: length, exchange: length, agree: length })
    .map(({ snapshot, sealed, exchange, agree }): Phases => {
      const decide = snapshot + sealed + exchange;
      return { snapshot, commit: snapshot + sealed, decide, certify: decide + agree };
    }),
  mode: fc.constantFrom(...ANY),
  status: fc.constantFrom('open' as const, 'closed' as const),
  votes: fc.boolean(),
  settable: fc.boolean(),
  visits: fc.array(fc.record({ later: fc.nat(6), luck: fc.infiniteStream(fc.boolean()) }), {
    maxLength: 12,
  }),
});

test('no step comes after a later one, and every run ends soon after its deadline', () => {
  fc.assert(
    fc.property(world, ({ phases, mode, status, votes, settable, visits }) => {
      let progress: RunProgress = { ...OPENED, phases, status, votes };
      let block = 0;
      const all: Step[] = [];
      for (const { later, luck } of visits) {
        block += later;
        const good = (): boolean => luck.next().value === true;
        const visit = advance(progress, block, { mode, good, settable });
        expect(visit.steps.length).toBeLessThanOrEqual(MAX_STEPS);
        progress = visit.progress;
        all.push(...visit.steps);
      }
      // From here on everybody answers: one visit is enough, whatever was left undone.
      block = Math.max(block, phases.certify);
      const last = advance(progress, block, { mode, good: () => true, settable });
      all.push(...last.steps);
      expect(last.steps.length).toBeLessThanOrEqual(MAX_STEPS);
      expect(nextStep(last.progress, block, mode)).toBe('done');
      // A run is closed and reported whatever the chain says, so these have no place among the others.
      const free: readonly Step[] = ['close-run', 'sign-report'];
      const ranks = all.filter((step) => !free.includes(step)).map((step) => ORDER.indexOf(step));
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      const shared = all.indexOf('exchange-reports');
      if (shared >= 0) expect(all.slice(0, shared)).toContain('sign-report');
    }),
  );
});

test('a run whose chain never answers still ends', () => {
  fc.assert(
    fc.property(fc.constantFrom(...ANY), fc.nat(9), (mode, late) => {
      const never = { mode, good: () => false, settable: false };
      let progress = OPENED;
      for (let block = snapshot; block <= certify + late; block++)
        ({ progress } = advance(progress, block, never));
      expect(nextStep(progress, certify + late, mode)).toBe('done');
      // A validator that was away all the time needs one more visit to find each answer missing.
      const first = advance(OPENED, certify + late, never);
      expect(nextStep(first.progress, certify + late, mode)).toBe('done');
    }),
  );
});
