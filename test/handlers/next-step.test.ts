import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Phases } from '#src/events/run.ts';
import type { WeightMode } from '#src/events/weights.ts';
import { nextStep } from '#src/handlers/next-step.ts';
import type { RunProgress, Step } from '#src/handlers/run-progress.ts';
import type { WeightProgress } from '#src/handlers/weight-progress.ts';

const PHASES: Phases = { snapshot: 20, commit: 24, decide: 28, certify: 32 };
const { snapshot, commit, decide, certify } = PHASES;
const HALF = (decide + certify) / 2;

const NOT_INTENDED: WeightProgress = {
  intended: null,
  superseded: false,
  last: null,
  unobserved: [],
  mismatched: false,
  dueAt: null,
  repeats: false,
  rateLimit: 100,
};

/** A run that was only just opened. */
const OPENED: RunProgress = {
  phases: PHASES,
  status: 'open',
  done: false,
  openTaken: false,
  openMissed: null,
  currentTaken: false,
  currentMissed: null,
  reportSigned: false,
  rostersDiffer: false,
  commits: false,
  commitment: null,
  proofDue: false,
  requireCommitment: false,
  commitmentsRead: null,
  commitmentsMissed: false,
  scoresOpened: false,
  decided: false,
  votes: true,
  decisionSigned: false,
  certified: false,
  certificateMissed: false,
  ownerKnown: false,
  ownerMissed: false,
  compared: false,
  anchor: { last: null, dueAt: null },
  weights: NOT_INTENDED,
  lane: { busy: false, commitmentDue: false, commitmentAhead: false, nextTarget: null },
};
const closed = { status: 'closed', openTaken: true, scoresOpened: true } as const;
const reported = { ...closed, reportSigned: true } as const;
const read = { ...reported, commitmentsRead: commit } as const;
const seated = { ...read, currentTaken: true } as const;
const decided = { ...seated, decided: true } as const;
const signed = { ...decided, decisionSigned: true } as const;
const certified = { ...signed, certified: true } as const;
const intent = { targetBlock: certify, carries: 'vector', awaitsCertificate: false };
const intended = { ...certified, weights: { ...NOT_INTENDED, intended: intent } };
const succeeded = { living: false, succeeded: true, retryAt: null, carries: 'vector' };
const living = { living: true, succeeded: false, retryAt: null };
const busy = { ...OPENED.lane, busy: true };
/** Its weights stand, and so does its commitment; the log was anchored with it. */
const ANCHOR_DUE = certify + 300;
const settled = {
  ...intended,
  commits: true,
  commitment: { living: false, succeeded: true, retryAt: null },
  weights: { ...intended.weights, last: succeeded },
  anchor: { last: null, dueAt: ANCHOR_DUE },
} as const;
const failed = (retryAt: number | null) => ({
  ...settled.anchor,
  last: { living: false, succeeded: false, retryAt },
});
const required = { ...reported, requireCommitment: true } as const;

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
  [
    'time to commit',
    'close-run',
    ANY,
    [commit - 2, commit, commit + 1],
    { openTaken: true, commits: true },
  ],
  [
    'time to score, and a commitment to come',
    'wait',
    ANY,
    [snapshot, commit - 3],
    { openTaken: true, commits: true },
  ],
  [
    'committed, and the chain not asked to prove it',
    'prove-commitment',
    ANY,
    [commit - 1, commit + 1, decide, certify + 99],
    { ...reported, commits: true, commitment: settled.commitment, proofDue: true },
  ],
  [
    'reported, in time to commit',
    'sign-commitment',
    ANY,
    [snapshot, commit - 1],
    { ...reported, commits: true },
  ],
  [
    'reported while the chain is silent',
    'sign-commitment',
    ANY,
    [snapshot],
    { status: 'closed', reportSigned: true, commits: true, openMissed: 'empty' },
  ],
  ['reported, too late to commit', 'wait', ANY, [commit], { ...reported, commits: true }],
  [
    'reported, another extrinsic under way',
    'wait',
    ANY,
    [snapshot, commit],
    { ...reported, commits: true, lane: busy },
  ],
  [
    'a commitment under way',
    'follow-commitment',
    ANY,
    [snapshot, decide, certify + 9],
    { ...reported, commits: true, commitment: living, lane: busy },
  ],
  [
    'a commitment that may be tried again',
    'sign-commitment',
    ANY,
    [snapshot + 1],
    { ...reported, commits: true, commitment: { ...living, living: false, retryAt: snapshot + 1 } },
  ],
  [
    'a commitment that has to wait',
    'wait',
    ANY,
    [snapshot],
    { ...reported, commits: true, commitment: { ...living, living: false, retryAt: snapshot + 1 } },
  ],
  [
    'committed',
    'wait',
    ANY,
    [snapshot, commit],
    { ...reported, commits: true, commitment: { ...living, living: false, succeeded: true } },
  ],
  ['reported, commitments unread', 'read-commitments', CONSENSUS, [commit + 1, decide], reported],
  [
    'a voter snapshot that was missed leaves no commitment to read',
    'decide',
    CONSENSUS,
    [HALF],
    { ...required, openTaken: false, openMissed: 'empty', currentTaken: true },
  ],
  [
    'required commitments that are not required in owner mode',
    'observe-owner',
    ['owner'],
    [decide],
    { ...required, currentTaken: true },
  ],
  [
    'required commitments that were missed',
    'decide',
    CONSENSUS,
    [HALF],
    { ...required, currentTaken: true, commitmentsRead: commit, commitmentsMissed: true },
  ],
  [
    'reported, nobody can commit any more',
    'open-scores',
    ANY,
    [commit + 1, decide, certify + 99],
    { ...reported, openTaken: false, scoresOpened: false },
  ],
  [
    'closed, with time for a report',
    'sign-report',
    ANY,
    [commit + 1, decide - 1],
    { ...closed, scoresOpened: false },
  ],
  [
    'closed too late for a report',
    'open-scores',
    ANY,
    [decide, certify + 99],
    { ...closed, scoresOpened: false },
  ],
  [
    'reported, somebody may still commit',
    'wait',
    ANY,
    [snapshot, commit],
    { ...reported, scoresOpened: false },
  ],
  [
    'a checkpoint to anchor',
    'sign-anchor',
    ['decentralized'],
    [ANCHOR_DUE, ANCHOR_DUE + 99],
    settled,
  ],
  ['anchored not long ago', 'wait', ['decentralized'], [ANCHOR_DUE - 1], settled],
  [
    'a checkpoint to anchor, commitments switched off',
    'wait',
    ['decentralized'],
    [ANCHOR_DUE],
    { ...settled, commits: false },
  ],
  [
    'a checkpoint to anchor, another extrinsic under way',
    'wait',
    ['decentralized'],
    [ANCHOR_DUE],
    { ...settled, lane: busy },
  ],
  [
    'a checkpoint to anchor, a commitment near its deadline',
    'wait',
    ['decentralized'],
    [ANCHOR_DUE],
    { ...settled, lane: { ...OPENED.lane, commitmentAhead: true } },
  ],
  [
    "a checkpoint to anchor, near the next run's target",
    'wait',
    ['decentralized'],
    [ANCHOR_DUE, ANCHOR_DUE + 83],
    { ...settled, lane: { ...OPENED.lane, nextTarget: ANCHOR_DUE + 84 } },
  ],
  [
    "a checkpoint to anchor, far from the next run's target",
    'sign-anchor',
    ['decentralized'],
    [ANCHOR_DUE, ANCHOR_DUE + 85],
    { ...settled, lane: { ...OPENED.lane, nextTarget: ANCHOR_DUE + 85 } },
  ],
  [
    'a checkpoint to anchor, near its own target',
    'wait',
    ['decentralized'],
    [certify - 1],
    { ...settled, anchor: { last: null, dueAt: snapshot } },
  ],
  [
    'weights and an anchor due at once',
    'sign-weights',
    ['decentralized'],
    [ANCHOR_DUE],
    { ...settled, weights: { ...settled.weights, dueAt: ANCHOR_DUE } },
  ],
  [
    'an anchor under way',
    'follow-anchor',
    ['decentralized'],
    [ANCHOR_DUE, ANCHOR_DUE + 9],
    { ...settled, anchor: { last: living, dueAt: ANCHOR_DUE }, lane: busy },
  ],
  [
    'an anchor that may be tried again',
    'sign-anchor',
    ['decentralized'],
    [ANCHOR_DUE + 2],
    { ...settled, anchor: failed(ANCHOR_DUE + 2) },
  ],
  [
    'an anchor that has to wait',
    'wait',
    ['decentralized'],
    [ANCHOR_DUE + 1],
    { ...settled, anchor: failed(ANCHOR_DUE + 2) },
  ],
  [
    'superseded, its commitment still the newest',
    'sign-anchor',
    ANY,
    [ANCHOR_DUE],
    { ...settled, done: true, weights: { ...settled.weights, superseded: true } },
  ],
  ['done', 'wait', ANY, [snapshot, commit + 1, decide, certify, 999], { done: true }],
  ['scores are still taken', 'wait', ANY, [snapshot, commit], { openTaken: true }],
  ['closed early', 'sign-report', ANY, [snapshot, commit], closed],
  [
    'closed while the chain is silent',
    'sign-report',
    ANY,
    [snapshot, decide - 1],
    { status: 'closed', openMissed: 'empty' },
  ],
  [
    'two rosters, before anything was reported',
    'close-run',
    ANY,
    [snapshot, commit, commit + 1],
    { openTaken: true, rostersDiffer: true },
  ],
  [
    'two rosters, closed: nothing is reported',
    'wait',
    ANY,
    [snapshot, commit],
    { ...closed, rostersDiffer: true },
  ],
  [
    'two rosters that came out after the report',
    'sign-commitment',
    ANY,
    [snapshot, commit - 1],
    { ...reported, commits: true, rostersDiffer: true },
  ],
  ['reported early', 'wait', ANY, [snapshot, commit], reported],
  ['the commit block is final', 'close-run', ANY, [commit + 1, certify + 9], { openTaken: true }],
  ['closed', 'sign-report', ANY, [commit + 1, decide - 1], closed],
  ['read', 'exchange-reports', CONSENSUS, [commit + 1, decide - 1], read],
  ['reported, needing no report', 'wait', ['owner'], [commit + 1, decide - 1], reported],
  ['at the decide block', 'take-current-snapshot', ANY, [decide, certify + 9], read],
  ['too late for a report', 'take-current-snapshot', ['owner'], [decide, certify + 9], closed],
  [
    'seats that were missed, until half of the certify phase',
    'take-current-snapshot',
    ANY,
    [decide, HALF - 1],
    { ...read, currentMissed: 'unavailable' },
  ],
  [
    'seats that were missed, at half',
    'decide',
    CONSENSUS,
    [HALF, certify + 9],
    { ...read, currentMissed: 'unavailable' },
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
    { ...intended, weights: { ...intended.weights, superseded: true } },
  ],
  ['intended, at the target', 'sign-weights', ['decentralized'], [certify, 999], intended],
  [
    'nothing to set',
    'done',
    ['decentralized'],
    [decide, certify],
    { ...certified, weights: { ...NOT_INTENDED, intended: { ...intent, carries: null } } },
  ],
  [
    'weights under way',
    'follow-weights',
    ['decentralized'],
    [certify, 999],
    { ...intended, weights: { ...intended.weights, last: { ...living, carries: 'vector' } } },
  ],
  [
    'weights that the chain shows by now',
    'observe-weights',
    ['decentralized'],
    [certify, 999],
    {
      ...intended,
      weights: {
        ...intended.weights,
        last: succeeded,
        unobserved: [{ attempt: 1, from: certify }],
      },
    },
  ],
  [
    'held for want of a certificate',
    'follow-certificate',
    ['decentralized'],
    [certify + 1, 999],
    {
      ...signed,
      certificateMissed: true,
      weights: { ...NOT_INTENDED, intended: { ...intent, awaitsCertificate: true } },
    },
  ],
  [
    'held, and the certificate came to be known',
    'intend-weights',
    ['decentralized'],
    [certify + 1, 999],
    {
      ...certified,
      certificateMissed: true,
      weights: { ...NOT_INTENDED, intended: { ...intent, awaitsCertificate: true } },
    },
  ],
];

