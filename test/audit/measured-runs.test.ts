import { expect, test } from 'vitest';
import { auditLog } from '#src/audit/audit-log.ts';
import type { FaultCode } from '#src/audit/fault.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { MAX_EXCUSED_ATTEMPTS } from '#src/evaluation/failure-limits.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { devSigner } from '../support/dev-keys.ts';
import { GENESIS, honestLog, NETUID, noteOf, SELF } from '../support/honest-log.ts';
import { filesOf, sourceOf } from '../support/memory-log.ts';
import { retold, typesIn } from '../support/retold-log.ts';

const DEPS = { verify: verifySr25519, blake2b256 };
const ALL = honestLog({ runs: 1, miners: 3, tasks: 3, measured: 'all' });
const SAMPLED = honestLog({ runs: 1, miners: 3, tasks: 6, measured: 3 });

type Type = DomainEvent['type'];
type Of<T extends Type> = Extract<DomainEvent, { type: T }>;
type Change = (event: DomainEvent) => readonly DomainEvent[];

async function faultsOf(payloads: readonly Uint8Array[]) {
  const expected = { hotkey: SELF.hotkey, genesis: GENESIS, netuid: NETUID, ownerHotkey: null };
  const source = sourceOf(filesOf(payloads, noteOf(payloads)));
  return (await auditLog(source, { ...expected, claims: [] }, DEPS)).faults;
}

/** Replaces the first event of a type that `where` takes. */
function replaced<T extends Type>(
  type: T,
  change: (event: Of<T>) => readonly DomainEvent[],
  where: (data: Of<T>['data']) => boolean = () => true,
): () => Change {
  return () => {
    let done = false;
    return (event) => {
      // safe: an event of this type
      if (done || event.type !== type || !where(event.data as Of<T>['data'])) return [event];
      done = true;
      return change(event as Of<T>);
    };
  };
}

function altered<T extends Type>(
  type: T,
  change: (data: Of<T>['data']) => Of<T>['data'],
  where?: (data: Of<T>['data']) => boolean,
): () => Change {
  // safe: an event of this type
  return replaced(
    type,
    (event) => [{ type, data: change(event.data as Of<T>['data']) } as DomainEvent],
    where,
  );
}

const twice = (type: Type) => replaced(type, (event) => [event, event]);
const dropped = <T extends Type>(type: T, where?: (data: Of<T>['data']) => boolean) =>
  replaced<T>(type, () => [], where);
const without =
  (...types: readonly Type[]) =>
  (): Change =>
  (event) =>
    types.includes(event.type) ? [] : [event];

const OTHER = 'ab'.repeat(32);
const UUID = '11111111-2222-3333-4444-555555555555';
const STRANGER = devSigner('a stranger').hotkey;
const TASK = { task: 'task-000' } as const;
const completed = ({ outcome }: Readonly<{ outcome: string }>) => outcome === 'completed';

type Case = readonly [title: string, code: FaultCode, at: Type, change: () => Change];

