import { expect, test } from 'vitest';
import { startApp } from './client.ts';
import { fakeValidator } from './fake-validator.ts';

test.each([
  ['/audit', 'index.html', 'text/html; charset=utf-8'],
  ['/audit/audit.css', 'audit.css', 'text/css; charset=utf-8'],
  ['/audit/audit.js', 'audit.js', 'text/javascript; charset=utf-8'],
  ['/audit/verifier.js', 'verifier.js', 'text/javascript; charset=utf-8'],
])('%s is the built file %s', async (path, file, type) => {
  await using app = await startApp(fakeValidator());
  const reply = await app.ask(path);
  expect([reply.status, reply.text]).toEqual([200, `the file ${file}`]);
  expect(reply.headers).toMatchObject({
    'content-type': type,
    'cache-control': 'public, no-cache',
  });
  const again = await app.ask(path, { headers: { 'if-none-match': reply.headers['etag'] ?? '' } });
  expect(again.status).toBe(304);
});

test('the page and its worker run what this server serves, and nothing else', async () => {
  await using app = await startApp(fakeValidator());
  for (const path of ['/audit', '/audit/verifier.js']) {
    const policy = (await app.ask(path)).headers['content-security-policy']?.split('; ');
    expect(policy).toEqual([
      "default-src 'none'",
      "script-src 'self' 'wasm-unsafe-eval'",
      "style-src 'self'",
      'connect-src *',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
  }
});

test('the address of a log is the one thing that the page is asked with', async () => {
  await using app = await startApp(fakeValidator());
  expect((await app.ask('/audit?log=https://validator.example/log')).status).toBe(200);
  expect((await app.ask('/audit?other=1')).status).toBe(400);
  expect((await app.ask('/audit/audit.js?log=a')).status).toBe(400);
});

test('where the page is not built, the answer says how to build it, and then it is there', async () => {
  let built: Uint8Array | null = null;
  await using app = await startApp(fakeValidator({}, { auditPage: async () => built }));
  const missing = await app.ask('/audit');
  expect([missing.status, missing.json()]).toEqual([
    404,
    expect.objectContaining({
      reason: 'not-built',
      detail: expect.stringContaining('node scripts/setup.mjs'),
    }),
  ]);
  built = Buffer.from('<!doctype html>');
  expect((await app.ask('/audit')).status).toBe(200);
});

test('the files of one page belong together, also after a new build', async () => {
  let build = 1;
  await using app = await startApp(
    fakeValidator({}, { auditPage: async () => Buffer.from(`build ${build}`) }),
  );
  expect((await app.ask('/audit/audit.js')).text).toBe('build 1');
  build = 2;
  expect((await app.ask('/audit/audit.js')).text).toBe('build 1');
});
