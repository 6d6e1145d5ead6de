import { expect, test } from 'vitest';
import { wholeCost } from '#src/evaluation/job-cost.ts';
import { gatherEvidence, leftEvidence } from '#src/handlers/evaluation/gather-evidence.ts';
import type { JobLedger, MeteredCost, PendingCall } from '#src/handlers/ledger/ledger-port.ts';
import type { Invoked } from '#src/projectors/evaluation-queries.ts';
import { digest, hotkey } from '../../support/recorded-events.ts';

const BEGUN = '2026-11-29T12:00:00.000Z';
const BEGUN_MS = Date.parse(BEGUN);
const invoked: Invoked = {
  family: 'general_chat',
  run: 'run-1',
  task: 't-1',
  miner: hotkey('m'),
  attempt: 1,
  submission: 'submission-1',
  deployment: '11111111-2222-3333-4444-555555555555',
  jobs: ['job-1'],
  outcome: 'completed',
  latencyMs: 10,
  turnMs: 10,
  answer: digest('a'),
  detail: '',
};

const pendingCall: PendingCall = {
  call: 'call-1',
  provider: 'p',
  model: 'm',
  most: 5_000,
  prices: 'test',
  time: BEGUN,
};

/** A ledger of one job with these calls pending. */
function site(pending: PendingCall[]) {
  const metered: MeteredCost[] = [];
  const read = (): JobLedger => {
    const unknown = metered.filter(({ cost }) => cost === null);
    const settled =
      unknown.length === 0
        ? ({
            state: 'known',
            nanoUsd: metered.reduce((sum, { cost }) => sum + (cost ?? 0), 7),
          } as const)
        : ({ state: 'unknown', reason: unknown.map((each) => each.unknown).join() } as const);
    return {
      job: 'job-1',
      opened: true,
      closed: true,
      tools: ['sandbox'],
      toolCalls: [],
      modelCalls: metered.map(({ job: _job, ...call }) => ({ ...call, time: BEGUN })),
      pending,
      cost: wholeCost(settled, pending.length),
      ledger: { size: 9, hash: digest('b') },
    };
  };
  const meter = async (cost: MeteredCost) => {
    metered.push(cost);
    pending.splice(
      pending.findIndex(({ call }) => call === cost.call),
      1,
    );
    return { kind: 'ok' } as const;
  };
  const deps = (now: number): Parameters<typeof gatherEvidence>[1] => ({
    clock: () => now,
    ledger: {
      closeJob: async () => ({ kind: 'ok', cost: read().cost }),
      readLedger: async () => ({ kind: 'ok', ledger: read() }),
      meter,
    },
  });
  return {
    gather: (now: number) => gatherEvidence(invoked, deps(now)),
    left: (now: number) => leftEvidence(invoked, deps(now)),
    meter,
    metered,
  };
}

const costIs = (cost: object) => ({ kind: 'done', event: { data: { tools: ['sandbox'], cost } } });

test('there is no evidence while a call may still be metered, and the true cost once it is', async () => {
  const at = site([pendingCall]);
  const detail = 'calls of models that are not metered yet: 1';
  expect(await at.gather(BEGUN_MS + 899_000)).toEqual({ kind: 'later', cause: 'calls', detail });
  const { most: _most, time: _time, ...call } = pendingCall;
  const tokens = { promptTokens: 1, cachedTokens: 0, completionTokens: 1 };
  const rest = { job: 'job-1', latencyMs: 1, unknown: null, status: 'ok', error: null } as const;
  await at.meter({ ...call, ...tokens, ...rest, cost: 3 });
  expect(await at.gather(BEGUN_MS + 899_000)).toMatchObject(costIs({ state: 'known', cost: 10 }));
});

test('a call that is never metered is given up, and its cost is unknown by our own fault', async () => {
  const at = site([pendingCall]);
  expect(await at.gather(BEGUN_MS + 901_000)).toMatchObject({ kind: 'later' });
  expect(at.metered).toMatchObject([
    { call: 'call-1', job: 'job-1', provider: 'p', model: 'm', cost: null, unknown: 'proxy' },
  ]);
  expect(await at.gather(BEGUN_MS + 902_000)).toMatchObject(
    costIs({ state: 'unknown', by: 'us', reason: 'proxy' }),
  );
});

test('a call under way when the run is closed is left by the miner, as long as a provider may be heard; then it is ours', async () => {
  const at = site([pendingCall]);
  expect(await at.left(BEGUN_MS + 200_000)).toMatchObject(costIs({ state: 'left', calls: 1 }));
  expect(await at.left(BEGUN_MS + 361_000)).toEqual({ kind: 'done', event: null });
  expect(await site([]).left(BEGUN_MS)).toEqual({ kind: 'done', event: null });
  expect(at.metered).toEqual([]);
});

test('what was left is told of a head at which it was under way and every job was closed', async () => {
  const happened: string[] = [];
  const cost = { state: 'known', nanoUsd: 0 } as const;
  const ledger: Parameters<typeof leftEvidence>[1]['ledger'] = {
    closeJob: async (job) => {
      happened.push(`${job} is closed`);
      return { kind: 'ok', cost };
    },
    readLedger: async (job) => {
      const pending = job === 'job-1' ? [pendingCall] : [];
      const head = { size: happened.length, hash: digest('b') };
      // The call ends once it was told of.
      if (pending.length > 0) happened.push('the call is metered');
      const none = { tools: [], toolCalls: [], modelCalls: [] };
      const found = { job, opened: true, closed: true, ...none, pending, cost, ledger: head };
      return { kind: 'ok', ledger: found };
    },
    meter: async () => ({ kind: 'ok' }),
  };
  const asked = { ...invoked, jobs: ['job-1', 'job-2'] };
  const found = await leftEvidence(asked, { ledger, clock: () => BEGUN_MS });
  expect(happened).toEqual(['job-1 is closed', 'job-2 is closed', 'the call is metered']);
  const data = { cost: { state: 'left', calls: 1 }, ledger: { size: 2 } };
  expect(found).toMatchObject({ event: { data } });
});

test.for([
  { unknown: 'caller', by: 'miner' },
  { unknown: 'provider', by: 'us' },
  { unknown: 'unpriced', by: 'us' },
] as const)('a cost that is unknown because of $unknown is so by $by', async ({ unknown, by }) => {
  const at = site([pendingCall]);
  const { most: _most, time: _time, ...call } = pendingCall;
  const tokens = { promptTokens: null, cachedTokens: null, completionTokens: null };
  const rest = { job: 'job-1', latencyMs: 1, unknown, status: 'error', error: 'gone' } as const;
  await at.meter({ ...call, ...tokens, ...rest, cost: null });
  expect(await at.gather(BEGUN_MS)).toMatchObject(costIs({ state: 'unknown', by }));
});
