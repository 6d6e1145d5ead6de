import { describe, expect, test } from 'vitest';
import { jobToken } from '#src/evaluation/job.ts';
import { argsHash } from '#src/evaluation/tool-args.ts';
import type { JobState } from '#src/handlers/ledger/ledger-port.ts';
import { createReservations } from '#src/handlers/reservations.ts';
import { authorizeCaller } from '#src/handlers/tools/authorize-caller.ts';
import { type Call, callTool, type Performed } from '#src/handlers/tools/call-tool.ts';
import { createJobDesk } from '#src/handlers/tools/job-desk.ts';
import { fakeLedger } from '../support/fake-ledger.ts';
import { JOB, SECRETS } from '../support/tool-site.ts';

const RULES = { quota: 3, price: 5, exhausted: (max: number) => `at most ${max}` };
const DONE: Performed = { status: 200, body: { a: 1 }, result: { n: 1 }, cost: 5, error: null };

/** A service with a clock that is set by hand, and a job with these terms; null for one that nobody opened. */
function service(terms: Partial<JobState> | null = {}) {
  const ledger = fakeLedger();
  if (terms !== null) ledger.open(JOB, terms);
  const clock = { ms: 1_000_000 };
  let named = 0;
  const desk = createJobDesk({
    ledger,
    reservations: createReservations(),
    nowMs: () => clock.ms,
  });
  const deps = { desk, ledger, newCall: () => `call-${++named}`, elapsedMs: () => clock.ms };
  const call = (
    perform: Call['perform'] = async () => DONE,
    { asked = null, rules = RULES }: { asked?: number | null; rules?: typeof RULES } = {},
  ) => callTool({ job: JOB, asked }, { tool: 't', args: { q: 'é' }, perform }, rules, deps);
  return { ledger, clock, call, desk };
}

describe('a call', () => {
  test('is in the ledger before its answer is given away', async () => {
    const { ledger, call, clock } = service();
    const answer = await call(async () => {
      expect(ledger.calls).toEqual([]);
      clock.ms += 40;
      return DONE;
    });
    expect(answer).toEqual({ kind: 'answer', status: 200, body: { a: 1 } });
    expect(ledger.calls).toEqual([
      {
        call: 'call-1',
        job: JOB,
        tool: 't',
        args: '{"q":"\\u00e9"}',
        argsHash: argsHash({ q: 'é' }),
        result: '{"n": 1}',
        latencyMs: 40,
        cost: 5,
        status: 'ok',
        error: null,
      },
    ]);
  });

  test('that failed is attested as such, and answered', async () => {
    const { ledger, call } = service();
    const answer = await call(async () => ({ ...DONE, status: 502, cost: 0, error: 'refused' }));
    expect(answer).toMatchObject({ status: 502 });
    expect(ledger.calls).toMatchObject([{ status: 'error', error: 'refused', cost: 0 }]);
  });

  test('that breaks for a fault of ours is attested with an unknown cost', async () => {
    const { ledger, call } = service();
    await expect(call(() => Promise.reject(new Error('disk')))).rejects.toThrow('disk');
    expect(ledger.calls).toMatchObject([{ status: 'error', error: 'the tool failed', cost: null }]);
  });

  test('is not released when the ledger does not take it, and does not count', async () => {
    const { ledger, call } = service();
    for (let round = 0; round < 5; round++) {
      const answer = await call(async () => {
        ledger.away = true;
        return DONE;
      });
      expect(answer).toMatchObject({ kind: 'refused', status: 503 });
      ledger.away = false;
    }
    expect(ledger.calls).toEqual([]);
    expect(await call()).toMatchObject({ kind: 'answer' });
  });

  test('whose attestation was answered but not heard is one call', async () => {
    const { ledger, call } = service();
    ledger.losesAnswers = 1;
    expect(await call()).toMatchObject({ kind: 'answer' });
    expect(ledger.calls).toHaveLength(1);
  });

  test('of a job that was closed meanwhile is not released', async () => {
    const { ledger, call } = service();
    const answer = await call(async () => {
      ledger.close(JOB);
      return DONE;
    });
    expect(answer).toMatchObject({ kind: 'refused', status: 503 });
  });
});

