import { expect, test } from 'vitest';
import { readPriceTable } from '#src/evaluation/prices.ts';
import type { Vendor } from '#src/evaluation/reconciler.ts';
import { oracleClients } from '#src/runtime/oracle-clients.ts';
import { type HostileServer, serveHttp } from '../support/hostile-servers.ts';
import { patienceMs, STRANGE_ANSWERS } from '../support/strange-answers.ts';

const prices = readPriceTable({
  version: 'test',
  unit: 'USD for 1,000,000 tokens',
  models: ['openai', 'grok', 'chutes', 'gemini'].map((provider) => ({
    provider,
    model: 'm',
    input: '1',
    output: '2',
  })),
});
const question = {
  prompt: 'What?',
  conversation: [],
  attached: null,
  category: null,
  webSearch: false,
};
const usage = { prompt_tokens: 10, completion_tokens: 5 };
const chat = (content: unknown, more: object = { usage }) => ({
  choices: [{ message: { content } }],
  ...more,
});
const ANSWER = JSON.stringify({ answer: 'that' });
const RECONCILED = JSON.stringify({ consensus_claims: ['that'], oracle_status: 'consensus' });

/** Answers with this, and says with which headers and at which path it was asked. */
async function serveModel(body: unknown) {
  const asked: { path: string | undefined; key: unknown }[] = [];
  const server = await serveHttp((request, response) => {
    const { authorization, 'x-goog-api-key': google } = request.headers;
    asked.push({ path: request.url, key: google ?? authorization });
    request.resume().on('end', () => response.end(JSON.stringify(body)));
  });
  return { ...server, asked };
}

const addressOf = ({ url }: HostileServer, vendor: Vendor, timeoutMs: number) => ({
  vendor,
  baseUrl: url.replace(/\/$/, ''),
  model: 'm',
  maxTokens: 100,
  key: 'the-key',
  timeoutMs,
});

function clients(
  oracles: readonly (readonly [HostileServer, Vendor, number?])[],
  reconciler: HostileServer | undefined = oracles[0]?.[0],
  timeoutMs = 20_000,
) {
  if (reconciler === undefined) throw new Error('nobody to reconcile');
  return oracleClients({
    oracles: oracles.map(([server, vendor, ms = 20_000]) => addressOf(server, vendor, ms)),
    reconciler: { ...addressOf(reconciler, 'openai', timeoutMs), provider: 'chutes' },
    preferred: 'grok',
    prices,
    retryMs: 1,
  });
}

const signal = new AbortController().signal;
const toReconcile = {
  prompt: 'What?',
  answers: [{ vendor: 'openai', answer: 'that', citations: [], cost: 1 }],
} as const;

test('each oracle is asked in its own form with its key in a header, and what it cost is counted', async () => {
  await using openai = await serveModel(chat(ANSWER));
  await using gemini = await serveModel({
    candidates: [{ content: { parts: [{ text: ANSWER }] } }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5 },
  });
  const { askAll } = clients([
    [openai, 'openai'],
    [gemini, 'gemini'],
  ]);
  expect(await askAll(question, signal)).toEqual({
    failures: [],
    answers: [
      { vendor: 'openai', answer: 'that', citations: [], cost: 20_000 },
      { vendor: 'gemini', answer: 'that', citations: [], cost: 20_000 },
    ],
  });
  expect(openai.asked).toEqual([{ path: '/chat/completions', key: 'Bearer the-key' }]);
  expect(gemini.asked).toEqual([{ path: '/models/m:generateContent', key: 'the-key' }]);
});

test.for(STRANGE_ANSWERS)(
  'an oracle that %s is one failure, and the other one counts all the same',
  async ([name, serve]) => {
    await using strange = await serve();
    await using good = await serveModel(chat(ANSWER));
    const { askAll, askPreferred, reconcile } = clients(
      [
        [strange, 'grok', patienceMs(name)],
        [good, 'openai'],
      ],
      strange,
      patienceMs(name),
    );
    const [all, preferred, reconciled] = await Promise.all([
      askAll(question, signal),
      askPreferred(question, signal),
      reconcile(toReconcile, signal),
    ]);
    expect(all.answers.map(({ vendor }) => vendor)).toEqual(['openai']);
    expect(all.failures).toEqual([expect.stringMatching(/^grok: /)]);
    expect([preferred.kind, reconciled.kind]).toEqual(['unavailable', 'unavailable']);
  },
);

test.for([
  ['no figures', {}],
  [
    'more cached tokens than the prompt has',
    { usage: { ...usage, prompt_tokens_details: { cached_tokens: 11 } } },
  ],
  [
    'more tokens than there can be',
    { usage: { prompt_tokens: Number.MAX_SAFE_INTEGER, completion_tokens: 5 } },
  ],
] as const)('an answer with %s has no known cost, and is an answer', async ([, more]) => {
  await using server = await serveModel(chat(ANSWER, more));
  const { askPreferred } = clients([[server, 'openai']]);
  expect(await askPreferred(question, signal)).toMatchObject({
    kind: 'ok',
    answer: { answer: 'that', cost: null },
  });
});

test.for([
  ['no JSON', 'that'],
  ['an empty answer', '{"answer":" "}'],
  ['an answer that is no text', '{"answer":7}'],
  ['nothing', null],
] as const)('%s in the right envelope is no answer, and no reconciliation', async ([, content]) => {
  await using server = await serveModel(chat(content));
  const { askPreferred, reconcile } = clients([[server, 'openai']]);
  expect(await askPreferred(question, signal)).toMatchObject({ kind: 'unavailable' });
  expect(await reconcile(toReconcile, signal)).toMatchObject({ kind: 'unavailable' });
});

test('a reconciliation is read with its cost', async () => {
  await using server = await serveModel(chat(RECONCILED));
  const { reconcile } = clients([[server, 'openai']]);
  expect(await reconcile(toReconcile, signal)).toMatchObject({
    kind: 'ok',
    reconciled: { oracle_status: 'consensus', consensus_claims: ['that'] },
    cost: 20_000,
  });
});

test('without oracles nobody answers, and that is said', async () => {
  await using server = await serveModel(chat(RECONCILED));
  const { askAll, askPreferred } = clients([], server);
  expect(await askAll(question, signal)).toEqual({ answers: [], failures: [] });
  expect(await askPreferred(question, signal)).toMatchObject({ kind: 'unavailable' });
});
