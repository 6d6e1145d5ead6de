import { describe, expect, test } from 'vitest';
import { jobToken } from '#src/evaluation/job.ts';
import { executeCode } from '#src/handlers/tools/execute-code.ts';
import type { RunPython, SandboxRun } from '#src/handlers/tools/python-sandbox.ts';
import { createSandboxSessions } from '#src/handlers/tools/sandbox-sessions.ts';
import { createTurns } from '#src/handlers/tools/take-turns.ts';
import { postExecute } from '#src/http/tools/post-execute.ts';
import { JOB, MINER, SECRETS, toolSite, VALIDATOR } from '../support/tool-site.ts';
import { unfinishedRequest } from '../support/unfinished-request.ts';

const NOW = '2026-11-29T12:00:00.000Z';

/** The service over a sandbox that adds a file `made`, and counts in it how many files it was given. */
async function sandboxSite({ running = 2, waiting = 2, run = counting, atOnce = 32 } = {}) {
  const runs: SandboxRun[] = [];
  const site = await toolSite(
    'sandbox',
    ({ calls, admission }) => {
      const deps = {
        ...calls,
        runPython: (asked: SandboxRun) => {
          runs.push(asked);
          return run(asked);
        },
        sessions: createSandboxSessions(() => performance.now()),
        takeTurn: createTurns({ running, waiting }, () => performance.now()),
        now: () => NOW,
        quota: 12,
        price: 0,
      };
      return [
        postExecute({
          ...admission,
          execute: (caller, body) => executeCode(caller, body, deps),
        }),
      ];
    },
    { atOnce },
  );
  return { site, runs };
}

const counting: RunPython = async ({ code, files }) => ({
  stdout: 'out',
  stderr: '',
  truncated: false,
  exitCode: code === 'fail' ? 1 : 0,
  timedOut: code === 'sleep',
  durationMs: 7,
  files: [
    ...files.map(({ path, bytes }) => ({ path, size: bytes.length, bytes })),
    { path: `made-${files.length}`, size: 1, bytes: Buffer.from('x') },
    { path: 'large', size: 99, bytes: null },
  ],
});

/** A busy machine takes its time. */
const SOON = { timeout: 20_000 };

const BODY_BYTES = 12 * 1024 * 1024;

describe('before a byte of its body is read', () => {
  const other = 'task-eval=task-001;deployment=22222222-2222-3333-4444-555555555555';
  const another = {
    authorization: `Bearer ${jobToken(SECRETS.jobKey, other)}`,
    'x-eirel-job-id': other,
  };

  test.for([
    ['without a token', { 'x-eirel-job-id': JOB }, 401],
    ['for a job that is closed', MINER, 403],
    ['for a job that nobody opened', another, 404],
  ] as const)('a request %s is answered and disconnected', async ([, headers, status]) => {
    const { site } = await sandboxSite();
    await using _ = site;
    site.ledger.close(JOB);
    using request = unfinishedRequest(site.url, '/v1/execute', headers, BODY_BYTES);
    expect(await request.status).toBe(status);
    await request.ended;
  });

  test('a miner whose bodies never end is refused more, and no other one is', async () => {
    const { site } = await sandboxSite({ atOnce: 2 });
    await using _ = site;
    site.ledger.open(other);
    const asks = () => unfinishedRequest(site.url, '/v1/execute', MINER, BODY_BYTES);
    using first = asks();
    using second = asks();
    await expect
      .poll(async () => (await site.post('/v1/execute', { code: 'x' })).status, SOON)
      .toBe(429);
    expect((await site.post('/v1/execute', { code: 'x' }, another)).status).toBe(200);
    first[Symbol.dispose]();
    second[Symbol.dispose]();
    await expect
      .poll(async () => (await site.post('/v1/execute', { code: 'x' })).status, SOON)
      .toBe(200);
  });
});

