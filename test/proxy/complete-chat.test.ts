import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readChatCall } from '#src/evaluation/chat-call.ts';
import { readPriceTable } from '#src/evaluation/prices.ts';
import { GIVE_UP_MS } from '#src/handlers/evaluation/gather-evidence.ts';
import { createJobGate } from '#src/handlers/job-gate.ts';
import type { JobState, MeteredCost, PendingCall } from '#src/handlers/ledger/ledger-port.ts';
import { completeChat, type ProxyDeps } from '#src/handlers/proxy/complete-chat.ts';
import { completeInTime } from '#src/handlers/proxy/complete-in-time.ts';
import { readJobCost } from '#src/handlers/proxy/job-cost.ts';
import type { ProviderAnswer } from '#src/handlers/proxy/provider-port.ts';
import { createReservations, type Reservations } from '#src/handlers/reservations.ts';
import { createEntrance, type SeenJob, seeJob } from '#src/handlers/see-job.ts';

const JOB = 'task-eval=t-1;deployment=11111111-2222-3333-4444-555555555555';
const NOW = Date.parse('2026-11-29T12:00:00.000Z');
const prices = readPriceTable({
  version: 'test',
  unit: 'USD for 1,000,000 tokens',
  models: [{ provider: 'p', model: 'm', input: '1', output: '2' }],
});
const open: JobState = {
  job: JOB,
  open: true,
  expires: '2026-11-29T12:10:00.000Z',
  budget: 1_000_000_000,
  spent: { state: 'known', nanoUsd: 0 },
  pending: [],
  maxCalls: 12,
  calls: 0,
  modelCalls: 0,
};
const answer = {
  choices: [{ message: { role: 'assistant', content: 'hi' } }],
  usage: { prompt_tokens: 10, completion_tokens: 5 },
};
const ask = (more = {}) =>
  readChatCall({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...more });

type Given = {
  answer?: ProviderAnswer | ((heard: AbortSignal) => Promise<ProviderAnswer>);
  job?: JobState | null;
  reads?: boolean;
  /** Whether the ledger takes that a call begins, and that it ended: from the so many-th time on. */
  reserves?: 'taken' | 'refused' | 'away';
  takesFrom?: number;
  /** When it is looked whether the turn has ended. */
  looks?: Promise<void>;
  /** What happens before a read of the job is answered. */
  beforeRead?: () => Promise<void>;
};

/** A proxy over a provider that answers so, and a ledger that takes, or does not take, what it is told. */
function site(given: Given) {
  const metered: MeteredCost[] = [];
  const pending: PendingCall[] = [];
  const asked: unknown[] = [];
  const pauses: number[] = [];
  const reads: string[] = [];
  const reservations = createReservations();
  let calls = 0;
  let sent = 0;
  const state = (): JobState | null => {
    const job = given.job === undefined ? open : given.job;
    if (job === null) return null;
    const cost = metered.reduce((sum, each) => sum + (each.cost ?? 0), 0);
    const { spent } = job;
    return {
      ...job,
      spent: spent.state === 'known' ? { ...spent, nanoUsd: spent.nanoUsd + cost } : spent,
      pending: [...job.pending, ...pending],
    };
  };
  const deps: ProxyDeps = {
    providers: [
      { name: 'p', models: null, unpriced: false },
      { name: 'free', models: ['x'], unpriced: true },
    ],
    prices,
    reservations,
    nowMs: () => NOW,
    newCall: () => `call-${++calls}`,
    pause: async (ms, signal) => {
      if (ms === LOOK_MS) await Promise.race([given.looks ?? aborted(signal), aborted(signal)]);
      else pauses.push(ms);
    },
    stopping: new AbortController().signal,
    ask: async (provider, payload, heard) => {
      asked.push({ provider, payload, pending: pending.length });
      if (typeof given.answer === 'function') return given.answer(heard);
      return given.answer ?? { kind: 'answered', body: answer };
    },
    ledger: {
      readJob: async () => {
        reads.push(JOB);
        if (given.reads === false) return AWAY;
        const job = state();
        await given.beforeRead?.();
        return { kind: 'ok', job };
      },
      reserve: async ({ job: _job, ...call }) => {
        if (given.reserves === 'away') return AWAY;
        if (given.reserves === 'refused') return { kind: 'refused', status: 409, detail: 'closed' };
        pending.push({ ...call, time: open.expires });
        return { kind: 'ok' };
      },
      meter: async (cost) => {
        if (++sent < (given.takesFrom ?? 1)) return AWAY;
        const index = pending.findIndex(({ call }) => call === cost.call);
        if (index >= 0) pending.splice(index, 1);
        metered.push(cost);
        return { kind: 'ok' };
      },
    },
  };
  const stays = new AbortController().signal;
  const complete = (call = ask(), callerBudget: number | null = null, left = stays) =>
    completeChat(call, { job: JOB, callerBudget, seen: null, left }, deps);
  const completeSeen = (seen: SeenJob) =>
    completeChat(ask(), { job: JOB, callerBudget: null, seen, left: stays }, deps);
  const inTime = () =>
    completeInTime(ask(), { job: JOB, callerBudget: null, seen: null, left: stays }, deps);
  return {
    complete,
    completeSeen,
    deps,
    reads,
    inTime,
    metered,
    pending,
    asked,
    reservations,
    pauses,
  };
}