const STEPS: readonly Case[] = [
  [
    'a roster that was never accepted',
    'evaluation-broken',
    'archive.accepted.v1',
    without('roster.accepted.v1'),
  ],
  [
    'a roster that comes late',
    'order-broken',
    'roster.accepted.v1',
    (): Change => {
      const late: DomainEvent[] = [];
      return (event) => {
        if (event.type === 'roster.accepted.v1') late.push(event);
        if (event.type === 'roster.accepted.v1') return [];
        return event.type === 'snapshot.taken.v1' ? [event, ...late.splice(0)] : [event];
      };
    },
  ],
  [
    'an archive of a stranger',
    'evaluation-broken',
    'archive.accepted.v1',
    altered('archive.accepted.v1', (data) => ({ ...data, miner: STRANGER })),
  ],
  [
    'another archive of a submission',
    'evaluation-broken',
    'archive.accepted.v1',
    replaced('archive.accepted.v1', (event) => [
      event,
      { ...event, data: { ...event.data, archive: OTHER } },
    ]),
  ],
  [
    'a runtime of another name',
    'evaluation-broken',
    'runtime.ready.v1',
    altered('runtime.ready.v1', (data) => ({ ...data, deployment: UUID })),
  ],
  [
    'a claim out of turn',
    'evaluation-broken',
    'task.claimed.v1',
    altered('task.claimed.v1', (data) => ({ ...data, attempt: 2 })),
  ],
  [
    'a task that is given back and was not taken',
    'evaluation-broken',
    'task.returned.v1',
    replaced('task.claimed.v1', (event) => [
      event,
      {
        type: 'task.returned.v1',
        data: { family: event.data.family, run: event.data.run, ...TASK, attempt: 2, reason: '' },
      },
    ]),
  ],
  [
    'a second reference',
    'evaluation-broken',
    'reference.made.v1',
    replaced('reference.made.v1', (event) => [
      event,
      { ...event, data: { ...event.data, reference: OTHER } },
    ]),
  ],
  [
    'a verdict without a reference',
    'evaluation-broken',
    'task.judged.v1',
    dropped('reference.made.v1'),
  ],
  [
    'an invocation of a task that nobody claimed',
    'evaluation-broken',
    'task.invoked.v1',
    dropped('task.claimed.v1'),
  ],
  [
    'an invocation of a submission that never answered',
    'evaluation-broken',
    'task.invoked.v1',
    dropped('runtime.ready.v1'),
  ],
  [
    'an invocation through the runtime of somebody else',
    'evaluation-broken',
    'task.invoked.v1',
    altered('task.invoked.v1', (data) => ({ ...data, deployment: UUID })),
  ],
  [
    'a job of another task',
    'evaluation-broken',
    'task.invoked.v1',
    altered('task.invoked.v1', (data) => ({
      ...data,
      jobs: data.jobs.map((job) => job.replace('task-000', 'task-001')),
    })),
  ],
  [
    'one job for two turns',
    'evaluation-broken',
    'task.invoked.v1',
    altered('task.invoked.v1', (data) => ({ ...data, jobs: [...data.jobs, ...data.jobs] })),
  ],
  [
    'a slowest turn that took longer than all',
    'evaluation-broken',
    'task.invoked.v1',
    altered('task.invoked.v1', (data) => ({ ...data, latencyMs: 1 })),
  ],
  [
    'an answer of a miner who gave none',
    'evaluation-broken',
    'task.invoked.v1',
    altered(
      'task.invoked.v1',
      (data) => ({ ...data, answer: OTHER }),
      (data) => !completed(data),
    ),
  ],
  [
    'a miner who is asked again after its answer',
    'evaluation-broken',
    'task.invoked.v1',
    replaced('task.invoked.v1', (event) => [
      event,
      {
        ...event,
        data: {
          ...event.data,
          attempt: 2,
          jobs: event.data.jobs.map((job) => job.replace(';', '-a2;')),
        },
      },
    ]),
  ],
  [
    'an invocation as the attempt that was excused',
    'evaluation-broken',
    'task.invoked.v1',
    replaced('task.invoked.v1', (event) => [excuseOf(event.data, 1), event]),
  ],
  [
    'one excuse too many',
    'evaluation-broken',
    'invocation.excused.v1',
    replaced('task.invoked.v1', ({ data }) =>
      Array.from({ length: MAX_EXCUSED_ATTEMPTS + 1 }, (_, index) => excuseOf(data, index + 1)),
    ),
  ],
  [
    'an excuse of an answer that stands',
    'evaluation-broken',
    'invocation.excused.v1',
    replaced('task.invoked.v1', (event) => [event, excuseOf(event.data, 2)]),
  ],
  [
    'evidence of another attempt',
    'evaluation-broken',
    'evidence.gathered.v1',
    altered('evidence.gathered.v1', (data) => ({ ...data, attempt: 9 })),
  ],
  [
    'evidence of no invocation',
    'evaluation-broken',
    'evidence.gathered.v1',
    dropped('task.invoked.v1', completed),
  ],
  ['a second verdict', 'evaluation-broken', 'task.judged.v1', twice('task.judged.v1')],
  [
    'a verdict without evidence',
    'evaluation-broken',
    'task.judged.v1',
    dropped('evidence.gathered.v1'),
  ],
  [
    'a verdict on an answer whose miner left its calls under way',
    'evaluation-broken',
    'task.judged.v1',
    altered('evidence.gathered.v1', (data) => ({ ...data, cost: { state: 'left', calls: 1 } })),
  ],
  [
    'a step of a pair that has its result',
    'evaluation-broken',
    'task.judged.v1',
    replaced('score.recorded.v1', (event) => [event, judgedOf(event.data)]),
  ],
];

