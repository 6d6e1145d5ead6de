import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openProxy } from '#src/cli/proxy/open-proxy.ts';
import { loadConfig } from '#src/config.ts';
import { jobToken } from '#src/evaluation/job.ts';
import { jobIdOf } from '#src/evaluation/job-name.ts';
import { ledgerClient } from '#src/runtime/ledger-client.ts';
import { createLogger } from '#src/runtime/logger.ts';
import {
  completes,
  fails,
  type ProviderTurn,
  startFakeProvider,
  streams,
} from '../support/fake-provider.ts';
import { type LiveLedger, liveLedger, TOKEN } from '../support/live-ledger.ts';
import { hotkey } from '../support/recorded-events.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { unfinishedRequest } from '../support/unfinished-request.ts';
import { ChatAnswer, JobCostAnswer } from './wire.ts';

const deployment = '11111111-2222-3333-4444-555555555555';
const OTHER = '22222222-2222-3333-4444-555555555555';
const MODEL = 'zai-org/GLM-5.1-TEE';
const messages = [{ role: 'user', content: 'hello' }];
const USAGE = {
  prompt_tokens: 1_000,
  completion_tokens: 500,
  completion_tokens_details: { reasoning_tokens: 400 },
};
/** 1,000 · 0.50 and 500 · 2.00 USD for a million; reasoning tokens are among the 500. */
const COST_USD = 0.0015;

/** A busy machine takes its time. */
const SOON = { timeout: 20_000 };

const JOB_KEY = 'the-key-of-jobs-of-one-validator';

let ledger: LiveLedger;
let scratch: Awaited<ReturnType<typeof scratchDirectory>>;
beforeAll(async () => {
  scratch = await scratchDirectory();
  ledger = await liveLedger();
});
afterAll(async () => {
  await ledger[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const client = () => ledgerClient({ url: ledger.url, token: TOKEN });

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(scratch.path, name), text, { mode: 0o600 });
  return join(scratch.path, name);
}

let jobs = 0;
async function openJob(budget = 1_000_000_000, of = deployment): Promise<string> {
  const task = `t-${jobs++}`;
  const job = jobIdOf({ turn: task, deployment: of });
  const place = { family: 'general_chat', run: 'run-1', task, miner: hotkey('m'), deployment };
  const terms = { ...place, job, budget, calls: 12, expires: '2099-01-01T00:00:00.000Z' };
  expect(await client().openJob(terms)).toMatchObject({ kind: 'ok' });
  return job;
}

/** A proxy over providers that take these turns. */
async function site(...turns: readonly ProviderTurn[]) {
  const stack = new AsyncDisposableStack();
  const provider = stack.use(await startFakeProvider(...turns));
  const keyFile = await file('chutes.key', 'the-key-of-chutes');
  const providers = await file(
    'providers.json',
    JSON.stringify({ providers: [{ name: 'chutes', url: provider.url, keyFile }] }),
  );
  const config = loadConfig({
    EIREL_SERVICE_TOKEN_FILE: ledger.env['EIREL_SERVICE_TOKEN_FILE'],
    EIREL_JOB_KEY_FILE: await file('job.key', JOB_KEY),
    EIREL_LEDGER_URL: ledger.url,
    EIREL_PROVIDERS_FILE: providers,
    EIREL_HTTP_PORT: '0',
  });
  const stop = new AbortController();
  const logger = createLogger('silent', 'test');
  const proxy = stack.use(await openProxy(config, { logger, signal: stop.signal }));
  const call = (body: unknown, job: string, token = jobToken(JOB_KEY, job), more = {}) =>
    fetch(`${proxy.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Bearer ${token}`,
        'X-Eirel-Job-Id': job,
        ...more,
      },
      body: JSON.stringify(body),
    });
  const cost = async (job: string) => {
    const response = await fetch(`${proxy.url}/v1/jobs/${encodeURIComponent(job)}/cost`, {
      headers: { Authorization: `Bearer ${TOKEN}` },
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }; // safe: the proxy answers JSON
  };
  return { provider, proxy, stop, call, cost, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('the form of the existing services is answered in it, and the cost is read back', async () => {
  await using at = await site(completes('hi', USAGE));
  const job = await openJob();
  const response = await at.call({ provider: 'chutes', model: MODEL, payload: { messages } }, job);
  expect(response.status).toBe(200);
  expect(ChatAnswer.parse(await response.json())).toMatchObject({
    upstream_response: { choices: [{ message: { content: 'hi' } }] },
    usage: {
      provider: 'chutes',
      model: MODEL,
      request_count: 1,
      actual_prompt_tokens: 1_000,
      actual_completion_tokens: 500,
      actual_total_tokens: 1_500,
      cost_usd: COST_USD,
      cost_usd_used: COST_USD,
      cost_remaining_usd: 1 - COST_USD,
    },
  });
  expect(at.provider.seen).toMatchObject([
    { authorization: 'Bearer the-key-of-chutes', body: { model: MODEL, max_tokens: 4_096 } },
  ]);
  const cost = await at.cost(job);
  expect(cost.status).toBe(200);
  expect(JobCostAnswer.parse(cost.body)).toEqual({
    cost_usd_used: COST_USD,
    llm_cost_usd: COST_USD,
    tool_cost_usd: 0,
    max_usd_budget: 1,
    pending_calls: 0,
    cost_rejections: 0,
    per_provider: { chutes: COST_USD },
    per_span: {},
    per_span_buckets: {},
    span_parents: {},
  });
});

test("the form of OpenAI is answered with the provider's own answer", async () => {
  await using at = await site(completes('hi', USAGE));
  const job = await openJob();
  const response = await at.call({ model: `chutes:${MODEL}`, messages }, job);
  expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'hi' } }] });
});

