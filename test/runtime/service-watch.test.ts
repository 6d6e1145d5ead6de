import { expect, test } from 'vitest';
import { probeReady, watchServices } from '#src/runtime/service-watch.ts';
import { serveAnswer, serveHttp } from '../support/hostile-servers.ts';
import { patienceMs, STRANGE_ANSWERS } from '../support/strange-answers.ts';

const signal = new AbortController().signal;
const base = (url: string) => url.replace(/\/$/, '');

/** A busy machine takes its time. */
const SOON = { timeout: 20_000 };

/** Whether its status comes before the reset is chance. */
const EITHER = 'resets the connection';

/** What says 200 to whoever asks is there, whatever it says beside. */
const THERE = new Set([
  'dribbles its answer',
  'closes within its answer',
  'answers without end',
  'inflates a bomb',
  'answers with no JSON',
  'answers with nothing',
  'answers in another form',
  'answers with bytes that are no text',
]);

test.for(STRANGE_ANSWERS.filter(([name]) => name !== EITHER))(
  'a service that %s is there only if it says so, and the watch goes on',
  async ([name, serve]) => {
    await using server = await serve();
    const detail = await probeReady(
      server.url,
      signal,
      THERE.has(name) ? 20_000 : patienceMs(name),
    );
    expect(detail === null).toBe(THERE.has(name));
  },
);

test('what was away at any time since is told, and what came back is no outage of later', async () => {
  let status = 503;
  await using flaky = await serveHttp(
    (_request, response) => void response.writeHead(status).end(),
  );
  await using steady = await serveAnswer(200, {}, '');
  const stop = new AbortController();
  let now = 1_000;
  const watch = watchServices(
    [
      { name: 'steady', url: base(steady.url) },
      { name: 'flaky', url: base(flaky.url) },
    ],
    { clock: () => now, signal: stop.signal, probeMs: 1 },
  );
  expect(watch.outage(0)).toBe('steady: not seen yet');
  const running = watch.run();
  await expect.poll(() => watch.outage(now + 1), SOON).toBe('flaky: answers 503');
  status = 200;
  await expect.poll(() => watch.outage(now + 1), SOON).toBeNull();
  expect(watch.outage(now)).toMatch(/was away/);
  now = 2_000;
  expect(watch.outage(1_001)).toBeNull();
  status = 500;
  await expect.poll(() => watch.outage(now + 1), SOON).toBe('flaky: answers 500');
  stop.abort();
  await running;
});

test('a watch that is stopped while a service is silent ends', async () => {
  await using silent = await serveHttp(() => undefined);
  const stop = new AbortController();
  const watch = watchServices([{ name: 'silent', url: base(silent.url) }], {
    clock: () => 0,
    signal: stop.signal,
  });
  const running = watch.run();
  await expect.poll(() => silent.connectionCount(), SOON).toBeGreaterThan(0);
  stop.abort();
  await running;
  expect(watch.outage(1)).toMatch(/^silent: /);
});

test('what goes away after the last look is told by one that is begun when it is asked', async () => {
  let status = 200;
  await using service = await serveHttp(
    (_request, response) => void response.writeHead(status).end(),
  );
  const watch = watchServices([{ name: 'proxy', url: base(service.url) }], {
    clock: () => 1_000,
    signal,
  });
  expect(await watch.outageUntilNow(1_001)).toBeNull();
  status = 503;
  expect(watch.outage(1_001)).toBeNull();
  expect(await watch.outageUntilNow(1_001)).toBe('proxy: answers 503');
  expect(watch.outage(1_001, 'proxy')).toBe('proxy: answers 503');
  expect(watch.outage(1_001, 'rag')).toBeNull();
});

test('a service that is another process than before was away, however shortly', async () => {
  let started = 'one';
  await using service = await serveHttp(
    (_request, response) => void response.writeHead(200, { 'x-eirel-started': started }).end(),
  );
  let now = 1_000;
  const watch = watchServices([{ name: 'proxy', url: base(service.url) }], {
    clock: () => now,
    signal,
  });
  await watch.outageUntilNow(0);
  now = 2_000;
  expect(await watch.outageUntilNow(1_500)).toBeNull();
  started = 'two';
  expect(await watch.outageUntilNow(1_500)).toBe('proxy: was away');
  now = 3_000;
  expect(await watch.outageUntilNow(2_500)).toBeNull();
});
