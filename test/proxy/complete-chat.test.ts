import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readChatCall } from '#src/evaluation/chat-call.ts';
import { readPriceTable } from '#src/evaluation/prices.ts';
import type { JobState, MeteredCost } from '#src/handlers/ledger/ledger-port.ts';
import { completeChat, type ProxyDeps } from '#src/handlers/proxy/complete-chat.ts';
import type { ProviderAnswer } from '#src/handlers/proxy/provider-port.ts';
import { createReservations } from '#src/handlers/proxy/reservations.ts';

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
  maxCalls: 12,
  calls: 0,
};
const answer = {
  choices: [{ message: { role: 'assistant', content: 'hi' } }],
  usage: { prompt_tokens: 10, completion_tokens: 5 },
};
const ask = (more = {}) =>
  readChatCall({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...more });

/** A proxy over a provider that answers so, and a ledger that takes, or does not take, what it is told. */
function site(given: {
  answer?: ProviderAnswer | Promise<ProviderAnswer>;
  job?: JobState | null;
  takes?: boolean;
  reads?: boolean;
}) {
  const metered: MeteredCost[] = [];
  const asked: unknown[] = [];
  const reservations = createReservations();
  const deps: ProxyDeps = {
    providers: [
      { name: 'p', models: null, unpriced: false },
      { name: 'free', models: ['x'], unpriced: true },
    ],
    prices,
    reservations,
    nowMs: () => NOW,
    newCall: () => `call-${metered.length + 1}`,
    ask: async (provider, payload) => {
      asked.push({ provider, payload });
      return given.answer ?? { kind: 'answered', body: answer };
    },
    ledger: {
      readJob: async () =>
        given.reads === false
          ? { kind: 'unavailable', detail: 'away' }
          : { kind: 'ok', job: given.job === undefined ? open : given.job },
      meter: async (cost) => {
        if (given.takes === false) return { kind: 'unavailable', detail: 'away' };
        metered.push(cost);
        return { kind: 'ok' };
      },
    },
  };
  const complete = (call = ask(), callerBudget: number | null = null) =>
    completeChat(call, { job: JOB, callerBudget }, deps);
  return { complete, metered, asked, reservations };
}

test('an answer is released once the ledger has what it cost', async () => {
  const { complete, metered } = site({});
  const outcome = await complete();
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
      prices: 'test',
      status: 'ok',
      error: null,
    },
  ]);
});

test.for([
  ['the ledger does not say whether the job is open', { reads: false }, 503, 0],
  ['the ledger does not take what it cost', { takes: false }, 503, 1],
  ['nobody opened the job', { job: null }, 404, 0],
  ['the job is closed', { job: { ...open, open: false } }, 403, 0],
  ['its time is over', { job: { ...open, expires: '2026-11-29T12:00:00.000Z' } }, 403, 0],
  [
    'the budget is spent',
    { job: { ...open, spent: { state: 'known', nanoUsd: 999_999_999 } } },
    429,
    0,
  ],
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
  expect(reservations.all()).toBe(0);
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
    expect(metered.map((each) => each.cost)).toEqual([cost]);
  });

  test('is unknown for a model without a price, which only a provider that is configured so is asked for', async () => {
    const { complete, metered, asked } = site({});
    expect(await complete(ask({ model: 'free:x' }))).toMatchObject({ kind: 'answer' });
    expect(metered.map(({ cost }) => cost)).toEqual([null]);
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

test('calls at once never hold more than the budget, whatever they ask for', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4_096 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, async (limits) => {
      const budget = 5_000_000;
      const answered = Promise.withResolvers<ProviderAnswer>();
      const { complete, reservations } = site({
        job: { ...open, budget },
        answer: answered.promise,
      });
      const calls = limits.map((max_tokens) => complete(ask({ max_tokens })));
      await expect.poll(() => reservations.held(JOB)).toBeGreaterThanOrEqual(0);
      expect(reservations.held(JOB)).toBeLessThanOrEqual(budget);
      answered.resolve({ kind: 'answered', body: answer });
      const refused = (await Promise.all(calls)).filter(({ kind }) => kind === 'refused');
      // Each was refused for want of room alone: what it asked for did not fit beside the others, or their number.
      const fits = limits.filter((limit) => 2_000 * limit < budget - 200_000).length;
      if (fits > 0) expect(refused.length).toBeLessThan(limits.length);
      expect(reservations.held(JOB)).toBe(0);
    }),
    { numRuns: 30 },
  );
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
  const streamOf = async (given: Parameters<typeof site>[0]) => {
    const at = site(given);
    const outcome = await at.complete(ask({ stream: true }));
    if (outcome.kind !== 'stream') throw new Error(outcome.kind);
    return { ...at, parts: outcome.parts };
  };

  test('comes as it is, and ends once it is metered', async () => {
    const parts = [delta, figures, DONE];
    const at = await streamOf({ answer: streaming(partsOf(parts)) });
    expect(await read(at.parts)).toBe(Buffer.concat(parts).toString());
    expect(at.metered.map(({ cost }) => cost)).toEqual([20_000]);
    expect(at.reservations.all()).toBe(0);
  });

  test('that is not metered does not end, it breaks off', async () => {
    const at = await streamOf({ answer: streaming(partsOf([delta, figures, DONE])), takes: false });
    await expect(read(at.parts)).rejects.toThrow('provider.failed');
    expect(at.reservations.all()).toBe(0);
  });

  test('that its provider breaks off has no known cost', async () => {
    const at = await streamOf({ answer: streaming(partsOf([delta], new Error('cut'))) });
    await expect(read(at.parts)).rejects.toThrow('cut');
    expect(at.metered.map(({ cost, status }) => ({ cost, status }))).toEqual([
      { cost: null, status: 'error' },
    ]);
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
