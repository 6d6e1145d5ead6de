import { expect, test } from 'vitest';
import { providerClient } from '#src/runtime/provider-client.ts';
import { startFakeProvider, streams } from '../support/fake-provider.ts';
import { serveSilence } from '../support/hostile-servers.ts';
import { patienceMs, STRANGE_ANSWERS } from '../support/strange-answers.ts';

const clientOf = (url: string) =>
  providerClient([{ name: 'p', url, key: 'the-key' }], {
    signal: new AbortController().signal,
    retryBaseMs: 1,
  });

/** What a provider says itself is its refusal; of everything else nobody knows whether it charges. */
const REFUSED = new Set(['leads elsewhere', 'fails', 'does not know the caller']);

test.for(STRANGE_ANSWERS)(
  'a provider that %s answered nothing that could be paid for, and nothing is thrown',
  async ([name, serve]) => {
    await using server = await serve();
    const answer = await clientOf(server.url)('p', {}, AbortSignal.timeout(patienceMs(name)));
    expect(answer.kind).toBe(REFUSED.has(name) ? 'refused' : 'broken');
  },
);

test('one that is not reached, or not configured, charges nothing', async () => {
  const gone = await serveSilence();
  await gone[Symbol.asyncDispose]();
  const ask = clientOf(gone.url);
  const wanted = new AbortController().signal;
  expect(await ask('p', {}, wanted)).toMatchObject({ kind: 'unreachable' });
  expect(await ask('q', {}, wanted)).toMatchObject({ kind: 'unreachable' });
});

test('a stream that nobody wants any more ends, and with it the request at the provider', async () => {
  const gone = Promise.withResolvers<void>();
  await using provider = await startFakeProvider((_request, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.write('data: {}\n\n');
    res.once('close', gone.resolve);
  });
  const unwanted = new AbortController();
  const answer = await clientOf(provider.url)('p', {}, unwanted.signal);
  if (answer.kind !== 'streaming') throw new Error(answer.kind);
  const reading = (async () => {
    for await (const _part of answer.parts) unwanted.abort();
  })();
  await expect(reading).rejects.toThrow('aborted');
  await gone.promise;
});

test('a provider is heard for one time in all, however often it is asked', async () => {
  await using provider = await startFakeProvider(
    (_request, res) => void setTimeout(() => res.writeHead(503).end('{}'), 300),
  );
  const ask = providerClient([{ name: 'p', url: provider.url, key: null }], {
    signal: new AbortController().signal,
    retryBaseMs: 1,
    answerTimeoutMs: 500,
  });
  await ask('p', {}, new AbortController().signal);
  expect(provider.seen.length).toBeLessThan(3);
});

test('a stream comes as it is', async () => {
  await using provider = await startFakeProvider(streams('{"a":1}', '[DONE]'));
  const answer = await clientOf(provider.url)('p', {}, new AbortController().signal);
  if (answer.kind !== 'streaming') throw new Error(answer.kind);
  const parts: Uint8Array[] = [];
  for await (const part of answer.parts) parts.push(part);
  expect(Buffer.concat(parts).toString()).toBe('data: {"a":1}\n\ndata: [DONE]\n\n');
});