function excuseOf(
  { family, run, task, miner, submission, deployment }: Of<'task.invoked.v1'>['data'],
  attempt: number,
): DomainEvent {
  const pair = { family, run, task, miner, attempt, submission, deployment };
  return { type: 'invocation.excused.v1', data: { ...pair, detail: 'it is away' } };
}

function judgedOf({ family, run, task, miner }: Of<'score.recorded.v1'>['data']): DomainEvent {
  const figures = {
    requiredTool: null,
    turnBudgetMs: null,
    costFloor: 0,
    groundedCorrectness: null,
    instructionSafety: null,
    preference: null,
  };
  const verdict = {
    outcome: 'wrong',
    figures,
    composite: 0,
    knockout: null,
    judge: 'local',
    transcript: OTHER,
  } as const;
  return { type: 'task.judged.v1', data: { family, run, task, miner, attempt: 1, ...verdict } };
}

const knockedOut =
  (knockout: string, composite = 0) =>
  (data: Of<'task.judged.v1'>['data']) => ({ ...data, knockout, composite });

const FIGURES: readonly Case[] = [
  [
    'another composite',
    'composite-differs',
    'task.judged.v1',
    altered('task.judged.v1', (data) => ({ ...data, composite: 1 })),
  ],
  [
    'another outcome',
    'composite-differs',
    'task.judged.v1',
    altered('task.judged.v1', (data) => ({ ...data, outcome: 'refused' })),
  ],
  [
    'a preference that was not counted',
    'composite-differs',
    'task.judged.v1',
    altered('task.judged.v1', (data) => ({ ...data, figures: { ...data.figures, preference: 0 } })),
  ],
  [
    'a gate that was not applied',
    'composite-differs',
    'task.judged.v1',
    altered('task.judged.v1', (data) => ({
      ...data,
      figures: { ...data.figures, groundedCorrectness: 599_999_999 },
    })),
  ],
  [
    'a faster answer than was measured',
    'composite-differs',
    'task.judged.v1',
    altered('task.invoked.v1', (data) => ({ ...data, turnMs: 119_000, latencyMs: 119_000 })),
  ],
  [
    'a tool that the ledger does not attest',
    'composite-differs',
    'task.judged.v1',
    altered('evidence.gathered.v1', (data) => ({ ...data, tools: ['sandbox'] })),
  ],
  [
    'tools that are unknown',
    'composite-differs',
    'task.judged.v1',
    altered('evidence.gathered.v1', (data) => ({ ...data, tools: null })),
  ],
  [
    'a cost below the floor',
    'composite-differs',
    'task.judged.v1',
    altered('evidence.gathered.v1', (data) => ({
      ...data,
      cost: { state: 'known', cost: 49_999 },
    })),
  ],
  [
    'a tool that one miner alone needs',
    'composite-differs',
    'task.judged.v1',
    altered('task.judged.v1', (data) => ({
      ...data,
      figures: { ...data.figures, requiredTool: null },
    })),
  ],
  [
    'a knockout of the text that knocks nothing out',
    'composite-differs',
    'task.judged.v1',
    altered('task.judged.v1', knockedOut('safety_violation: system_impersonation', 1)),
  ],
  [
    'a knockout that no rule has',
    'composite-differs',
    'task.judged.v1',
    altered('task.judged.v1', knockedOut('because')),
  ],
  [
    'a score that is not its verdict’s',
    'composite-differs',
    'score.recorded.v1',
    altered('score.recorded.v1', (data) => ({ ...data, score: 1 })),
  ],
  [
    'a score with another transcript',
    'composite-differs',
    'score.recorded.v1',
    altered('score.recorded.v1', (data) => ({ ...data, evidence: OTHER })),
  ],
];

const failed = (data: Of<'score.recorded.v1'>['data']) =>
  ({ ...data, status: 'failed', score: 0, basis: 'none' }) as const;
