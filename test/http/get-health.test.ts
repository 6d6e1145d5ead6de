import { expect, test } from 'vitest';
import { startApp } from './client.ts';
import { alice, fakeValidator } from './fake-validator.ts';

test('readiness is 503 as soon as one check fails, and lists all of them', async () => {
  const checks = [
    { name: 'log', ok: true, detail: 'head at 25' },
    { name: 'chain', ok: true, detail: 'block 1' },
  ];
  await using app = await startApp(fakeValidator({}, { readiness: async () => checks }));
  const ready = await app.ask('/readyz');
  expect([ready.status, ready.json()]).toEqual([200, { ready: true, checks }]);
  checks[1] = { name: 'chain', ok: false, detail: 'no block for 90 s' };
  const unready = await app.ask('/readyz');
  expect([unready.status, unready.json()]).toEqual([503, { ready: false, checks }]);
  expect(unready.headers).toMatchObject({
    'content-type': 'application/json',
    'cache-control': 'no-store',
  });
});

test('liveness asks nobody, so an outage elsewhere restarts nothing', async () => {
  const fail = async (): Promise<never> => {
    throw new Error('down');
  };
  await using app = await startApp(fakeValidator({}, { readiness: fail, status: fail }));
  const reply = await app.ask('/livez');
  expect([reply.status, reply.json()]).toEqual([200, { alive: true }]);
});

test('the status shows an unknown block as null', async () => {
  await using app = await startApp(fakeValidator());
  const reply = await app.ask('/v1/status');
  expect(reply.json()).toMatchObject({
    hotkey: alice,
    netuid: 36,
    mode: 'shadow',
    finalizedBlock: null,
    settledBlock: null,
    runs: [{ run: 'run-7', phase: 'exchange' }],
  });
});