/** Between two looks at a job whose call is under way. */
const LOOK_MS = 15_000;

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const AWAY = { kind: 'unavailable', detail: 'away' } as const;
const NEVER = Number.POSITIVE_INFINITY;

test('an answer is released once the ledger has what it cost, and asked for once it is pending there', async () => {
  const { complete, metered, asked, pending } = site({});
  const outcome = await complete();
  expect(asked).toMatchObject([{ pending: 1 }]);
  expect(pending).toEqual([]);
  expect(outcome).toMatchObject({ kind: 'answer', body: answer });
  expect(metered).toEqual([
    {
      call: 'call-1',
      job: JOB,
      provider: 'p',
      model: 'm',
      promptTokens: 10,
      cachedTokens: 0,
      completionTokens: 5,
      latencyMs: 0,
      cost: 20_000,
      unknown: null,
      prices: 'test',
      status: 'ok',
      error: null,
    },
  ]);
});

test.for([
  ['the ledger does not say whether the job is open', { reads: false }, 503, 0],
  ['the ledger does not take what it cost', { takesFrom: NEVER }, 503, 1],
  ['the ledger does not take that it begins', { reserves: 'away' }, 503, 0],
  ['the job is closed before it is begun', { reserves: 'refused' }, 403, 0],
  ['nobody opened the job', { job: null }, 404, 0],
  ['the job is closed', { job: { ...open, open: false } }, 403, 0],
  ['its time is over', { job: { ...open, expires: '2026-11-29T12:00:00.000Z' } }, 403, 0],
  [
    'the budget is spent',
    { job: { ...open, spent: { state: 'known', nanoUsd: 999_999_999 } } },
    429,
    0,
  ],
  ['it made all its calls of models', { job: { ...open, modelCalls: 300 } }, 429, 0],
  [
    'what was spent is unknown',
    { job: { ...open, spent: { state: 'unknown', reason: '' } } },
    429,
    0,
  ],
  ['the provider refuses', { answer: { kind: 'refused', status: 500, detail: '' } }, 502, 1],
  ['the provider is away', { answer: { kind: 'unreachable', detail: 'away' } }, 502, 1],
  ['the provider breaks off', { answer: { kind: 'broken', detail: 'cut' } }, 502, 1],
] as const)('nothing is released when %s', async ([, given, status, asks]) => {
  const { complete, asked, reservations } = site(given);
  expect(await complete()).toMatchObject({ kind: 'refused', status });
  expect(asked).toHaveLength(asks);
  await expect.poll(() => heldOf(reservations).size).toBe(0);
  expect(reservations.underWay(JOB)).toBe(0);
});

