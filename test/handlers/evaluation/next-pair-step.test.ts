import { expect, test } from 'vitest';
import { MAX_REFUSALS, MAX_UNREACHABLE } from '#src/evaluation/failure-limits.ts';
import { nextPairStep, type PairStep } from '#src/handlers/evaluation/next-pair-step.ts';
import { evaluation } from '#src/projectors/evaluation.ts';
import { type Invoked, type PairState, pairOf } from '#src/projectors/evaluation-queries.ts';
import { evaluationEvents } from '../../support/evaluation-events.ts';
import { hotkey, project } from '../../support/recorded-events.ts';

const PLACE = { family: 'general_chat', run: 'run-7' };
const PAIR = { ...PLACE, task: 't-1', miner: hotkey('m') };
const EVENTS = evaluationEvents(PLACE);
const dataOf = (type: string) => EVENTS.find((event) => event.type === type)?.data;
const ANSWERED = dataOf('task.invoked.v1') as Invoked; // safe: it is of that type
const EVIDENCE = dataOf('evidence.gathered.v1') as PairState['evidence']; // safe: as above
const JUDGED = dataOf('task.judged.v1') as PairState['judged']; // safe: as above
const NOTHING: PairState = {
  invoked: null,
  evidence: null,
  judged: null,
  refusals: 0,
  unreachable: 0,
  excuses: 0,
  lastExcused: 0,
  status: null,
};
const invoked = (outcome: Invoked['outcome'], attempt = 1) => ({ ...ANSWERED, outcome, attempt });

test.for<[string, Partial<PairState>, PairStep]>([
  ['nobody asked', {}, { kind: 'invoke', attempt: 1 }],
  [
    'did not answer',
    { invoked: invoked('unreachable', 3), unreachable: MAX_UNREACHABLE - 1 },
    { kind: 'invoke', attempt: 4 },
  ],
  ['was excused', { excuses: 1, lastExcused: 2 }, { kind: 'invoke', attempt: 3 }],
  [
    'did not answer, and was excused then',
    { invoked: invoked('unreachable', 3), unreachable: 1, excuses: 1, lastExcused: 5 },
    { kind: 'invoke', attempt: 6 },
  ],
  [
    'did not answer too often',
    { invoked: invoked('unreachable', 9), unreachable: MAX_UNREACHABLE },
    { kind: 'fail' },
  ],
  ['failed', { invoked: invoked('failed') }, { kind: 'fail' }],
  ['was too late', { invoked: invoked('too-late') }, { kind: 'fail' }],
  ['said too much', { invoked: invoked('too-large') }, { kind: 'fail' }],
  ['answered nonsense', { invoked: invoked('malformed') }, { kind: 'fail' }],
  ['answered', { invoked: ANSWERED }, { kind: 'gather' }],
  ['has its evidence', { invoked: ANSWERED, evidence: EVIDENCE }, { kind: 'judge' }],
  [
    'left calls under way until the end',
    {
      invoked: ANSWERED,
      evidence: EVIDENCE && { ...EVIDENCE, cost: { state: 'left', calls: 1 } },
    },
    { kind: 'fail' },
  ],
  [
    'keeps the judge from judging',
    { invoked: ANSWERED, evidence: EVIDENCE, refusals: MAX_REFUSALS - 1 },
    { kind: 'judge' },
  ],
  [
    'kept the judge from judging too often',
    { invoked: ANSWERED, evidence: EVIDENCE, refusals: MAX_REFUSALS },
    { kind: 'fail' },
  ],
  [
    'was judged, whatever was before',
    { invoked: ANSWERED, evidence: EVIDENCE, judged: JUDGED, refusals: MAX_REFUSALS },
    { kind: 'score' },
  ],
  ...(['scored', 'failed', 'excused'] as const).map(
    (status): [string, Partial<PairState>, PairStep] => [
      `is ${status}`,
      { invoked: ANSWERED, status },
      { kind: 'settled' },
    ],
  ),
])('of a pair whose miner %s', ([, state, step]) => {
  expect(nextPairStep({ ...NOTHING, ...state })).toEqual(step);
});

test('the log alone says where a pair stands: each event takes it a step further', async () => {
  const types = ['task.invoked.v1', 'evidence.gathered.v1', 'verdict.refused.v1', 'task.judged.v1'];
  const steps: string[] = [];
  for (let count = 0; count <= types.length; count++) {
    const events = EVENTS.filter(({ type }) => types.slice(0, count).includes(type));
    await using projection = await project(evaluation, events);
    steps.push(nextPairStep(await pairOf(projection.queries, PAIR)).kind);
  }
  expect(steps).toEqual(['invoke', 'gather', 'judge', 'judge', 'score']);
});

test('refusals and evidence of an earlier attempt say nothing of the latest', async () => {
  const again = { ...ANSWERED, attempt: 2, jobs: ['job-2'] };
  const refusals = Array.from({ length: MAX_REFUSALS }, (_, index) => ({
    type: 'verdict.refused.v1' as const,
    data: { ...PAIR, attempt: 1, refusal: index + 1, judge: 'local', detail: '' },
  }));
  await using projection = await project(evaluation, [
    ...EVENTS.filter(({ type }) => type === 'task.invoked.v1' || type === 'evidence.gathered.v1'),
    ...refusals,
    { type: 'task.invoked.v1', data: again },
  ]);
  expect(await pairOf(projection.queries, PAIR)).toMatchObject({
    invoked: { attempt: 2 },
    evidence: null,
    refusals: 0,
  });
});
