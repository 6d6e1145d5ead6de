import { expect, test } from 'vitest';
import { AppError } from '#src/errors.ts';
import { sha256 } from '#src/events/hash.ts';
import { httpApp } from '#src/http/http-app.ts';
import { createServiceMetrics } from '#src/http/metrics.ts';
import { postSubmission } from '#src/http/owner/post-submission.ts';
import { spool } from '#src/runtime/spool.ts';
import { ask, serveOnLoopback } from '../http/client.ts';
import { hotkey } from '../support/recorded-events.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { unfinishedRequest } from '../support/unfinished-request.ts';

const PATH = '/v1/submissions';
const MAX_BYTES = 10_000;
const HOUR_MS = 3_600_000;
const strangerOf = () =>
  new AppError('request.forbidden', { detail: 'hotkey is not registered on the subnet' });

/** The route over loopback; whoever names a hotkey is believed, as if the signature were right. */
async function uploadSite() {
  await using opened = new AsyncDisposableStack();
  const { path: dir } = opened.use(await scratchDirectory());
  const clock = { ms: 0 };
  const received: string[] = [];
  const nameOf = (name: string | string[] | undefined): string => {
    if (name === hotkey('s') || typeof name !== 'string') throw strangerOf();
    return name;
  };
  const route = postSubmission({
    callers: {
      validator: async () => Promise.reject(strangerOf()),
      announced: async ({ headers }) => void nameOf(headers['x-hotkey']),
      miner: async ({ headers }) => nameOf(headers['x-hotkey']),
    },
    nowMs: () => clock.ms,
    maxArchiveBytes: MAX_BYTES,
    spool: (body, maxBytes) => spool(body, { dir, maxBytes }),
    receive: async (miner, archive) => {
      received.push(`${miner} ${archive.length}`);
      return {
        submission_id: 'submission-1',
        miner_hotkey: miner,
        family_id: 'general_chat',
        status: 'received',
        archive_sha256: sha256(archive),
        archive_size_bytes: archive.length,
        created_at: '2026-11-29T12:00:00',
      };
    },
  });
  const app = httpApp([route], { log: () => undefined, metrics: createServiceMetrics() });
  const served = opened.use(await serveOnLoopback(app));
  const headersOf = (miner: string) => ({ 'x-hotkey': hotkey(miner) });
  const parts = opened.move();
  return {
    clock,
    received,
    upload: (miner: string, bytes: number, more: Record<string, string> = {}) =>
      ask(served.url, PATH, {
        method: 'POST',
        headers: { ...headersOf(miner), ...more },
        body: Buffer.alloc(bytes, 1),
      }),
    begin: (miner: string, bytes = MAX_BYTES) =>
      unfinishedRequest(served.url, PATH, headersOf(miner), bytes),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

test('a hotkey uploads five times in an hour, and another one is not held up by it', async () => {
  await using site = await uploadSite();
  const statuses: number[] = [];
  for (let count = 0; count < 6; count += 1) statuses.push((await site.upload('x', 10)).status);
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  expect((await site.upload('y', 10)).status).toBe(200);
  site.clock.ms = HOUR_MS - 1;
  expect((await site.upload('x', 10)).status).toBe(429);
  site.clock.ms = HOUR_MS;
  expect((await site.upload('x', 10)).status).toBe(200);
});

test('a body of a byte too much is refused, whether it says its length or not', async () => {
  await using site = await uploadSite();
  const chunked = { 'transfer-encoding': 'chunked' };
  expect((await site.upload('x', MAX_BYTES, chunked)).status).toBe(200);
  expect((await site.upload('x', MAX_BYTES + 1, chunked)).status).toBe(413);
  expect((await site.upload('x', MAX_BYTES + 1)).status).toBe(413);
  expect(site.received).toEqual([`${hotkey('x')} ${MAX_BYTES}`]);
});

test('a compressed body is not inflated', async () => {
  await using site = await uploadSite();
  expect((await site.upload('x', 10, { 'content-encoding': 'gzip' })).status).toBe(415);
  expect(site.received).toEqual([]);
});

test('who is no miner, or announces too much, is answered and disconnected before a byte of a body', async () => {
  await using site = await uploadSite();
  for (const [miner, bytes, status] of [
    ['s', MAX_BYTES, 403],
    ['x', MAX_BYTES + 1, 413],
  ] as const) {
    using upload = site.begin(miner, bytes);
    expect(await upload.status).toBe(status);
    await upload.ended;
  }
});

test('a network has four uploads under way, and a place is free again when one ends', async () => {
  await using site = await uploadSite();
  using uploads = new DisposableStack();
  const begun = Array.from({ length: 4 }, () => uploads.use(site.begin('x')));
  await expect.poll(async () => (await site.upload('y', 10)).status).toBe(503);
  begun[0]?.[Symbol.dispose]();
  await expect.poll(async () => (await site.upload('y', 10)).status).toBe(200);
});