describe('what a call cost', () => {
  test.for([
    ['is nothing where the provider refused', { kind: 'refused', status: 429, detail: '' }, 0],
    ['is nothing where it was not reached', { kind: 'unreachable', detail: '' }, 0],
    ['is unknown where it broke off', { kind: 'broken', detail: '' }, null],
    ['is unknown where it does not say how much it took', { kind: 'answered', body: {} }, null],
  ] as const)('%s', async ([, answer, cost]) => {
    const { complete, metered } = site({ answer });
    await complete();
    expect(metered).toMatchObject([{ cost, unknown: cost === null ? 'provider' : null }]);
  });

  test('is put down again and again until the ledger takes it, and is nothing for a call that was never made', async () => {
    const late = site({ takesFrom: 6 });
    expect(await late.complete()).toMatchObject({ status: 503 });
    await expect.poll(() => late.metered).toMatchObject([{ call: 'call-1', cost: 20_000 }]);
    expect(late.pauses).toEqual([100, 200, 400, 800, 1_600]);
    const brief = site({ takesFrom: 3 });
    expect(await brief.complete()).toMatchObject({ kind: 'answer' });
    const unmade = site({ reserves: 'away' });
    expect(await unmade.complete()).toMatchObject({ status: 503 });
    await expect.poll(() => unmade.metered).toMatchObject([{ cost: 0, status: 'error' }]);
  });

  test('is put down for as long as it takes to be given up, and not longer', async () => {
    const at = site({ takesFrom: NEVER });
    await at.complete();
    await expect.poll(() => heldOf(at.reservations).size).toBe(0);
    const [reservingMs, hearingMs, ledgerMs] = [15_300, 300_000, 5_000];
    const sendingMs = at.pauses.reduce((sum, ms) => sum + ms + ledgerMs, ledgerMs);
    expect(sendingMs).toBeGreaterThan(480_000);
    expect(reservingMs + hearingMs + sendingMs).toBeLessThan(GIVE_UP_MS);
  });

  const untilCut = async (heard: AbortSignal): Promise<ProviderAnswer> => {
    await aborted(heard);
    return { kind: 'broken', detail: 'cut' };
  };

  test('is unknown by the doing of a caller that gives it no time', async () => {
    const at = site({ answer: untilCut });
    expect(await at.inTime()).toEqual({ kind: 'waited' });
    await expect.poll(() => at.metered).toMatchObject([{ cost: null, unknown: 'caller' }]);
    expect(at.pauses).toEqual([ask().timeoutMs, 120_000]);
  });

  test('is unknown by the doing of a caller that ends its turn without it', async () => {
    const turn = Promise.withResolvers<void>();
    const given: Given = { answer: untilCut, looks: turn.promise };
    const at = site(given);
    const outcome = at.complete();
    await expect.poll(() => at.asked).toHaveLength(1);
    given.job = { ...open, open: false };
    turn.resolve();
    expect(await outcome).toMatchObject({ status: 502 });
    expect(at.pauses).toEqual([120_000]);
    expect(at.metered).toMatchObject([{ cost: null, unknown: 'caller' }]);
  });

  test('is unknown by the doing of a caller that leaves what does not end', async () => {
    const at = site({ answer: untilCut });
    const left = new AbortController();
    const outcome = at.complete(ask(), null, left.signal);
    await expect.poll(() => at.asked).toHaveLength(1);
    left.abort();
    expect(await outcome).toMatchObject({ status: 502 });
    expect(at.pauses).toEqual([120_000]);
    expect(at.metered).toMatchObject([{ cost: null, unknown: 'caller' }]);
  });

  test('is unknown for a model without a price, which only a provider that is configured so is asked for', async () => {
    const { complete, metered, asked } = site({});
    expect(await complete(ask({ model: 'free:x' }))).toMatchObject({ kind: 'answer' });
    expect(metered).toMatchObject([{ cost: null, unknown: 'unpriced' }]);
    expect(await complete(ask({ model: 'p:x' }))).toMatchObject({
      status: 400,
      detail: 'unsupported model',
    });
    expect(await complete(ask({ model: 'free:y' }))).toMatchObject({ status: 400 });
    expect(await complete(ask({ model: 'q:m' }))).toMatchObject({
      status: 400,
      detail: 'unsupported provider',
    });
    expect(asked).toHaveLength(1);
  });
});

test('a caller can lower the budget and never raise it', async () => {
  const tight = site({});
  expect(await tight.complete(ask(), 1)).toMatchObject({ status: 429 });
  const poor = site({ job: { ...open, budget: 1 } });
  expect(await poor.complete(ask(), 1_000_000_000)).toMatchObject({ status: 429 });
});

function heldOf({ reading }: Reservations): ReadonlyMap<string, number> {
  using now = reading(JOB);
  return now.held();
}

const sumHeld = (held: ReadonlyMap<string, number>) =>
  [...held.values()].reduce((a, b) => a + b, 0);

test('a job that is over is refused without a question, however often it is tried', async () => {
  const at = site({ job: { ...open, open: false } });
  const gate = createJobGate({ atOnce: 8, burst: 8, perSecond: 1 }, { elapsedMs: () => 0 });
  const enter = createEntrance(gate, at.deps);
  for (let round = 0; round < 4; round++)
    expect(await enter(JOB)).toMatchObject({ status: 403, detail: 'job is closed' });
  expect(at.reads).toHaveLength(1);
});