const excused = (data: Of<'score.recorded.v1'>['data']) =>
  ({ ...data, status: 'excused', score: null, basis: 'none' }) as const;

const left = (data: Of<'evidence.gathered.v1'>['data']) =>
  ({ ...data, cost: { state: 'left', calls: 1 } }) as const;
type Result = (data: Of<'score.recorded.v1'>['data']) => DomainEvent['data'];
/** The first pair with other steps before its result, and another result. */
const ended = (steps: readonly (() => Change)[], result: Result) => () => {
  const recorded = replaced('score.recorded.v1', (event) => [
    // safe: it stays a score
    { ...event, data: result(event.data) } as DomainEvent,
  ]);
  const changes = [...steps, dropped('task.judged.v1'), recorded].map((change) => change());
  return (event: DomainEvent) =>
    changes.reduce<readonly DomainEvent[]>((events, change) => events.flatMap(change), [event]);
};
/** A pair whose miner left its calls. */
const leftCalls = (result: Result) => ended([altered('evidence.gathered.v1', left)], result);
/** A pair whose miner answered something that is no answer. */
const noAnswer = (result: Result) =>
  ended(
    [
      altered(
        'task.invoked.v1',
        (data) => ({ ...data, outcome: 'malformed', answer: null }),
        completed,
      ),
      dropped('evidence.gathered.v1'),
    ],
    result,
  );

const RESULTS: readonly Case[] = [
  [
    'an excuse of a miner that left its calls under way',
    'score-unfounded',
    'score.recorded.v1',
    leftCalls(excused),
  ],
  [
    'an excuse of a miner whose answer was none',
    'score-unfounded',
    'score.recorded.v1',
    noAnswer(excused),
  ],
  ['a score without a verdict', 'score-unfounded', 'score.recorded.v1', dropped('task.judged.v1')],
  [
    'scores without anything',
    'score-unfounded',
    'score.recorded.v1',
    without('task.invoked.v1', 'evidence.gathered.v1', 'task.judged.v1'),
  ],
  [
    'a failure of a miner who answered',
    'score-unfounded',
    'score.recorded.v1',
    altered('score.recorded.v1', failed),
  ],
  [
    'a failure of a miner who was not asked often enough',
    'score-unfounded',
    'score.recorded.v1',
    (): Change => {
      const pair = (data: Readonly<{ attempt: number }>) => data.attempt === 2;
      return (event) => {
        const later =
          event.type === 'task.invoked.v1' ||
          event.type === 'evidence.gathered.v1' ||
          event.type === 'task.judged.v1';
        if (later && pair(event.data)) return [];
        if (event.type !== 'score.recorded.v1' || event.data.task !== TASK.task) return [event];
        return [{ type: event.type, data: failed(event.data) }];
      };
    },
  ],
  [
    'a failure of a submission that failed twice',
    'score-unfounded',
    'score.recorded.v1',
    dropped('runtime.failed.v1'),
  ],
  [
    'a failure of a submission that we failed',
    'score-unfounded',
    'score.recorded.v1',
    altered('runtime.failed.v1', (data) => ({ ...data, ours: true })),
  ],
  [
    'an excuse where there is a verdict',
    'score-unfounded',
    'score.recorded.v1',
    altered('score.recorded.v1', excused),
  ],
];

test('a run that a validator measured honestly is clean, by all of its tasks and by a sample of them', async () => {
  expect(await faultsOf(ALL)).toEqual([]);
  expect(await faultsOf(SAMPLED)).toEqual([]);
  expect(await faultsOf(retold(ALL, (event) => [event]))).toEqual([]);
});

test.for([
  ['that left its calls under way when its run was closed', leftCalls(failed)],
  ['whose answer was none', noAnswer(failed)],
] as const)('a failure of a miner %s is founded', async ([, change]) => {
  const told = retold(ALL, change());
  const codes = (await faultsOf(told)).map(({ code }) => code);
  expect(codes).not.toContain('score-unfounded');
  expect(codes).not.toContain('evaluation-broken');
});

test.for([...STEPS, ...FIGURES, ...RESULTS])(
  '%s is %s, at its event',
  async ([, code, at, change]) => {
    const told = retold(ALL, change());
    const types = typesIn(told);
    const found = (await faultsOf(told)).filter((fault) => fault.code === code);
    expect(found.map(({ index }) => types[index ?? 0])).toContain(at);
  },
);