/** A call of a model that takes the whole budget of a job. */
const PENDING = {
  call: 'm',
  provider: 'p',
  model: 'm',
  most: 1_000_000_000,
  prices: 'test',
  time: '2026-11-29T12:00:00.000Z',
};

describe('a job', () => {
  const never = (): Promise<Performed> => Promise.reject(new Error('performed'));

  test.for([
    ['nobody opened', null, 404, 'job not found'],
    ['is closed', { open: false }, 403, 'job is closed'],
    ['is over', { expires: '1970-01-01T00:00:00.000Z' }, 403, 'job is closed'],
    ['has no calls left', { maxCalls: 2, calls: 2 }, 429, 'at most 2'],
    ['has no money left', { budget: 9, spent: known(5) }, 429, 'run budget exhausted'],
    ['may still spend the rest on models', { pending: [PENDING] }, 429, 'run budget exhausted'],
    [
      'spent nobody knows how much',
      { spent: { state: 'unknown', reason: 'no price' } as const },
      429,
      'run budget exhausted: what was spent is unknown',
    ],
  ] as const)('that %s is refused, and nothing is attested', async ([, terms, status, detail]) => {
    const { ledger, call } = service(terms);
    expect(await call(never)).toEqual({ kind: 'refused', status, detail });
    expect(ledger.calls).toEqual([]);
  });

  test('spends no more than its budget by calls at once', async () => {
    const { ledger, call } = service({ budget: 3 * RULES.price, maxCalls: 100 });
    const rules = { ...RULES, quota: 100 };
    const release = Promise.withResolvers<Performed>();
    const calls = Array.from({ length: 6 }, () => call(() => release.promise, { rules }));
    const settled = Promise.all(calls);
    await expect.poll(() => ledger.reads).toBeGreaterThan(0);
    release.resolve(DONE);
    const kinds = (await settled).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'answer')).toHaveLength(3);
    expect(await call(never, { rules })).toMatchObject({ status: 429 });
  });

  test('of unknown cost may still use what is free', async () => {
    const { ledger, call } = service();
    ledger.open(JOB, { spent: { state: 'unknown', reason: 'no price' } });
    const free = { ...RULES, price: 0 };
    expect(await call(async () => DONE, { rules: free })).toMatchObject({ kind: 'answer' });
  });

  test('can lower its quota, and never raise it', async () => {
    const { call } = service();
    expect(await call(undefined, { asked: 1 })).toMatchObject({ kind: 'answer' });
    expect(await call(never, { asked: 1 })).toMatchObject({ status: 429, detail: 'at most 1' });
    expect(await call(undefined, { asked: 100 })).toMatchObject({ kind: 'answer' });
    expect(await call(undefined, { asked: 100 })).toMatchObject({ kind: 'answer' });
    expect(await call(never, { asked: 100 })).toMatchObject({ status: 429, detail: 'at most 3' });
  });

  test('counts the calls that others attested', async () => {
    const { ledger, call } = service();
    ledger.open(JOB, { maxCalls: 3 });
    await call();
    ledger.open(JOB, { maxCalls: 3, calls: 3 });
    expect(await call(never)).toMatchObject({ status: 429 });
  });

  test('that nothing is spent on is asked for once a second, and never again when it was closed', async () => {
    const { ledger, desk, clock } = service();
    for (let round = 0; round < 3; round++) expect(await desk.whyClosed(JOB)).toBeNull();
    expect(ledger.reads).toBe(1);
    ledger.close(JOB);
    clock.ms += 1_000;
    for (let round = 0; round < 3; round++) {
      expect(await desk.whyClosed(JOB)).toMatchObject({ status: 403 });
      clock.ms += 1_000;
    }
    expect(ledger.reads).toBe(2);
  });

  test('that has nothing left is refused without a question, and one that may have again in a moment', async () => {
    const { ledger, call, clock } = service({ budget: 9, spent: known(5) });
    for (let round = 0; round < 3; round++)
      expect(await call(never)).toMatchObject({ status: 429 });
    expect(ledger.reads).toBe(1);
    const other = service({ pending: [PENDING] });
    for (let round = 0; round < 3; round++)
      expect(await other.call(never)).toMatchObject({ status: 429 });
    expect(other.ledger.reads).toBe(1);
    other.ledger.open(JOB);
    other.clock.ms += 250;
    expect(await other.call()).toMatchObject({ kind: 'answer' });
    clock.ms += 60_000;
    expect(await call(never)).toMatchObject({ status: 429 });
    expect(ledger.reads).toBe(1);
  });

  test('is not believed to be open when the ledger does not answer', async () => {
    const { ledger, call } = service();
    ledger.away = true;
    expect(await call(never)).toMatchObject({ status: 503 });
  });

  test('makes no more than eight calls at once', async () => {
    const { call } = service();
    const rules = { ...RULES, quota: 100 };
    const held = Promise.withResolvers<Performed>();
    const running = Array.from({ length: 8 }, () => call(() => held.promise, { rules }));
    await Promise.resolve();
    expect(await call(never, { rules })).toMatchObject({ status: 429 });
    held.resolve(DONE);
    for (const answer of await Promise.all(running)) expect(answer.kind).toBe('answer');
  });

  test('is forgotten when many others came, and the ledger still knows its calls', async () => {
    const ledger = fakeLedger();
    const reservations = createReservations();
    const desk = createJobDesk({ ledger, reservations, nowMs: () => 0, maxJobs: 2 });
    const rules = { ...RULES, quota: 1 };
    for (const job of ['a', 'b', 'c']) {
      ledger.open(job, { maxCalls: 1 });
      const admitted = await desk.admit({ job, asked: null, call: job }, rules);
      if (admitted.kind === 'admitted') admitted.leave('taken');
    }
    ledger.open('a', { maxCalls: 1, calls: 1 });
    expect(await desk.admit({ job: 'a', asked: null, call: 'd' }, rules)).toMatchObject({
      status: 429,
    });
    expect(desk.reset()).toBe(2);
  });
});

