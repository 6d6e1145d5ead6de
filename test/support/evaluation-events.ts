import type { DomainEvent } from '#src/events/catalogue.ts';
import { digest, hotkey, signature } from './recorded-events.ts';

const miner = hotkey('m');
const deployment = '11111111-2222-3333-4444-555555555555';
const job = `task-eval=t-1;deployment=${deployment}`;
const submission = 'submission-1';
const time = '2026-11-29T12:00:00.000Z';

/** One event of each type with which a validator runs and scores the submissions of a run. */
export function evaluationEvents(place: { family: string; run: string }): readonly DomainEvent[] {
  const instance = { ...place, submission, miner, deployment, attempt: 1 };
  const pair = { ...place, task: 't-1', miner, attempt: 1 };
  const archive = { ...place, submission, miner, archive: digest('6') };
  return [
    {
      type: 'roster.refused.v1',
      data: { ...place, roster: digest('7'), reason: 'wrong-signer', detail: 'somebody else' },
    },
    {
      type: 'roster.accepted.v1',
      data: {
        ...place,
        roster: digest('a'),
        document: digest('b'),
        taskSet: digest('8'),
        epoch: 7,
        members: 1,
        sample: null,
      },
    },
    {
      type: 'archive.accepted.v1',
      data: { ...archive, bytes: 2_048, entries: 3, from: 'owner' },
    },
    {
      type: 'archive.refused.v1',
      data: {
        ...archive,
        found: digest('9'),
        reason: 'hash-differs',
        from: 'owner',
        detail: 'other bytes',
      },
    },
    { type: 'runtime.ready.v1', data: { ...instance, adapter: 'process' } },
    {
      type: 'runtime.failed.v1',
      data: { ...instance, reason: 'crashed', ours: false, exitCode: 1, detail: 'exit 1' },
    },
    { type: 'runtime.ended.v1', data: instance },
    { type: 'task.claimed.v1', data: { ...place, task: 't-1', attempt: 1, lease: null } },
    {
      type: 'task.returned.v1',
      data: { ...place, task: 't-1', attempt: 1, reason: 'the judge is away' },
    },
    {
      type: 'reference.made.v1',
      data: { ...place, task: 't-1', status: 'deterministic', reference: digest('5'), cost: 0 },
    },
    {
      type: 'task.invoked.v1',
      data: {
        ...pair,
        submission,
        deployment,
        jobs: [job],
        outcome: 'completed',
        latencyMs: 120,
        turnMs: 120,
        answer: digest('4'),
        detail: '',
      },
    },
    {
      type: 'invocation.excused.v1',
      data: { ...pair, submission, deployment, detail: 'its runtime is not ready any more' },
    },
    {
      type: 'evidence.gathered.v1',
      data: {
        ...pair,
        tools: ['web_search'],
        cost: { state: 'known', cost: 60_000 },
        ledger: { size: 9, hash: digest('3') },
      },
    },
    {
      type: 'verdict.refused.v1',
      data: { ...pair, refusal: 1, judge: 'local', detail: 'eval: no JSON' },
    },
    {
      type: 'task.judged.v1',
      data: {
        ...pair,
        outcome: 'correct',
        figures: {
          requiredTool: 'web_search',
          turnBudgetMs: 120_000,
          costFloor: 0,
          groundedCorrectness: 900_000_000,
          instructionSafety: 1_000_000_000,
          preference: null,
        },
        composite: 1_000_000_000,
        knockout: null,
        judge: 'local',
        transcript: digest('2'),
      },
    },
  ];
}

/** One event of each type of a ledger. */
export function ledgerEvents(place: { family: string; run: string }): readonly DomainEvent[] {
  return [
    {
      type: 'job.opened.v1',
      data: {
        ...place,
        job,
        task: 't-1',
        miner,
        deployment,
        budget: 30_000_000_000,
        calls: 12,
        expires: time,
      },
    },
    {
      type: 'tool.called.v1',
      data: {
        call: 'call-1',
        job,
        tool: 'web_search',
        args: '{"query":"caf\\u00e9","top_k":5}',
        argsHash: 'd6fde033833847a90b1ac262756b28c38f210067faf89546fef8569092d24cce',
        result: '{"n_results": 1}',
        latencyMs: 12,
        cost: 3_000_000,
        status: 'ok',
        error: null,
      },
    },
    {
      type: 'cost.reserved.v1',
      data: {
        call: 'call-2',
        job,
        provider: 'chutes',
        model: 'zai-org/GLM-5.1-TEE',
        most: 8_192_000,
        prices: '2026-11-23',
      },
    },
    {
      type: 'cost.metered.v1',
      data: {
        call: 'call-2',
        job,
        provider: 'chutes',
        model: 'zai-org/GLM-5.1-TEE',
        promptTokens: 10,
        cachedTokens: 0,
        completionTokens: 20,
        latencyMs: 300,
        cost: 45_000,
        unknown: null,
        prices: '2026-11-23',
        status: 'ok',
        error: null,
      },
    },
    { type: 'job.closed.v1', data: { ...place, job } },
  ];
}

/** One event of each type of the subnet owner's log. */
export function ownerEvents(place: { family: string; run: string }): readonly DomainEvent[] {
  const evaluation = 'evaluation-1';
  return [
    {
      type: 'submission.received.v1',
      data: {
        submission,
        miner,
        for: place.family,
        archive: digest('6'),
        bytes: 2_048,
        manifest: digest('e'),
      },
    },
    {
      type: 'task-set.published.v1',
      data: { for: place.family, taskSet: digest('8'), tasks: 1 },
    },
    {
      type: 'roster.published.v1',
      data: {
        ...place,
        roster: digest('a'),
        document: digest('b'),
        signature: signature('1'),
        taskSet: digest('8'),
        epoch: 7,
        phases: { snapshot: 10, commit: 20, decide: 30, certify: 40 },
        sample: null,
        tasks: ['t-1'],
        submissions: [submission],
      },
    },
    {
      type: 'task.leased.v1',
      data: {
        ...place,
        evaluation,
        task: 't-1',
        validator: hotkey('a'),
        attempt: 1,
        expires: time,
      },
    },
    { type: 'lease.ended.v1', data: { ...place, evaluation, attempt: 1, reason: 'returned' } },
    {
      type: 'result.received.v1',
      data: {
        ...place,
        evaluation,
        task: 't-1',
        validator: hotkey('a'),
        result: digest('d'),
        oracleCost: 0,
        scores: [{ miner, score: 1_000_000_000 }],
      },
    },
    {
      type: 'run.ended.v1',
      data: { ...place, winner: miner, score: 1_000_000_000, reason: 'first-run-best-score' },
    },
  ];
}
