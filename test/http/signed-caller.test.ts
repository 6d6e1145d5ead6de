import { expect, test } from 'vitest';
import { isSs58, verifySr25519 } from '#src/chain/hotkey.ts';
import { REPLAY_MEMORY_MS, signRequest } from '#src/consensus/signed-request.ts';
import { AppError } from '#src/errors.ts';
import { sha256 } from '#src/events/hash.ts';
import { createSignedCallers, NO_BODY } from '#src/http/signed-caller.ts';
import { devSigner } from '../support/dev-keys.ts';

const START_MS = Date.parse('2026-11-29T12:00:00.000Z');
const BODY = Buffer.from('{"batch_size": 1}');

/** Admission by a clock that a test moves. */
function admission() {
  const clock = { nowMs: START_MS };
  const callers = createSignedCallers({
    verify: verifySr25519,
    isHotkey: isSs58,
    nowMs: () => clock.nowMs,
  });
  let requests = 0;
  const request = ({
    method = 'POST',
    path = '/v1/x',
    body = BODY,
    name = 'a',
  }: Partial<{ method: string; path: string; body: Uint8Array; name: string }> = {}) => {
    requests += 1;
    const timestamp = new Date(clock.nowMs).toISOString();
    const url = new URL(path, 'http://localhost');
    const at = { timestamp, requestId: `request-${requests}` };
    const signed = signRequest(devSigner(name), { method, url, body }, at);
    const headers = Object.fromEntries(
      Object.entries(signed).map(([header, value]) => [header.toLowerCase(), value]),
    );
    return { method, originalUrl: path, headers };
  };
  return { clock, callers, request };
}

const anybody = (): void => undefined;
const nobody = (): void => {
  throw new AppError('request.forbidden', { detail: 'not you' });
};
const code = (expected: string) => expect.objectContaining({ code: expected });

test('who signed a request is admitted once, by its bytes or by their hash', async () => {
  const { callers, request } = admission();
  const first = request();
  expect(await callers.admit(first, BODY, anybody)).toBe(devSigner('a').hotkey);
  await expect(callers.admit(first, BODY, anybody)).rejects.toEqual(code('request.conflict'));
  const hashed = { sha256: sha256(BODY) };
  expect(await callers.admit(request(), hashed, anybody)).toBe(devSigner('a').hotkey);
});

test('a captured request does not pass under another request id', async () => {
  const { callers, request } = admission();
  const first = request();
  await callers.admit(first, BODY, anybody);
  const again = { ...first, headers: { ...first.headers, 'x-request-id': 'another' } };
  await expect(callers.admit(again, BODY, anybody)).rejects.toEqual(code('request.conflict'));
});

test('two of one request at once: one of them is a replay', async () => {
  const { callers, request } = admission();
  const first = request();
  const slow = async (): Promise<void> => Promise.resolve();
  const outcomes = await Promise.allSettled([
    callers.admit(first, BODY, slow),
    callers.admit(first, BODY, slow),
  ]);
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
});

test('another body, method or path is not what was signed', async () => {
  const { callers, request } = admission();
  const unauthorized = code('request.unauthorized');
  await expect(callers.admit(request(), Buffer.from('{}'), anybody)).rejects.toEqual(unauthorized);
  const other = { ...request(), originalUrl: '/v1/y' };
  await expect(callers.admit(other, BODY, anybody)).rejects.toEqual(unauthorized);
  await expect(callers.admit({ ...request(), method: 'PUT' }, BODY, anybody)).rejects.toEqual(
    unauthorized,
  );
});

test('a path with another reading as a URL is refused, a query is not signed', async () => {
  const { callers, request } = admission();
  for (const originalUrl of [
    '/v1/a/../x',
    '//v1/x',
    'http://other/v1/x',
    '/v1/x\\',
    '@other/v1/x',
  ]) {
    const odd = { ...request(), originalUrl };
    await expect(callers.admit(odd, BODY, anybody)).rejects.toEqual(code('request.unauthorized'));
  }
  const queried = {
    ...request({ method: 'GET', body: NO_BODY }),
    originalUrl: '/v1/x?run_id=run-1',
  };
  expect(await callers.admit(queried, NO_BODY, anybody)).toBe(devSigner('a').hotkey);
});

test('who may not ask is told so each time, and is not remembered', async () => {
  const { callers, request } = admission();
  const first = request();
  for (let time = 0; time < 3; time += 1)
    await expect(callers.admit(first, BODY, nobody)).rejects.toEqual(code('request.forbidden'));
  expect(await callers.admit(first, BODY, anybody)).toBe(devSigner('a').hotkey);
});

test('a request that is remembered is forgotten once its signature is stale', async () => {
  const { clock, callers, request } = admission();
  await callers.admit(request(), BODY, anybody);
  clock.nowMs += REPLAY_MEMORY_MS + 1;
  expect(await callers.admit(request(), BODY, anybody)).toBe(devSigner('a').hotkey);
});