/** Cases of other steps are of runs that are opened. */
test.for(CASES)('%s: %s', ([, step, modes, blocks, progress]) => {
  for (const mode of modes)
    for (const block of blocks)
      expect([
        mode,
        block,
        nextStep({ ...OPENED, scoresOpened: true, ...progress }, block, mode),
      ]).toEqual([mode, block, step]);
});

test('weights are set again when their period is over, though what the chain holds stays unknown', () => {
  const unobserved = [{ attempt: 1, from: certify + 1 }];
  const weights = { ...intended.weights, last: succeeded, unobserved, dueAt: certify + 180 };
  const progress = { ...OPENED, ...intended, weights };
  const after = (block: number, ...tried: Step[]) =>
    nextStep(progress, block, 'decentralized', new Set(tried));
  expect(after(certify + 179)).toBe('observe-weights');
  expect(after(certify + 179, 'observe-weights')).toBe('wait');
  // A chain that hangs where it is asked what it holds must not keep them from being set.
  expect(after(certify + 180)).toBe('sign-weights');
  expect(after(certify + 180, 'sign-weights')).toBe('observe-weights');
});

test.for<readonly [string, Partial<WeightProgress>]>([
  ['whose period is over', { dueAt: certify }],
  ['that the chain did not take over', { mismatched: true }],
  [
    'that failed when they were set again',
    { last: { living: false, succeeded: false, retryAt: certify, carries: 'vector' } },
  ],
])('weights %s are not set again within the rate limit of the next run', ([, state]) => {
  const weights = { ...intended.weights, repeats: true, last: succeeded, rateLimit: 360, ...state };
  const stepBefore = (blocks: number, last: Partial<WeightProgress> = {}) =>
    nextStep(
      {
        ...OPENED,
        ...intended,
        weights: { ...weights, ...last },
        lane: { ...OPENED.lane, nextTarget: certify + 10 + blocks },
      },
      certify + 10,
      'decentralized',
    );
  // With the blocks that an inclusion takes.
  expect([366, 365, 360, 100, 1].map((blocks) => stepBefore(blocks))).toEqual([
    'sign-weights',
    ...Array.from({ length: 4 }, () => 'wait'),
  ]);
  // What was never set is not held back, whatever the next run does.
  const other = { ...succeeded, carries: 'another vector' };
  for (const last of [null, other])
    expect(stepBefore(1, { repeats: false, last })).toBe('sign-weights');
});

