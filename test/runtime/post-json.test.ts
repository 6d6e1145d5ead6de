import { expect, test } from 'vitest';
import { postJson } from '#src/runtime/post-json.ts';
import { serveAnswer, serveHttp, serveSilence } from '../support/hostile-servers.ts';
import { patienceMs, STRANGE_ANSWERS } from '../support/strange-answers.ts';

const options = {
  headers: { authorization: 'Bearer the-key' },
  timeoutMs: 20_000,
  retries: 0,
  retryMs: 1,
  signal: new AbortController().signal,
};

/** Answers these in their order, the last one again and again; counts how often it was asked. */
async function serveInTurn(...turns: readonly (readonly [number, string])[]) {
  const seen: { headers: unknown; body: string }[] = [];
  const server = await serveHttp((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => {
      body += piece.toString();
    });
    request.on('end', () => {
      const [status, text] = turns[Math.min(seen.length, turns.length - 1)] ?? [500, ''];
      seen.push({ headers: request.headers, body });
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    });
  });
  return { ...server, seen };
}

test.for(STRANGE_ANSWERS)(
  'a service that %s is no answer, in time, and throws nothing',
  async ([name, serve]) => {
    await using server = await serve();
    const posted = await postJson(server.url, '{}', {
      ...options,
      timeoutMs: patienceMs(name),
    });
    if (name === 'answers in another form') expect(posted).toEqual({ kind: 'ok', body: [null] });
    else expect(posted.kind).not.toBe('ok');
  },
);

test('what is asked arrives as it is, and the answer comes back', async () => {
  await using server = await serveInTurn([200, '{"a":1}']);
  expect(await postJson(server.url, '{"q":"é"}', options)).toEqual({ kind: 'ok', body: { a: 1 } });
  expect(server.seen).toMatchObject([
    { body: '{"q":"é"}', headers: { authorization: 'Bearer the-key' } },
  ]);
});

test.for([408, 429, 500, 502, 503, 504])(
  'after %d it asks again, and takes what then comes',
  async (status) => {
    await using server = await serveInTurn([status, ''], [status, ''], [200, '7']);
    expect(await postJson(server.url, '1', { ...options, retries: 2 })).toEqual({
      kind: 'ok',
      body: 7,
    });
    expect(server.seen).toHaveLength(3);
  },
);

test('it asks no more often than it is told to', async () => {
  await using server = await serveInTurn([503, 'later']);
  const posted = await postJson(server.url, '1', { ...options, retries: 2 });
  expect(posted).toEqual({ kind: 'unavailable', detail: '503 later' });
  expect(server.seen).toHaveLength(3);
});

test.for([400, 401, 403, 404, 409, 422, 301, 307])(
  '%d is the service’s word, and is not asked for again',
  async (status) => {
    await using server = await serveInTurn([status, 'x'.repeat(1_000)]);
    const posted = await postJson(server.url, '1', { ...options, retries: 3 });
    expect(posted).toMatchObject({ kind: 'refused', status });
    if (posted.kind === 'refused') expect(posted.detail.length).toBeLessThan(210);
    expect(server.seen).toHaveLength(1);
  },
);

test('a key does not follow a redirect, and no fault names the address', async () => {
  await using elsewhere = await serveInTurn([200, '{}']);
  await using server = await serveAnswer(302, { location: elsewhere.url }, '');
  expect(await postJson(server.url, '1', options)).toMatchObject({ kind: 'refused', status: 302 });
  expect(elsewhere.seen).toEqual([]);
  const away = await postJson('http://127.0.0.1:1/?key=secret', '1', options);
  expect(away).toMatchObject({ kind: 'unavailable' });
  expect(JSON.stringify(away)).not.toContain('secret');
});

test('whoever stops waits for nothing: not for the answer, nor for the next time', async () => {
  await using silent = await serveSilence();
  const stop = new AbortController();
  const asked = postJson(silent.url, '1', { ...options, timeoutMs: 60_000, signal: stop.signal });
  stop.abort();
  expect(await asked).toMatchObject({ kind: 'unavailable' });
  await using busy = await serveInTurn([503, '']);
  const later = new AbortController();
  const waiting = postJson(busy.url, '1', {
    ...options,
    retries: 5,
    retryMs: 60_000,
    signal: later.signal,
  });
  await expect.poll(() => busy.seen.length).toBe(1);
  later.abort();
  expect(await waiting).toMatchObject({ kind: 'unavailable' });
});