test('a caller hears that a service is away, and not where it is', async () => {
  const detail = 'connect ECONNREFUSED 10.1.2.3:443';
  const at = site({ answer: async () => ({ kind: 'unreachable', detail }) });
  expect(await at.complete()).toMatchObject({
    status: 502,
    detail: 'provider upstream error (unreachable)',
  });
  expect(at.metered).toMatchObject([{ error: expect.stringContaining(detail) }]);
  const ledger = {
    readJob: async () => ({ kind: 'unavailable', detail }) as const,
    readLedger: async () => ({ kind: 'unavailable', detail }) as const,
  };
  const away = { status: 503, detail: 'the ledger does not answer' };
  expect(await seeJob(JOB, { ...at.deps, ledger })).toMatchObject(away);
  expect(await readJobCost(JOB, ledger)).toMatchObject({ detail: away.detail });
});

test('calls at once never hold more than the budget, whatever they ask for', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4_096 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, async (limits) => {
      const budget = 5_000_000;
      const answered = Promise.withResolvers<ProviderAnswer>();
      const { complete, reservations, pending } = site({
        job: { ...open, budget },
        answer: () => answered.promise,
      });
      const calls = limits.map((max_tokens) => complete(ask({ max_tokens })));
      // One that asks for more than there is, is refused, and the first that fits is pending.
      const fitting = limits.some((limit) => 2_000 * limit < budget - 200_000);
      if (fitting) await expect.poll(() => pending.length).toBeGreaterThan(0);
      expect(sumHeld(heldOf(reservations))).toBeLessThanOrEqual(budget);
      answered.resolve({ kind: 'answered', body: answer });
      const refused = (await Promise.all(calls)).filter(({ kind }) => kind === 'refused');
      // Each was refused for want of room alone: what it asked for did not fit beside the others, or their number.
      const fits = limits.filter((limit) => 2_000 * limit < budget - 200_000).length;
      if (fits > 0) expect(refused.length).toBeLessThan(limits.length);
      expect(heldOf(reservations).size).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test('a call that ends while another one is being decided counts in that decision', async () => {
  const first = Promise.withResolvers<ProviderAnswer>();
  let reads = 0;
  const at = site({
    job: { ...open, budget: 9_000_000 },
    answer: () => first.promise,
    // The second read is answered with what was before the first call ended, after it has.
    beforeRead: async () => {
      if (++reads < 2) return;
      first.resolve({ kind: 'answered', body: answer });
      await begun;
    },
  });
  const begun = at.complete();
  await expect.poll(() => at.asked).toHaveLength(1);
  expect(await at.complete()).toMatchObject({ status: 429, detail: 'run budget exhausted' });
  expect(at.metered).toHaveLength(1);
  expect(await at.complete()).toMatchObject({ kind: 'answer' });
});

test('the ledger is asked for a job once where a call is let in and decided within a moment', async () => {
  const at = site({});
  const gate = createJobGate(
    { atOnce: 8, burst: 8, perSecond: 1 },
    { elapsedMs: () => performance.now() },
  );
  const entered = await createEntrance(gate, at.deps)(JOB);
  if (entered.kind === 'refused') throw new Error('refused');
  expect(await at.completeSeen(entered.seen)).toMatchObject({ kind: 'answer' });
  expect(at.reads).toHaveLength(1);
  expect(heldOf(at.reservations).size).toBe(0);
  const old = { ...entered.seen, askedMs: NOW - 100 };
  expect(await at.completeSeen(old)).toMatchObject({ kind: 'answer' });
  expect(at.reads).toHaveLength(2);
});

test('what an earlier process began counts at the most that it can cost until it is metered', async () => {
  const left: PendingCall = {
    call: 'of-another-process',
    provider: 'p',
    model: 'm',
    most: 999_000_000,
    prices: 'test',
    time: open.expires,
  };
  const at = site({ job: { ...open, pending: [left] } });
  expect(await at.complete()).toMatchObject({ status: 429, detail: 'run budget exhausted' });
  expect(await at.complete(ask({ max_tokens: 1 }))).toMatchObject({ kind: 'answer' });
});

const sse = (json: unknown): Uint8Array => Buffer.from(`data: ${JSON.stringify(json)}\n\n`);
const DONE = Buffer.from('data: [DONE]\n\n');
async function* partsOf(parts: readonly Uint8Array[], failure?: Error) {
  for (const part of parts) yield part;
  if (failure !== undefined) throw failure;
}

describe('a stream', () => {
  const figures = sse({ choices: [], usage: answer.usage });
  const delta = sse({ choices: [{ delta: { content: 'hi' } }] });
  const read = async (parts: AsyncIterable<Uint8Array>) => {
    const taken: Buffer[] = [];
    for await (const part of parts) taken.push(Buffer.from(part));
    return Buffer.concat(taken).toString();
  };
  const streaming = (parts: AsyncIterable<Uint8Array>): ProviderAnswer => ({
    kind: 'streaming',
    parts,
  });
  const streamOf = async (given: Given, left = new AbortController().signal) => {
    const at = site(given);
    const outcome = await at.complete(ask({ stream: true }), null, left);
    if (outcome.kind !== 'stream') throw new Error(outcome.kind);
    return { ...at, parts: outcome.parts };
  };

  test('comes as it is, and ends once it is metered', async () => {
    const parts = [delta, figures, DONE];
    const at = await streamOf({ answer: streaming(partsOf(parts)) });
    expect(await read(at.parts)).toBe(Buffer.concat(parts).toString());
    expect(at.metered.map(({ cost }) => cost)).toEqual([20_000]);
    expect(heldOf(at.reservations).size).toBe(0);
  });

  test('is pending at the ledger before its first byte', async () => {
    const at = await streamOf({ answer: streaming(partsOf([delta, figures, DONE])) });
    expect(at.pending).toMatchObject([{ call: 'call-1', provider: 'p', model: 'm' }]);
    expect(at.pending[0]?.most).toBeGreaterThan(8_192_000);
    await read(at.parts);
    expect(at.pending).toEqual([]);
  });

  test('comes byte for byte however it is cut, its end alone held back until it is metered', async () => {
    const text = Buffer.concat([delta, figures, DONE]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 8 }),
        async (cuts) => {
          const edges = [0, ...new Set(cuts.toSorted((a, b) => a - b)), text.length];
          const parts = edges.slice(1).map((edge, index) => text.subarray(edges[index], edge));
          const before: boolean[] = [];
          const at = await streamOf({ answer: streaming(partsOf(parts)) });
          let taken = '';
          for await (const part of at.parts) {
            taken += Buffer.from(part).toString('latin1');
            if (taken.includes('[DONE]')) before.push(at.metered.length === 1);
          }
          expect(taken).toBe(text.toString('latin1'));
          expect(before).not.toContain(false);
        },
      ),
      { numRuns: 50 },
    );
  });

  test.for([
    ['in parts', [delta, figures, DONE]],
    ['at once', [Buffer.concat([delta, figures, DONE, Buffer.alloc(100_000, ': more\n')])]],
  ] as const)('that does not end after its end is ended, %s', async ([, parts]) => {
    let more = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield* parts;
      for (; more < 1_000; more++) yield Buffer.alloc(8_192, ': more\n');
    }
    const at = await streamOf({ answer: streaming(endless()) });
    const taken = await read(at.parts);
    expect(taken.startsWith(Buffer.concat([delta, figures, DONE]).toString())).toBe(true);
    expect(at.metered).toMatchObject([{ cost: 20_000, status: 'ok' }]);
    expect(more).toBeLessThan(10);
  });

  test('that is not metered does not end, it breaks off', async () => {
    const at = await streamOf({
      answer: streaming(partsOf([delta, figures, DONE])),
      takesFrom: NEVER,
    });
    await expect(read(at.parts)).rejects.toThrow('provider.failed');
    await expect.poll(() => heldOf(at.reservations).size).toBe(0);
    expect(at.pending).toHaveLength(1);
  });

  test('that its provider breaks off has no known cost', async () => {
    const at = await streamOf({ answer: streaming(partsOf([delta], new Error('cut'))) });
    await expect(read(at.parts)).rejects.toThrow('cut');
    expect(at.metered).toMatchObject([{ cost: null, unknown: 'provider', status: 'error' }]);
  });

  test('is metered in full although its reader leaves', async () => {
    const metered = Promise.withResolvers<void>();
    async function* slow() {
      yield delta;
      yield delta;
      await left.promise;
      yield figures;
      yield DONE;
      metered.resolve();
    }
    const left = Promise.withResolvers<void>();
    const at = await streamOf({ answer: streaming(slow()) });
    for await (const _part of at.parts) break;
    left.resolve();
    await metered.promise;
    await expect.poll(() => at.metered.map(({ cost }) => cost)).toEqual([20_000]);
  });
});