/** Once in a run at most, and in this order. */
const ONCE: readonly Step[] = [
  'open-scores',
  'take-current-snapshot',
  'miss-commitments',
  'decide',
  'sign-decision',
  'miss-certificate',
  'miss-owner',
  'compare-with-owner',
];

const EVERY: readonly Step[] = [
  ...ONCE,
  'wait',
  'follow-commitment',
  'follow-anchor',
  'follow-weights',
  'close-run',
  'sign-report',
  'sign-commitment',
  'prove-commitment',
  'take-open-snapshot',
  'read-commitments',
  'exchange-reports',
  'exchange-decisions',
  'follow-certificate',
  'observe-owner',
  'intend-weights',
  'supersede-weights',
  'sign-weights',
  'observe-weights',
  'sign-anchor',
  'done',
];

test('required commitments that stay unknown are waited for until half of the certify phase', () => {
  const unknown = { ...OPENED, ...required, currentTaken: true };
  const tried = new Set<Step>(['read-commitments']);
  for (const mode of CONSENSUS) {
    expect(nextStep(unknown, decide, mode)).toBe('read-commitments');
    expect(nextStep(unknown, decide, mode, tried)).toBe('wait');
    expect(nextStep(unknown, HALF, mode, tried)).toBe('miss-commitments');
    expect(nextStep({ ...unknown, requireCommitment: false }, decide, mode, tried)).toBe('decide');
  }
});

