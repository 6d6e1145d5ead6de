import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type OracleConfig,
  type OracleQuestion,
  oracleReply,
  oracleRequest,
} from '#src/evaluation/oracles.ts';
import { readReconciled, reconcileRequest, type Vendor } from '#src/evaluation/reconciler.ts';

const ASKED: OracleQuestion = {
  prompt: 'Was kostet é?',
  conversation: [{ role: 'user', content: 'Hello' }],
  attached: 'a document',
  category: 'live_lookup',
  webSearch: false,
};

function configOf(vendor: Vendor, baseUrl = 'https://api.example/v1'): OracleConfig {
  return { vendor, baseUrl, model: 'some/model', maxTokens: 4_096 };
}

test.for([
  ['openai', false, '/chat/completions'],
  ['grok', false, '/chat/completions'],
  ['openai', true, '/responses'],
  ['grok', true, '/responses'],
  ['gemini', false, '/models/some%2Fmodel:generateContent'],
  ['gemini', true, '/models/some%2Fmodel:generateContent'],
] as const)('%s is asked, with search %s, at %s', ([vendor, webSearch, path]) => {
  const { url, body } = oracleRequest(configOf(vendor), { ...ASKED, webSearch });
  expect(url).toBe(`https://api.example/v1${path}`);
  const text = JSON.stringify(body);
  expect(text).toContain('Was kostet é?');
  expect(/web_search|googleSearch/.test(text)).toBe(webSearch);
  // Gemini takes no such word in a schema; the others are strict by it.
  expect(text.includes('additionalProperties')).toBe(vendor !== 'gemini');
});

test('what is not known of a task is not sent, and its parts are in the order of their names', () => {
  const bare = { ...ASKED, conversation: [], attached: null, category: null };
  const { body } = oracleRequest(configOf('openai'), bare);
  const userOf = (told: unknown) => JSON.parse(JSON.stringify(told)).messages[1].content;
  expect(userOf(body)).toBe('{"prompt":"Was kostet é?"}');
  const full = userOf(oracleRequest(configOf('openai'), ASKED).body);
  expect(Object.keys(JSON.parse(full))).toEqual([
    'attached_document',
    'category',
    'conversation_recent',
    'prompt',
  ]);
});

test('only OpenAI’s own host is limited by max_completion_tokens', () => {
  const bodyOf = (url: string) => oracleRequest(configOf('openai', url), ASKED).body;
  expect(bodyOf('https://api.openai.com/v1')).toHaveProperty('max_completion_tokens', 4_096);
  expect(bodyOf('https://api.openai.com.evil.example/v1')).toHaveProperty('max_tokens', 4_096);
});

test('a chat completion is read with its tokens, and the vendor’s own figure in ticks', () => {
  const body = {
    choices: [{ message: { content: '{"answer":"42"}' } }],
    usage: {
      prompt_tokens: 10,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: 4 },
      cost_in_usd_ticks: 12_345,
    },
  };
  expect(oracleReply({ vendor: 'grok' }, body)).toEqual({
    kind: 'ok',
    answer: '42',
    citations: [],
    usage: { prompt: 10, cached: 4, completion: 5 },
    searches: 0,
    cost: 1_235,
  });
});

test('an answer of the responses API is read with its citations, each once, and its searches', () => {
  const annotations = [{ url: 'https://a.example' }, { url: 'https://a.example' }, {}];
  const body = {
    output: [
      { type: 'web_search_call' },
      { type: 'message', content: [{ text: '{"answer":' }, { text: '"42"}', annotations }] },
    ],
    citations: ['https://b.example'],
  };
  expect(oracleReply({ vendor: 'openai' }, body)).toMatchObject({
    answer: '42',
    citations: ['https://a.example', 'https://b.example'],
    searches: 1,
    usage: null,
    cost: null,
  });
});

test('Gemini’s answer is read with its thoughts as tokens, and a blocked one as blocked', () => {
  const body = {
    candidates: [
      {
        content: { parts: [{ text: '{"answer":"42"}' }] },
        groundingMetadata: {
          webSearchQueries: ['a', 'b'],
          groundingChunks: [{ web: { uri: 'https://a.example' } }],
        },
      },
    ],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 7 },
  };
  expect(oracleReply({ vendor: 'gemini' }, body)).toMatchObject({
    answer: '42',
    searches: 2,
    usage: { prompt: 10, cached: 0, completion: 12 },
  });
  const blocked = { promptFeedback: { blockReason: 'SAFETY' } };
  expect(oracleReply({ vendor: 'gemini' }, blocked)).toEqual({ kind: 'blocked', detail: 'SAFETY' });
});

test('whatever an oracle sends is an answer or an error, never a throw and never an empty answer', () => {
  const vendor = fc.constantFrom<Vendor>('openai', 'gemini', 'grok');
  const content = fc.oneof(fc.string(), fc.constantFrom('{"answer":" "}', '{"answer":7}', '[]'));
  const body = fc.oneof(
    fc.jsonValue(),
    content.map((text) => ({ choices: [{ message: { content: text } }] })),
  );
  fc.assert(
    fc.property(vendor, body, (from, sent) => {
      const reply = oracleReply({ vendor: from }, sent);
      expect(reply.kind === 'ok' ? reply.answer.trim() : reply.detail).not.toBe('');
    }),
  );
});

test('the reconciler is shown the question and each oracle’s answer, and nothing of what it cost', () => {
  const answers = [{ vendor: 'openai', answer: '42', citations: ['https://a'], cost: 7 }] as const;
  const told = JSON.parse(
    JSON.stringify(reconcileRequest('glm', 2_048, { prompt: 'Why?', answers })),
  );
  expect(told).toMatchObject({ model: 'glm', temperature: 0, max_tokens: 2_048 });
  expect(JSON.parse(told.messages[1].content)).toEqual({
    user_prompt: 'Why?',
    oracle_answers: [{ vendor: 'openai', answer: '42' }],
  });
});

const RECONCILED = { oracle_status: 'majority', consensus_claims: ['a'] };

test.for<readonly [string, string, boolean]>([
  ['plain JSON', JSON.stringify(RECONCILED), true],
  ['JSON in a fence', `\n\`\`\`json\n${JSON.stringify(RECONCILED)}\n\`\`\`\n`, true],
  ['JSON in a nameless fence', `\`\`\`\n${JSON.stringify(RECONCILED)}\n\`\`\``, true],
  ['a status that there is not', '{"oracle_status":"unanimous"}', false],
  ['no status', '{"consensus_claims":["a"]}', false],
  [
    'too many claims',
    JSON.stringify({ ...RECONCILED, consensus_claims: Array(65).fill('a') }),
    false,
  ],
  ['text before it', `Here: ${JSON.stringify(RECONCILED)}`, false],
  ['no JSON', 'I agree', false],
])('%s is read: %s', ([, text, read]) => {
  const found = readReconciled(text);
  expect(found !== null).toBe(read);
  if (read) expect(found).toMatchObject({ ...RECONCILED, must_not_claim_extras: [] });
});

test('reading what a reconciler wrote never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const found = readReconciled(text);
      expect(found === null || found.consensus_claims.length <= 64).toBe(true);
    }),
  );
});
