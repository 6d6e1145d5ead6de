import { z } from 'zod';

/** The most tokens of an answer that a caller may ask for. */
const MAX_MAX_TOKENS = 131_072;

const MAX_MESSAGES = 1_024;
const MAX_PARTS = 256;

/** As many as OpenAI takes. */
const MAX_FUNCTIONS = 128;
const MAX_STOPS = 16;

const Name = z.string().regex(/^[A-Za-z0-9_.:-]{1,128}$/, 'a name of at most 128 characters');

/** Text alone: what a provider would have to fetch (a picture, a file) costs what nobody can foresee, and reaches the network. */
const Content = z.union(
  [
    z.string(),
    z
      .array(z.object({ type: z.literal('text'), text: z.string() }))
      .min(1)
      .max(MAX_PARTS),
  ],
  'text, or parts of type `text`',
);

const FunctionCall = z.object({
  id: z.string().max(256),
  type: z.literal('function').default('function'),
  function: z.object({ name: Name, arguments: z.string() }),
});

const Message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: Content.nullish(),
  name: Name.nullish(),
  tool_calls: z.array(FunctionCall).min(1).max(MAX_FUNCTIONS).nullish(),
  tool_call_id: z.string().max(256).nullish(),
});

/** What the caller itself performs: a tool of the provider's own would reach the network beside ours, and cost beside its tokens. */
const FunctionTool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: Name,
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  }),
});

const ToolChoice = z.union(
  [
    z.enum(['none', 'auto', 'required']),
    z.object({ type: z.literal('function'), function: z.object({ name: Name }) }),
  ],
  '`none`, `auto`, `required`, or a function by its name',
);

const ResponseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['text', 'json_object']) }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: Name,
      description: z.string().nullish(),
      schema: z.record(z.string(), z.unknown()).nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
]);

/**
 * What is asked of a model: these fields go to the provider, and no others. The existing services take any field, so
 * one that is not here is left out (`user`, `metadata`, `store`, `service_tier`, `logit_bias`, …): it changes what a call costs, or
 * who hears of it, and not what is answered. What would change the answer and can't be had is refused by its name.
 */
export const ChatPayload = z.object({
  model: z.string().min(1).max(128).optional(),
  messages: z.array(Message).min(1).max(MAX_MESSAGES),
  max_tokens: z.int().min(1).max(MAX_MAX_TOKENS).nullish(),
  max_completion_tokens: z.int().min(1).max(MAX_MAX_TOKENS).nullish(),
  /** Each would be billed. */
  n: z.literal(1, 'one answer').nullish(),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(-1).max(1_000_000).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  repetition_penalty: z.number().gt(0).max(10).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(MAX_STOPS)], 'a text, or a few').nullish(),
  tools: z.array(FunctionTool).max(MAX_FUNCTIONS).nullish(),
  tool_choice: ToolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: ResponseFormat.nullish(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).nullish(),
  /** The provider would fetch pages of its own. */
  web_search_options: z.null('no search by the provider: there is a service for it').optional(),
});