test('a stream ends once the ledger has its cost', async () => {
  const delta = JSON.stringify({ choices: [{ delta: { content: 'hi' } }] });
  await using at = await site(
    streams(delta, JSON.stringify({ choices: [], usage: USAGE }), '[DONE]'),
  );
  const job = await openJob();
  const response = await at.call({ model: MODEL, messages, stream: true }, job);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const text = await response.text();
  expect(text).toContain('"hi"');
  expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
  expect(await at.cost(job)).toMatchObject({ body: { llm_cost_usd: COST_USD } });
  expect(at.provider.seen[0]?.body).toMatchObject({ stream_options: { include_usage: true } });
});

test('a caller that hangs up while its job is closed pays for what it began', async () => {
  const heard = Promise.withResolvers<void>();
  const delta = JSON.stringify({ choices: [{ delta: { content: 'hi' } }] });
  await using at = await site((_request, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.write(`data: ${delta}\n\ndata: ${delta}\n\n`);
    void heard.promise.then(() =>
      res.end(`data: ${JSON.stringify({ choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`),
    );
  });
  const job = await openJob();
  const response = await at.call({ model: MODEL, messages, stream: true }, job);
  await response.body?.getReader().read();
  expect(await at.cost(job)).toMatchObject({ body: { cost_usd_used: null, pending_calls: 1 } });
  await response.body?.cancel().catch(() => undefined);
  const reason = 'what one call cost is not metered yet';
  expect(await client().closeJob(job)).toMatchObject({ cost: { state: 'unknown', reason } });
  heard.resolve();
  await expect
    .poll(() => at.cost(job), SOON)
    .toMatchObject({ body: { cost_usd_used: COST_USD, pending_calls: 0 } });
});

test('a proxy that is stopped tells the ledger first what became of its calls', async () => {
  const asked = Promise.withResolvers<void>();
  await using at = await site(() => asked.resolve());
  const job = await openJob();
  const response = at.call({ model: MODEL, messages }, job);
  await asked.promise;
  at.stop.abort(new Error('stop'));
  await at.proxy[Symbol.asyncDispose]();
  expect(await client().readLedger(job)).toMatchObject({
    ledger: { pending: [], modelCalls: [{ cost: null, unknown: 'proxy' }] },
  });
  expect((await response).status).toBe(502);
});