describe('a caller', () => {
  const token = jobToken(SECRETS.jobKey, JOB);
  const shown = { bearer: token, job: JOB, maxRequests: null };
  const authorize = (more: object, secrets = SECRETS) =>
    authorizeCaller({ ...shown, ...more }, secrets, 'sandbox');

  test('is whoever shows the token of the job it names', () => {
    expect(authorize({})).toEqual({ job: JOB, asked: null });
    expect(authorize({ maxRequests: '7' })).toEqual({ job: JOB, asked: 7 });
  });

  test('is the validator with any job', () => {
    const mine = { bearer: SECRETS.serviceToken, job: 'miner-1' };
    expect(authorize(mine)).toEqual({ job: 'miner-1', asked: null });
  });

  test.for([
    ['no token', { bearer: null }],
    ['the token of another job', { job: `${JOB}x` }],
    ['the token in capitals', { bearer: token.toUpperCase() }],
    ['the key itself', { bearer: SECRETS.jobKey }],
    ['an id that no job can have', { job: 'a b' }],
  ] as const)('with %s is refused', ([, more]) => {
    const detail = 'invalid sandbox tool auth token';
    expect(authorize(more)).toEqual({ kind: 'refused', status: 401, detail });
  });

  test('is refused where no secret is set', () => {
    const none = { serviceToken: '', jobKey: '' };
    expect(authorize({ bearer: '' }, none)).toMatchObject({ status: 401 });
    expect(authorize({ bearer: jobToken('', JOB) }, none)).toMatchObject({ status: 401 });
  });

  test('has to say for which job, and how many calls in digits', () => {
    const missing = { kind: 'refused', status: 400, detail: 'missing X-Eirel-Job-Id header' };
    expect(authorize({ job: null })).toEqual(missing);
    expect(authorize({ job: ' ' })).toEqual(missing);
    expect(authorize({ maxRequests: 'many' })).toMatchObject({ status: 400 });
    expect(authorize({ maxRequests: '-1' })).toMatchObject({ status: 400 });
  });
});

function known(nanoUsd: number) {
  return { state: 'known', nanoUsd } as const;
}