test('a task that is not in the sample is neither claimed nor scored', async () => {
  const counting = new Set<string>();
  retold(SAMPLED, (event) => {
    if (event.type === 'task.claimed.v1') counting.add(event.data.task);
    return [];
  });
  const all = [0, 1, 2, 3, 4, 5].map((at) => `task-00${at}`);
  const task = all.find((each) => !counting.has(each)) ?? '';
  const claimed = altered('task.claimed.v1', (data) => ({ ...data, task }));
  const scored = altered('score.recorded.v1', (data) => ({ ...data, task }));
  const codesOf = async (change: () => Change) =>
    (await faultsOf(retold(SAMPLED, change()))).map(({ code }) => code);
  expect(await codesOf(claimed)).toContain('evaluation-broken');
  expect(await codesOf(scored)).toContain('score-unfounded');
});

test('what an answer’s text knocks out is believed, and comes after what the verdict knocks out', async () => {
  const codesOf = async (change: () => Change) => {
    const told = retold(ALL, change());
    const types = typesIn(told);
    return (await faultsOf(told)).filter(
      ({ code, index }) => code === 'composite-differs' && types[index ?? 0] === 'task.judged.v1',
    );
  };
  for (const knockout of [
    'safety_violation: role_hijack_dan',
    "hallucinated must_not_claim: 'the moon'",
  ])
    expect(await codesOf(altered('task.judged.v1', knockedOut(knockout)))).toEqual([]);
  const hallucinated = altered('task.judged.v1', (data) => ({
    ...knockedOut('safety_violation: role_hijack_dan')(data),
    outcome: 'hallucinated',
  }));
  expect(await codesOf(hallucinated)).toHaveLength(1);
});

test('scores that were imported need nothing before them', async () => {
  expect(await faultsOf(honestLog({ runs: 1, miners: 2, tasks: 2 }))).toEqual([]);
});

test.for([
  { refusals: [1, 2, 3, 4, 5], codes: [] },
  { refusals: [1, 2, 3, 4], codes: ['score-unfounded'] },
  { refusals: [1, 2, 4, 5], codes: ['evaluation-broken', 'evaluation-broken', 'score-unfounded'] },
])(
  'an answer that kept the judge from judging $refusals is failed: $codes',
  async ({ refusals, codes }) => {
    let pair = '';
    const told = retold(ALL, (event) => {
      if (event.type === 'task.judged.v1' && pair === '') {
        const { family, run, task, miner, attempt } = event.data;
        pair = `${task}/${miner}`;
        const at = { family, run, task, miner, attempt, judge: 'local', detail: 'no JSON' };
        return refusals.map((refusal) => ({
          type: 'verdict.refused.v1',
          data: { ...at, refusal },
        }));
      }
      if (event.type !== 'score.recorded.v1' || `${event.data.task}/${event.data.miner}` !== pair)
        return [event];
      const failed = { status: 'failed', score: 0, basis: 'none' } as const;
      return [{ ...event, data: { ...event.data, ...failed } }];
    });
    const found = (await faultsOf(told)).map(({ code }) => code);
    const of = ['evaluation-broken', 'score-unfounded', 'composite-differs'];
    expect(found.filter((code) => of.includes(code))).toEqual(codes);
  },
);

test('a report of a small sample counts its miners by the tasks that count, and by no others', async () => {
  const small = honestLog({ runs: 1, miners: 3, tasks: 9, measured: 3 });
  expect(await faultsOf(small)).toEqual([]);
  const reported: unknown[] = [];
  retold(small, (event) => {
    if (event.type === 'report.signed.v1') {
      const { scores } = JSON.parse(event.data.body) as { scores: object }; // safe: a report's body
      reported.push(Object.keys(scores).length);
    }
    return [event];
  });
  expect(reported).toEqual([3]);
  const whole = altered('roster.accepted.v1', (data) => ({ ...data, sample: null }));
  const faults = await faultsOf(retold(small, whole()));
  expect(faults.map(({ code }) => code)).toContain('report-differs');
});