test('a long commit phase is read piece by piece', () => {
  const long = {
    ...OPENED,
    ...reported,
    phases: { ...PHASES, commit: 200, decide: 204, certify: 208 },
  };
  const at = (block: number, commitmentsRead: number | null) =>
    nextStep({ ...long, commitmentsRead }, block, 'decentralized');
  expect([at(69, null), at(70, null), at(119, 70), at(121, 70)]).toEqual([
    'wait',
    'read-commitments',
    'wait',
    'read-commitments',
  ]);
  expect([at(200, 170), at(201, 170), at(201, 200)]).toEqual([
    'wait',
    'read-commitments',
    'exchange-reports',
  ]);
});

test('the cases reach every step', () => {
  const reached = [...CASES.map(([, step]) => step), 'miss-commitments'];
  expect(new Set(reached)).toEqual(new Set(EVERY));
});

test('what was tried at a block gives way to what can go on, and is not tried again', () => {
  const progress = { ...OPENED, ...reported, commitment: living, commits: true };
  const tried = new Set<Step>();
  const steps: Step[] = [];
  for (;;) {
    const step = nextStep(progress, commit + 1, 'decentralized', tried);
    steps.push(step);
    if (step === 'wait') break;
    tried.add(step);
  }
  expect(steps).toEqual(['follow-commitment', 'read-commitments', 'exchange-reports', 'wait']);
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
    case 'open-scores':
      return { ...progress, scoresOpened: true };
    case 'prove-commitment':
      return { ...progress, proofDue: false };
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
      return weigh(progress, {
        intended: {
          targetBlock: progress.phases.certify,
          carries: settable ? 'vector' : null,
          awaitsCertificate: false,
        },
      });
    case 'sign-commitment':
      return { ...progress, commitment: living };
    case 'follow-commitment':
      return good
        ? { ...progress, commitment: { living: false, succeeded: true, retryAt: null } }
        : progress;
    case 'read-commitments':
      return good ? { ...progress, commitmentsRead: progress.phases.commit } : progress;
    case 'miss-commitments':
      return good
        ? { ...progress, commitmentsRead: progress.phases.commit }
        : { ...progress, commitmentsMissed: true };
    case 'sign-weights':
      return weigh(progress, { last: { ...living, carries: 'vector' } });
    case 'follow-weights':
      return good
        ? weigh(progress, {
            last: { living: false, succeeded: true, retryAt: null, carries: 'vector' },
            unobserved: [{ attempt: 1, from: 0 }],
          })
        : progress;
    case 'observe-weights':
      return good ? weigh(progress, { unobserved: [] }) : progress;
    default:
      return progress;
  }
}

