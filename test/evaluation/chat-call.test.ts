import { expect, test } from 'vitest';
import { mostTokens, readChatCall, usageIn } from '#src/evaluation/chat-call.ts';

const messages = [{ role: 'user', content: 'hello' }];
const text = { type: 'text', text: 'hello' };
const PART = 'messages.0.content';
const withContent = (content: unknown) => ({ model: 'm', messages: [{ role: 'user', content }] });
const withTool = (tool: object) => ({ model: 'm', messages, tools: [tool] });

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

test('what a model is asked goes to the provider as it came, and nothing beside it', () => {
  const weather = { name: 'weather', description: 'd', parameters: { type: 'object' } };
  const wanted = {
    messages: [
      { role: 'system', content: 's' },
      { role: 'user', content: [text, text], name: 'me' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: '1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
      },
      { role: 'tool', content: '20', tool_call_id: '1' },
    ],
    temperature: 0,
    top_p: 1,
    seed: 7,
    stop: ['a'],
    n: 1,
    tools: [{ type: 'function', function: weather }],
    tool_choice: { type: 'function', function: { name: 'weather' } },
    parallel_tool_calls: false,
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { a: 1 } } },
    reasoning_effort: 'low',
  };
  const beside = {
    user: 'u',
    metadata: { a: 'b' },
    store: true,
    service_tier: 'priority',
    logit_bias: { 1: 100 },
    logprobs: true,
    top_logprobs: 20,
    modalities: ['audio'],
    audio: { voice: 'x' },
    prediction: { type: 'content', content: 'x' },
    provider: { order: ['x'] },
    models: ['another'],
    plugins: [{ id: 'web' }],
    extra_body: { x: 1 },
    prompt_cache_key: 'k',
  };
  const first = { ...wanted.messages[0], audio: { id: 'x' }, cache_control: {} };
  const { payload } = readChatCall({
    ...wanted,
    ...beside,
    model: 'm',
    messages: [first, ...wanted.messages.slice(1)],
  });
  expect(payload).toEqual({ ...wanted, model: 'm', max_tokens: 4_096 });
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
  ['a picture', withContent([text, { type: 'image_url', image_url: { url: 'https://a/' } }]), PART],
  ['a file', withContent([{ type: 'file', file: { file_id: 'x' } }]), PART],
  ['a sound', withContent([{ type: 'input_audio', input_audio: {} }]), PART],
  ['content that is no text', withContent({ text: 'x' }), PART],
  ['more parts than anybody says', withContent(Array(257).fill(text)), PART],
  [
    'a message of nobody',
    { model: 'm', messages: [{ role: 'x', content: 'y' }] },
    'messages.0.role',
  ],
  [
    'a search by the provider',
    { model: 'm', messages, web_search_options: {} },
    'web_search_options',
  ],
  ['a tool of the provider', withTool({ type: 'web_search' }), 'tools.0.type'],
  ['a tool elsewhere', withTool({ type: 'mcp', server_url: 'https://a/' }), 'tools.0.type'],
  [
    'a function without a name',
    withTool({ type: 'function', function: {} }),
    'tools.0.function.name',
  ],
  ['a choice of no function', { model: 'm', messages, tool_choice: { type: 'x' } }, 'tool_choice'],
  ['an unknown effort', { model: 'm', messages, reasoning_effort: 'all' }, 'reasoning_effort'],
  ['a heat beyond all', { model: 'm', messages, temperature: 3 }, 'temperature'],
  [
    'an answer in no known form',
    { model: 'm', messages, response_format: { type: 'x' } },
    'response_format.type',
  ],
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