describe('POST /v1/execute', () => {
  test('has the fields of the existing service', async () => {
    const { site, runs } = await sandboxSite();
    await using _ = site;
    const reply = await site.post('/v1/execute', {
      code: 'print(1)',
      attachments: [{ filename: 'a', content_b64: 'YWI=' }],
    });
    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({
      stdout: 'out',
      stderr: '',
      exit_code: 0,
      duration_ms: 7,
      truncated: false,
      retrieved_at: NOW,
      retrieval_ledger_id: `ledger:${JOB}`,
      session_id: null,
      files: [
        { path: 'made-1', size: 1, content_b64: 'eA==' },
        { path: 'large', size: 99, content_b64: null },
      ],
      metadata: { backend: 'namespaces', timed_out: false },
    });
    expect(runs).toMatchObject([{ timeoutMs: 5_000, memoryMb: 128 }]);
    expect(site.ledger.calls).toMatchObject([
      {
        tool: 'sandbox',
        args: '{"code_n_bytes":8,"n_attachments":1,"session_id":null}',
        result: '{"duration_ms": 7, "exit_code": 0, "timed_out": false, "truncated": false}',
        status: 'ok',
        cost: 0,
      },
    ]);
  });

  test('attests a program that failed or ran out of time as an error', async () => {
    const { site } = await sandboxSite();
    await using _ = site;
    await site.post('/v1/execute', { code: 'fail' });
    await site.post('/v1/execute', { code: 'sleep' });
    expect(site.ledger.calls.map(({ status, error }) => [status, error])).toEqual([
      ['error', 'exit code 1'],
      ['error', 'timed out'],
    ]);
  });

  test('gives a session its files back, to its own job only', async () => {
    const { site, runs } = await sandboxSite();
    await using _ = site;
    const body = { code: 'x', session_id: 's' };
    await site.post('/v1/execute', body);
    await site.post('/v1/execute', body);
    site.ledger.open('another');
    await site.post('/v1/execute', body, { ...VALIDATOR, 'x-eirel-job-id': 'another' });
    await site.post('/v1/execute', { code: 'x' });
    expect(runs.map(({ files }) => files.map(({ path }) => path))).toEqual([
      [],
      ['made-0'],
      [],
      [],
    ]);
  });

  test.for([
    ['no code', { code: '' }],
    ['too much time', { code: 'x', timeout_seconds: 31 }],
    ['no time', { code: 'x', timeout_seconds: 0 }],
    ['too much memory', { code: 'x', memory_mb: 1_025 }],
    ['a way out of the folder', { code: 'x', attachments: [{ filename: '../a' }] }],
    ['a folder for a name', { code: 'x', attachments: [{ filename: '..' }] }],
    ['too many attachments', { code: 'x', attachments: Array(17).fill({ filename: 'a' }) }],
    ['no object', []],
  ] as const)('refuses %s with 422, and attests nothing', async ([, body]) => {
    const { site, runs } = await sandboxSite();
    await using _ = site;
    const reply = await site.post('/v1/execute', body);
    expect(reply.status).toBe(422);
    expect(reply.json()).toMatchObject({ detail: [{ loc: expect.arrayContaining(['body']) }] });
    expect([runs, site.ledger.calls]).toEqual([[], []]);
  });

  test('refuses a program or attachments that are too large with 413', async () => {
    const { site, runs } = await sandboxSite();
    await using _ = site;
    const code = await site.post('/v1/execute', { code: 'é'.repeat(40_000) });
    expect([code.status, code.json()]).toEqual([413, { detail: 'code exceeds 65536 bytes' }]);
    const content_b64 = Buffer.alloc(5 * 1024 * 1024)
      .toString('base64')
      .slice(0, 5_600_000);
    const files = await site.post('/v1/execute', {
      code: 'x',
      attachments: [
        { filename: 'a', content_b64 },
        { filename: 'b', content_b64 },
      ],
    });
    expect([files.status, files.json()]).toEqual([
      413,
      { detail: 'attachments exceed 8388608 bytes' },
    ]);
    expect(runs).toEqual([]);
  });

  test('refuses what is not of its form with 422, and runs nothing', async () => {
    const { site, runs } = await sandboxSite();
    await using _ = site;
    const file = (filename: string, content_b64 = '') => ({ filename, content_b64 });
    for (const more of [
      { code: '' },
      { timeout_seconds: 0 },
      { timeout_seconds: 30.5 },
      { memory_mb: 1_025 },
      { session_id: 'x'.repeat(129) },
      { attachments: Array.from({ length: 17 }, (_each, at) => file(`f${at}`)) },
      { attachments: [file('../x')] },
      { attachments: [file('a', '%')] },
    ]) {
      const { status } = await site.post('/v1/execute', { code: 'x', ...more });
      expect(status, JSON.stringify(more)).toBe(422);
    }
    expect([runs, site.ledger.calls]).toEqual([[], []]);
    const most = { code: 'x', timeout_seconds: 30, memory_mb: 1_024, session_id: 'x'.repeat(128) };
    expect((await site.post('/v1/execute', most)).status).toBe(200);
    expect(runs).toMatchObject([{ timeoutMs: 30_000, memoryMb: 1_024 }]);
  });

  test('refuses a caller without a token of the job before it reads a body', async () => {
    const { site } = await sandboxSite();
    await using _ = site;
    const large = 'x'.repeat(1024 * 1024);
    const shown = { ...MINER, authorization: 'Bearer nobody' };
    const reply = await site.post('/v1/execute', large, shown);
    expect([reply.status, reply.json()]).toEqual([
      401,
      { detail: 'invalid sandbox tool auth token' },
    ]);
    expect(reply.headers['connection']).toBe('close');
  });

  test('says in words that a job has no programs left', async () => {
    const { site } = await sandboxSite();
    await using _ = site;
    const headers = { ...MINER, 'x-eirel-max-requests': '1' };
    await site.post('/v1/execute', { code: 'x' }, headers);
    const reply = await site.post('/v1/execute', { code: 'x' }, headers);
    expect([reply.status, reply.json()]).toEqual([
      429,
      { detail: 'sandbox tool request budget exceeded' },
    ]);
  });

  test('lets programs wait for their turn, but not without end', async () => {
    const held = Promise.withResolvers<void>();
    const { site } = await sandboxSite({
      running: 1,
      waiting: 1,
      run: async (asked) => {
        await held.promise;
        return counting(asked);
      },
    });
    await using _ = site;
    const statuses: number[] = [];
    const posts = [1, 2, 3].map(async () => {
      const { status } = await site.post('/v1/execute', { code: 'x' });
      statuses.push(status);
      held.resolve();
    });
    await Promise.all(posts);
    expect(statuses).toEqual([503, 200, 200]);
  });
});