function weigh(progress: RunProgress, weights: Partial<WeightProgress>): RunProgress {
  return { ...progress, weights: { ...progress.weights, ...weights } };
}

/** As the handlers do at one block: on until nothing untried is left, or the run ends. */
function advance(
  start: RunProgress,
  block: number,
  { mode, good, settable }: { mode: WeightMode; good: () => boolean; settable: boolean },
): { progress: RunProgress; steps: readonly Step[] } {
  let progress = start;
  const steps: Step[] = [];
  for (;;) {
    const step = nextStep(progress, block, mode, new Set(steps));
    if (step === 'wait' || step === 'done') return { progress, steps };
    steps.push(step);
    progress = taken(progress, step, good(), settable);
  }
}

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
  commits: fc.boolean(),
  requireCommitment: fc.boolean(),
  settable: fc.boolean(),
  visits: fc.array(fc.record({ later: fc.nat(6), luck: fc.infiniteStream(fc.boolean()) }), {
    maxLength: 12,
  }),
});

test('steps that are taken once come in their order, and every run ends soon after its deadline', () => {
  fc.assert(
    fc.property(world, ({ phases, mode, settable, visits, ...given }) => {
      let progress: RunProgress = { ...OPENED, ...given, phases };
      let block = 0;
      const all: Step[] = [];
      for (const { later, luck } of visits) {
        block += later;
        const good = (): boolean => luck.next().value === true;
        const visit = advance(progress, block, { mode, good, settable });
        progress = visit.progress;
        all.push(...visit.steps);
      }
      // From here on everybody answers: two visits are enough, whatever was left undone.
      for (block = Math.max(block, phases.certify); ; block++) {
        const last = advance(progress, block, { mode, good: () => true, settable });
        progress = last.progress;
        all.push(...last.steps);
        if (block > phases.certify + 1) break;
      }
      expect(nextStep(progress, block + 1, mode)).toBe(settable ? 'wait' : 'done');
      expect(progress.weights.last?.succeeded ?? !settable).toBe(true);
      const once = all.filter((step) => ONCE.includes(step));
      const ranks = once.map((step) => ONCE.indexOf(step));
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      for (const step of ONCE.filter((step) => step !== 'take-current-snapshot'))
        expect(all.filter((each) => each === step).length).toBeLessThanOrEqual(1);
      const shared = all.indexOf('exchange-reports');
      if (shared >= 0) expect(all.slice(0, shared)).toContain('sign-report');
    }),
  );
});

test('a run whose chain never answers still ends', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ANY),
      fc.nat(9),
      fc.boolean(),
      (mode, late, requireCommitment) => {
        const never = { mode, good: () => false, settable: false };
        const opened = { ...OPENED, requireCommitment };
        let progress: RunProgress = opened;
        for (let block = snapshot; block <= certify + late; block++)
          ({ progress } = advance(progress, block, never));
        expect(nextStep(progress, certify + late, mode)).toBe('done');
        // A validator that was away all the time needs one more visit to find each answer missing.
        const first = advance(opened, certify + late, never);
        const second = advance(first.progress, certify + late, never);
        expect(nextStep(second.progress, certify + late, mode)).toBe('done');
      },
    ),
  );
});
