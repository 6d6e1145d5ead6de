import { expect, test } from 'vitest';
import { mostTokens, readChatCall, usageIn } from '#src/evaluation/chat-call.ts';

const messages = [{ role: 'user', content: 'hello' }];

test('the form of the existing services names provider and model beside the payload', () => {
  const call = readChatCall({
    provider: 'chutes',
    model: 'm',
    payload: { messages, temperature: 0.5 },
    max_requests: 24,
    per_request_timeout_seconds: 30,
  });
  expect(call).toEqual({
    form: 'wrapped',
    provider: 'chutes',
    model: 'm',
    payload: { messages, temperature: 0.5, model: 'm', max_tokens: 4_096 },
    stream: false,
    maxTokens: 4_096,
    timeoutMs: 30_000,
  });
});

test('the plain form names the model, with its provider or without', () => {
  expect(readChatCall({ model: 'org/m', messages })).toMatchObject({
    provider: null,
    model: 'org/m',
  });
  expect(readChatCall({ model: 'chutes:org/m', messages })).toMatchObject({
    provider: 'chutes',
    model: 'org/m',
    payload: { model: 'org/m' },
  });
});

test('a stream is asked for its figures, whatever its caller says', () => {
  const { payload, stream } = readChatCall({
    model: 'm',
    messages,
    stream: true,
    stream_options: { include_usage: false },
  });
  expect(stream).toBe(true);
  expect(payload['stream_options']).toEqual({ include_usage: true });
});

test('the limit of an answer stays under the name that the caller gave it', () => {
  expect(readChatCall({ model: 'm', messages, max_completion_tokens: 7 }).payload).toMatchObject({
    max_completion_tokens: 7,
  });
  expect(
    readChatCall({ model: 'm', messages, max_completion_tokens: 7 }).payload,
  ).not.toHaveProperty('max_tokens');
  expect(readChatCall({ model: 'm', messages, max_tokens: 9 }).maxTokens).toBe(9);
});

test.for([
  ['no messages', { model: 'm', messages: [] }, 'messages'],
  ['no model', { messages }, 'model'],
  ['several answers', { model: 'm', messages, n: 2 }, 'n'],
  ['an endless answer', { model: 'm', messages, max_tokens: 1e9 }, 'max_tokens'],
  [
    'a stream in the old form',
    { provider: 'p', model: 'm', payload: { messages, stream: true } },
    'payload.stream',
  ],
  ['no object', 7, 'body'],
] as const)('%s is refused by name', ([, body, field]) => {
  expect(() => readChatCall(body)).toThrow(`field: ${field}`);
});

test('reasoning tokens are among the completion, cached ones among the prompt', () => {
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 50,
    prompt_tokens_details: { cached_tokens: 40 },
    completion_tokens_details: { reasoning_tokens: 30 },
  };
  expect(usageIn({ usage })).toEqual({ prompt: 100, cached: 40, completion: 50 });
});

test.for([
  ['no usage', {}],
  ['null', { usage: null }],
  ['a negative count', { usage: { prompt_tokens: -1, completion_tokens: 1 } }],
  ['text', { usage: { prompt_tokens: '1', completion_tokens: 1 } }],
  [
    'more cached tokens than the prompt has',
    {
      usage: {
        prompt_tokens: 1,
        completion_tokens: 1,
        prompt_tokens_details: { cached_tokens: 2 },
      },
    },
  ],
] as const)('%s: the tokens are unknown', ([, answer]) => {
  expect(usageIn(answer)).toBeNull();
});

test('no prompt has more tokens than bytes', () => {
  const call = readChatCall({ model: 'm', messages: [{ role: 'user', content: 'é'.repeat(100) }] });
  expect(mostTokens(call).prompt).toBeGreaterThanOrEqual(200);
  expect(mostTokens(call).completion).toBe(4_096);
});