describe('who may call', () => {
  test.for([
    ['a token of another job', jobToken(JOB_KEY, 'another-job')],
    ['a token under another key', jobToken('another key', 'x')],
    ['nothing', ''],
  ] as const)('not %s', async ([, token]) => {
    await using at = await site(completes('hi', USAGE));
    const job = await openJob();
    const response = await at.call({ model: MODEL, messages }, job, token);
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ detail: 'invalid provider proxy token' });
    expect(at.provider.seen).toHaveLength(0);
  });

  test('nobody without a job, and nobody for a job that is closed or was never opened', async () => {
    await using at = await site(completes('hi', USAGE));
    const job = await openJob();
    await client().closeJob(job);
    expect((await at.call({ model: MODEL, messages }, job)).status).toBe(403);
    expect((await at.call({ model: MODEL, messages }, 'never-opened')).status).toBe(404);
    const without = await fetch(`${at.proxy.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
      body: '{}',
    });
    expect(without.status).toBe(400);
    expect(await without.json()).toEqual({ detail: 'missing job id header' });
    expect(at.provider.seen).toHaveLength(0);
  });
});

test('whoever may not call is answered and disconnected before a byte of his body is read', async () => {
  await using at = await site(completes('hi', USAGE));
  const job = await openJob();
  const closed = await openJob();
  await client().closeJob(closed);
  const asks = async (id: string, token: string) => {
    using request = unfinishedRequest(
      at.proxy.url,
      '/v1/chat/completions',
      { Authorization: `Bearer ${token}`, 'X-Eirel-Job-Id': id },
      2_000_000,
    );
    const status = await request.status;
    await request.ended;
    return status;
  };
  expect(await asks(job, 'nothing')).toBe(401);
  expect(await asks(closed, jobToken(JOB_KEY, closed))).toBe(403);
  expect(await asks('never-opened', jobToken(JOB_KEY, 'never-opened'))).toBe(404);
});

test('a miner whose bodies never end has no place left, and every other one has all of its own', async () => {
  await using at = await site(completes('hi', USAGE));
  const [slow, other] = [await openJob(), await openJob(undefined, OTHER)];
  using requests = new DisposableStack();
  for (let place = 0; place < 8; place++)
    requests.use(
      unfinishedRequest(
        at.proxy.url,
        '/v1/chat/completions',
        { Authorization: `Bearer ${jobToken(JOB_KEY, slow)}`, 'X-Eirel-Job-Id': slow },
        2_000_000,
      ),
    );
  const body = { model: MODEL, messages };
  await expect.poll(async () => (await at.call(body, slow)).status, SOON).toBe(429);
  expect((await at.call(body, other)).status).toBe(200);
});

test('a limit of the caller that is no limit, and a body that is too deep, are answered as what they are', async () => {
  await using at = await site(completes('hi', USAGE));
  const job = await openJob();
  const body = { model: MODEL, messages };
  const vast = await at.call(body, job, undefined, { 'X-Eirel-Run-Budget-Usd': '999999999' });
  expect(vast.status).toBe(200);
  const depth = 100_000;
  const parameters = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  const deep = await fetch(`${at.proxy.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${TOKEN}`,
      'X-Eirel-Job-Id': job,
    },
    body: `{"model":"${MODEL}","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":${parameters}}}]}`,
  });
  expect(deep.status).toBe(400);
  expect(at.provider.seen).toHaveLength(1);
});

test('the validator decides the budget: a header of a miner can only lower it', async () => {
  await using at = await site(completes('hi', USAGE));
  const job = await openJob(1_000);
  const body = { model: MODEL, messages };
  const raised = await at.call(body, job, undefined, { 'X-Eirel-Run-Budget-Usd': '30' });
  expect(raised.status).toBe(429);
  expect(await raised.json()).toEqual({ detail: 'run budget exhausted' });
  const rich = await openJob();
  expect(
    (await at.call(body, rich, undefined, { 'X-Eirel-Run-Budget-Usd': '0.000001' })).status,
  ).toBe(429);
  expect((await at.call(body, rich, undefined, { 'X-Eirel-Run-Budget-Usd': 'much' })).status).toBe(
    400,
  );
  expect(at.provider.seen).toHaveLength(0);
});

test('a provider that is busy is asked again, one that fails is told as such and costs nothing', async () => {
  await using at = await site(fails(503), completes('hi', USAGE), fails(400));
  const job = await openJob();
  expect((await at.call({ model: MODEL, messages }, job)).status).toBe(200);
  const failed = await at.call({ model: MODEL, messages }, job);
  expect(failed.status).toBe(502);
  expect(await failed.json()).toEqual({ detail: 'provider upstream error (400)' });
  expect(await at.cost(job)).toMatchObject({
    body: { llm_cost_usd: COST_USD, cost_rejections: 1 },
  });
});

test('an answer without figures makes the cost of the job unknown, and it makes no more calls', async () => {
  await using at = await site(completes('hi', {}));
  const job = await openJob();
  expect((await at.call({ model: MODEL, messages }, job)).status).toBe(200);
  expect(await at.cost(job)).toMatchObject({
    status: 200,
    body: {
      cost_usd_used: null,
      llm_cost_usd: null,
      tool_cost_usd: 0,
      per_provider: { chutes: null },
    },
  });
  expect((await at.call({ model: MODEL, messages }, job)).status).toBe(429);
});

test('the cost of a job that is not known is 404, which is no cost of zero', async () => {
  await using at = await site(completes('hi', USAGE));
  expect(await at.cost('never-opened')).toEqual({ status: 404, body: { detail: 'job not found' } });
  const job = await openJob();
  const known = await at.cost(job);
  expect(JobCostAnswer.parse(known.body)).toMatchObject({ cost_usd_used: 0 });
  const stranger = await fetch(`${at.proxy.url}/v1/jobs/${encodeURIComponent(job)}/cost`);
  expect(stranger.status).toBe(401);
});