describe('a session', () => {
  test('is forgotten when it was not used for five minutes', () => {
    const clock = { ms: 0 };
    const sessions = createSandboxSessions(() => clock.ms);
    const files = [{ path: 'a', bytes: Buffer.from('1') }];
    sessions.write('j', 's', files);
    clock.ms += 299_999;
    expect(sessions.read('j', 's')).toEqual(files);
    clock.ms += 299_999;
    expect(sessions.read('j', 's')).toEqual(files);
    clock.ms += 300_000;
    expect(sessions.read('j', 's')).toEqual([]);
  });

  test('makes room when all together are too large: whoever has most loses what he used longest ago', () => {
    const sessions = createSandboxSessions(() => 0);
    const bytes = Buffer.alloc(4 * 1024 * 1024);
    sessions.write('modest', 's', [{ path: 'a', bytes }]);
    for (let turn = 0; turn < 20; turn++)
      sessions.write(`task-eval=${turn};deployment=greedy`, 's', [{ path: 'a', bytes }]);
    const left = Array.from(
      { length: 20 },
      (_, turn) => sessions.read(`task-eval=${turn};deployment=greedy`, 's').length,
    );
    expect(left).toEqual([...Array(6).fill(0), ...Array(14).fill(1)]);
    expect(sessions.read('modest', 's')).toHaveLength(1);
  });
});
