import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { argsHash } from '#src/evaluation/tool-args.ts';
import { httpApp } from '#src/http/http-app.ts';
import { ledgerRoutes } from '#src/http/ledger/ledger-routes.ts';
import { createLogServiceMetrics } from '#src/http/metrics.ts';
import type { Served } from '#src/http/serve.ts';
import { ledgerClient } from '#src/runtime/ledger-client.ts';
import { takeTurns } from '#src/runtime/turns.ts';
import { ask, type Reply, serveOnLoopback } from '../http/client.ts';
import {
  JOB,
  type MemoryLedger,
  memoryLedger,
  modelCall,
  reservedCall,
  TERMS,
  toolCall,
} from '../support/memory-ledger.ts';
import { JobLedgerDocument, SENT_BY_TOOLS, ToolCallRow } from './wire.ts';

const TOKEN = 'a-token-of-the-services';
const BASE = '/v1/internal/eval';

let site: MemoryLedger;
let served: Served;
beforeAll(async () => {
  site = await memoryLedger();
  const metrics = createLogServiceMetrics();
  let names = 0;
  const routes = ledgerRoutes({
    ...site.ledger,
    token: TOKEN,
    turn: takeTurns().turn,
    newName: () => `named-${names++}`,
    metrics,
    readiness: async () => [{ name: 'log', ok: true, detail: 'there' }],
  });
  served = await serveOnLoopback(httpApp(routes, { metrics, log: () => undefined }));
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

const client = (token = TOKEN) => ledgerClient({ url: served.url, token });

function post(path: string, body: unknown, token: string | null = TOKEN): Promise<Reply> {
  const headers = {
    'content-type': 'application/json',
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return ask(served.url, `${BASE}${path}`, { method: 'POST', headers, body: text });
}

function get(path: string, token: string | null = TOKEN): Promise<Reply> {
  const headers: Record<string, string> =
    token === null ? {} : { authorization: `Bearer ${token}` };
  return ask(served.url, `${BASE}${path}`, { headers });
}

const minimal = (more: object = {}) => ({
  job_id: 'a-job',
  tool_name: 'web_search',
  args_hash: 'a'.repeat(64),
  args_json: {},
  result_digest: '{}',
  latency_ms: 1,
  cost_usd: 0.003,
  ...more,
});

describe('the wire of the existing services', () => {
  test.for(SENT_BY_TOOLS.map((each) => [each.tool_name, each] as const))(
    '%s is answered with its row, and read back as the same',
    async ([tool, sent]) => {
      const job = `wire-${tool}`;
      const hash = argsHash(sent.args_json);
      const reply = await post('/tool_calls', minimal({ ...sent, job_id: job, args_hash: hash }));
      expect(reply.status).toBe(201);
      const row = ToolCallRow.parse(reply.json());
      expect(row).toMatchObject({ ...sent, job_id: job, args_hash: hash, error: null });
      const ledger = JobLedgerDocument.parse((await get(`/job_ledger?job_id=${job}`)).json());
      expect(ledger).toMatchObject({ job_id: job, n_calls: 1, tool_calls: [row] });
    },
  );

  test('without a status a call is ok, and a row is of its job alone', async () => {
    const row = (await post('/tool_calls', minimal({ job_id: 'by-default' }))).json();
    expect(row).toMatchObject({ status: 'ok', error: null });
    expect((await get('/job_ledger?job_id=other')).json()).toMatchObject({ n_calls: 0 });
  });

  test('numbers in arguments keep the form that Python wrote them in', async () => {
    const body = JSON.stringify(minimal({ job_id: 'floats' })).replace(
      '"args_json":{}',
      '"args_json":{"x":1.0,"n":9007199254740993}',
    );
    expect((await post('/tool_calls', body)).text).toContain(
      '"args_json":{"n":9007199254740993,"x":1.0}',
    );
  });

  test('an array is answered by its length', async () => {
    const array = ['a', 'b', 'a'].map((call) => minimal({ call_id: call, job_id: 'array' }));
    const reply = await post('/tool_calls', array);
    expect([reply.status, reply.json()]).toEqual([201, { accepted: 3, rows: 2 }]);
    expect((await post('/tool_calls', [])).json()).toEqual({ accepted: 0, rows: 0 });
  });

  test('the same call_id again is the same row, with another body it is a conflict', async () => {
    const body = minimal({ call_id: 'once', job_id: 'again' });
    const first = await post('/tool_calls', body);
    const second = await post('/tool_calls', body);
    expect(second.status).toBe(201);
    expect(second.text).toBe(first.text);
    const other = await post('/tool_calls', { ...body, latency_ms: 2 });
    expect(other.status).toBe(409);
    expect(other.json()).toMatchObject({ detail: 'another call was recorded as once' });
  });
});

/** What takes the most room in an event: nothing of it may be found too large once it is on its way. */
const LONGEST = {
  job_id: '"'.repeat(128),
  call_id: 'x'.repeat(64),
  tool_name: '\u0001'.repeat(64),
  args_hash: '\u0001'.repeat(64),
  args_json: { c: '"'.repeat(14_370) },
  result_digest: '\u0001'.repeat(512),
  error: '\u0001'.repeat(400),
  status: '\u0001'.repeat(16),
  latency_ms: Number.MAX_SAFE_INTEGER,
  cost_usd: 9_000_000,
};

describe('what is refused', () => {
  const long = (length: number) => 'x'.repeat(length);
  test.for([
    ['a job id of 128 characters', { job_id: long(128) }, 201],
    ['a job id of 129 characters', { job_id: long(129) }, 422],
    ['an empty job id', { job_id: '' }, 422],
    ['a tool name of 64 characters', { tool_name: long(64) }, 201],
    ['a tool name of 65 characters', { tool_name: long(65) }, 422],
    ['a hash of 65 characters', { args_hash: long(65) }, 422],
    ['a status of 16 characters', { status: long(16) }, 201],
    ['a status of 17 characters', { status: long(17) }, 422],
    ['a latency below zero', { latency_ms: -1 }, 422],
    ['a latency that is no integer', { latency_ms: 1.5 }, 422],
    ['a cost below zero', { cost_usd: -0.1 }, 422],
    ['a cost beyond nine million dollars', { cost_usd: 1e7 }, 422],
    ['arguments that are no object', { args_json: [] }, 422],
    ['arguments that no event can hold', { args_json: { code: long(60_000) } }, 422],
    [
      'the longest query of rag, in characters beyond U+FFFF',
      { args_json: { query: '😀'.repeat(4_000) } },
      201,
    ],
    ['everything at its longest, all of it escaped', LONGEST, 201],
    [
      'a result of 100,000 characters: its beginning is kept',
      { result_digest: long(100_000) },
      201,
    ],
    ['a lone surrogate in a name', { tool_name: '\ud800' }, 422],
    ['an error with a NUL: it is shown as what it is not', { error: 'a\0b\ud800' }, 201],
  ] as const)('%s', async ([, more, status]) => {
    const reply = await post('/tool_calls', minimal(more));
    expect([reply.status, reply.text.slice(0, 300)]).toEqual([status, expect.any(String)]);
  });

  test.for([
    ['no JSON', '{'],
    ['more than a thousand calls', Array.from({ length: 1_001 }, () => minimal())],
    ['one malformed call among others', [minimal(), { job_id: 'x' }]],
  ] as const)('%s', async ([, body]) => {
    expect((await post('/tool_calls', body)).status).toBe(422);
  });

  test('a query about a job by an id that no job has', async () => {
    expect((await get(`/job_ledger?job_id=${long(128)}`)).status).toBe(200);
    expect((await get(`/job_ledger?job_id=${long(129)}`)).status).toBe(422);
    expect((await get('/job_ledger')).status).toBe(422);
  });

  test('whoever does not show the token, before his body is read', async () => {
    const paths = ['/tool_calls', '/costs', '/costs/reservations', '/jobs', '/jobs/close'];
    for (const token of [null, 'another-token-altogether', `${TOKEN}x`]) {
      for (const path of paths) expect((await post(path, '{', token)).status, path).toBe(401);
      const read = await get('/job_ledger?job_id=a', token);
      expect(read.status).toBe(401);
      expect(read.headers['www-authenticate']).toBe('Bearer');
      expect((await get('/jobs?job_id=a', token)).status).toBe(401);
    }
  });
});

describe('the client', () => {
  test('opens a job, attests, meters, closes, and reads what came of it', async () => {
    const ledger = client();
    expect(await ledger.readJob(JOB)).toEqual({ kind: 'ok', job: null });
    expect(await ledger.openJob(TERMS)).toEqual({ kind: 'ok', again: false });
    expect(await ledger.openJob(TERMS)).toEqual({ kind: 'ok', again: true });
    const used = toolCall('c-1', { args: '{"x":1.0}' });
    const failed = toolCall('c-2', { tool: 'sandbox', status: 'error', error: 'no', cost: null });
    expect(await ledger.attest(used)).toEqual({ kind: 'ok' });
    expect(await ledger.attest(used)).toEqual({ kind: 'ok' });
    expect(await ledger.meter(modelCall('m-1'))).toEqual({ kind: 'ok' });
    const { job: _job, ...pending } = reservedCall('m-2');
    expect(await ledger.reserve(reservedCall('m-2'))).toEqual({ kind: 'ok' });
    expect(await ledger.readJob(JOB)).toEqual({
      kind: 'ok',
      job: {
        job: JOB,
        open: true,
        expires: TERMS.expires,
        budget: TERMS.budget,
        spent: { state: 'known', nanoUsd: 3_045_000 },
        pending: [{ ...pending, time: expect.any(String) as string }],
        maxCalls: 12,
        calls: 1,
        modelCalls: 2,
      },
    });
    expect(await ledger.attest(failed)).toEqual({ kind: 'ok' });
    const cost = { state: 'unknown', reason: 'what one call cost is not known (tool)' };
    expect(await ledger.closeJob(JOB)).toEqual({ kind: 'ok', cost });
    expect(await ledger.closeJob(JOB)).toEqual({ kind: 'ok', cost });
    const read = await ledger.readLedger(JOB);
    expect(read).toMatchObject({
      kind: 'ok',
      ledger: {
        job: JOB,
        opened: true,
        closed: true,
        tools: ['web_search'],
        toolCalls: [
          { call: 'c-1', tool: 'web_search', cost: 3_000_000, status: 'ok' },
          { call: 'c-2', tool: 'sandbox', cost: null, status: 'error', error: 'no' },
        ],
        modelCalls: [{ call: 'm-1', model: 'zai-org/GLM-5.1-TEE', cost: 45_000, promptTokens: 10 }],
        pending: [pending],
        cost,
        ledger: { hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      },
    });
  });

  test('gives a refusal as a value, with its status', async () => {
    const refused = (status: number) => ({
      kind: 'refused',
      status,
      detail: expect.any(String) as string,
    });
    const ledger = client();
    const terms = { ...TERMS, job: 'refusals' };
    await ledger.openJob(terms);
    expect(await ledger.openJob({ ...terms, calls: 13 })).toEqual(refused(409));
    expect(await ledger.closeJob('never-opened')).toEqual(refused(404));
    expect(await ledger.reserve(reservedCall('r', { job: 'no-job' }))).toEqual(refused(404));
    await ledger.closeJob('refusals');
    expect(await ledger.reserve(reservedCall('r', { job: 'refusals' }))).toEqual(refused(409));
    expect(await ledger.attest(toolCall('late', { job: 'refusals' }))).toEqual(refused(409));
    expect(await client('a-wrong-token-altogether').readLedger(JOB)).toEqual(refused(401));
  });

  test('gives what does not answer, or not as a ledger, as unavailable', async () => {
    const away = ledgerClient({ url: 'http://127.0.0.1:1', token: TOKEN });
    expect(await away.attest(toolCall('x'))).toMatchObject({ kind: 'unavailable' });
    await using silent = await serveOnLoopback(() => undefined);
    const impatient = ledgerClient({ url: silent.url, token: TOKEN, timeoutMs: 50 });
    expect(await impatient.readJob(JOB)).toMatchObject({ kind: 'unavailable' });
    for (const [status, text] of [
      [503, 'later'],
      [200, 'no JSON'],
      [200, '{"job_id":1}'],
      [307, ''],
    ] as const) {
      await using strange = await serveOnLoopback((_req, res) =>
        res.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(text),
      );
      const { readLedger } = ledgerClient({ url: strange.url, token: TOKEN });
      expect(await readLedger(JOB), `${status} ${text}`).toMatchObject({ kind: 'unavailable' });
    }
  });
});

test('whoever watches needs no token', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json'])
    expect((await ask(served.url, path)).status, path).toBe(200);
});
