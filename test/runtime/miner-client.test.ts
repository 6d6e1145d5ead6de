import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { minerClient } from '#src/runtime/miner-client.ts';
import {
  type HostileServer,
  serveAnswer,
  serveBytes,
  serveDrip,
  serveEndless,
  serveGzipBomb,
  serveHttp,
  serveReset,
  serveSilence,
} from '../support/hostile-servers.ts';

const DONE = '{"event":"done","output":{"answer":"that"},"status":"completed"}\n';
const invoke = minerClient({ now: () => performance.now(), retryMs: 1 });
const ask = (
  { url }: Pick<HostileServer, 'url'>,
  more: { timeoutMs?: number; signal?: AbortSignal } = {},
) =>
  invoke({
    url,
    body: '{"prompt":"é"}',
    job: 'job-1',
    token: 'the-token',
    timeoutMs: 20_000,
    signal: new AbortController().signal,
    ...more,
  });

/** A miner that answers these in their order, and says what it was asked. */
async function serveMiner(
  ...turns: readonly (readonly [number, string, Record<string, string>?])[]
) {
  const asked: { path: string | undefined; headers: Record<string, unknown>; body: string }[] = [];
  const server = await serveHttp((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => {
      body += piece.toString();
    });
    request.on('end', () => {
      const [status, text, headers = {}] = turns[Math.min(asked.length, turns.length - 1)] ?? [
        500,
        '',
      ];
      asked.push({ path: request.url, headers: request.headers, body });
      response.writeHead(status, headers).end(text);
    });
  });
  return { ...server, asked };
}

test('a miner is asked for a stream under its job, and nobody in between', async () => {
  await using miner = await serveMiner([200, DONE]);
  expect(await ask(miner)).toMatchObject({ kind: 'completed', answer: 'that' });
  expect(miner.asked).toMatchObject([
    {
      path: '/v1/agent/infer/stream',
      body: '{"prompt":"é"}',
      headers: { 'x-eirel-job-id': 'job-1', 'x-eirel-job-token': 'the-token', connection: 'close' },
    },
  ]);
});

test('one that knows no stream is asked without it', async () => {
  await using miner = await serveMiner([404, ''], [200, '{"output":{"answer":"whole"}}']);
  expect(await ask(miner)).toMatchObject({ kind: 'completed', answer: 'whole' });
  expect(miner.asked.map(({ path }) => path)).toEqual([
    '/v1/agent/infer/stream',
    '/v1/agent/infer',
  ]);
});

test.for([502, 503, 504])(
  'one that is not there yet (%d) is asked once more, and no more',
  async (status) => {
    await using late = await serveMiner([status, ''], [200, DONE]);
    expect(await ask(late)).toMatchObject({ kind: 'completed' });
    await using never = await serveMiner([status, '']);
    expect(await ask(never)).toMatchObject({
      kind: 'failed',
      detail: `the runtime answers ${status}`,
    });
    expect(never.asked).toHaveLength(2);
  },
);

const LINE = Buffer.from(`${'{"event":"delta","text":"x"}\n'.repeat(2_000)}`);
const HEAD = 'HTTP/1.1 200 OK\r\n\r\n';

test.for<[string, () => Promise<HostileServer>, string]>([
  ['is silent', serveSilence, 'too-late'],
  ['dribbles its header', () => serveDrip('HTTP/1.1 200 OK\r\nx: '), 'too-late'],
  ['dribbles its answer', () => serveDrip(HEAD), 'too-late'],
  ['hangs up at once', () => serveBytes(''), 'failed'],
  ['resets the connection', () => serveReset(1_000, 10), 'failed'],
  ['breaks off', () => serveBytes('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{'), 'failed'],
  ['ends without an answer', () => serveBytes(HEAD), 'failed'],
  ['speaks another protocol', () => serveBytes('220 smtp.example ESMTP\r\n\r\n'), 'failed'],
  [
    'sends a header without end',
    () => serveEndless('HTTP/1.1 200 OK\r\n', Buffer.from(`x: ${'y'.repeat(1_000)}\r\n`)),
    'failed',
  ],
  ['sends a line without end', () => serveEndless(HEAD, Buffer.alloc(65_536, 'x')), 'too-large'],
  ['sends events without end', () => serveEndless(HEAD, LINE), 'too-large'],
  ['sends what is no event', () => serveAnswer(200, {}, 'no\n'.repeat(200)), 'malformed'],
  ['inflates a bomb', () => serveGzipBomb(64 * 1_048_576), 'malformed'],
  [
    'wants another protocol',
    () =>
      serveBytes('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    'malformed',
  ],
  ['leads elsewhere', () => serveAnswer(307, { location: 'http://127.0.0.1:1/' }, ''), 'failed'],
  ['refuses', () => serveAnswer(401, {}, ''), 'failed'],
  [
    'says that it failed',
    () => serveAnswer(200, {}, '{"event":"done","status":"failed"}\n'),
    'failed',
  ],
])('a miner that %s', async ([, serve, kind]) => {
  await using server = await serve();
  const timeoutMs = kind === 'too-late' ? 150 : 20_000;
  expect(await ask(server, { timeoutMs })).toMatchObject({
    kind,
    ms: expect.any(Number) as number,
  });
});

test('a miner without a whole answer is not asked without a stream instead', async () => {
  await using miner = await serveMiner([404, ''], [404, '']);
  expect(await ask(miner)).toMatchObject({ kind: 'failed', detail: 'the runtime answers 404' });
  await using large = await serveMiner(
    [404, ''],
    [200, JSON.stringify({ output: { answer: 'x'.repeat(5_000_000) } })],
  );
  expect(await ask(large, { timeoutMs: 5_000 })).toMatchObject({ kind: 'too-large' });
});

test('one that is not reached is not there, which is no answer of it', async () => {
  expect(await ask({ url: 'http://127.0.0.1:1/' })).toMatchObject({ kind: 'unreachable' });
});

/** Listens with room for a connection or two, takes none, and says where. */
const FULL = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000));
  });`;

test('one that no connection is made to in time is not there, rather than late', async () => {
  const worker = new Worker(FULL, { eval: true });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1'));
  for (const filler of fillers) filler.on('error', () => undefined);
  await new Promise((resolve) => fillers[0]?.once('connect', resolve));
  expect(await ask({ url: `http://127.0.0.1:${port}/` }, { timeoutMs: 300 })).toMatchObject({
    kind: 'unreachable',
    detail: 'no answer within 300 ms',
  });
  for (const filler of fillers) filler.destroy();
  await worker.terminate();
});

test('a redirect is not followed: the token is for one address', async () => {
  await using elsewhere = await serveMiner([200, DONE]);
  await using miner = await serveAnswer(302, { location: elsewhere.url }, '');
  expect(await ask(miner)).toMatchObject({ kind: 'failed' });
  expect(elsewhere.asked).toEqual([]);
});

test('a question that is given up says nothing about the miner, whatever it does', async () => {
  await using silent = await serveSilence();
  const stop = new AbortController();
  const asked = ask(silent, { timeoutMs: 60_000, signal: stop.signal });
  stop.abort();
  expect(await asked).toMatchObject({ kind: 'aborted' });
});
