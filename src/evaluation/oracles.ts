import { z } from 'zod';
import type { Vendor } from './reconciler.ts';

/** How one oracle is asked. The key is the caller's: it is in a header, never in a URL. */
export type OracleConfig = Readonly<{
  vendor: Vendor;
  /** Without a slash at its end. */
  baseUrl: string;
  model: string;
  maxTokens: number;
}>;

/** What oracles are told of a task. */
export type OracleQuestion = Readonly<{
  prompt: string;
  conversation: readonly Readonly<{ role: string; content: string }>[];
  attached: string | null;
  category: string | null;
  webSearch: boolean;
}>;

export type OracleRequest = Readonly<{ url: string; body: unknown }>;

/** What came back. `usage` null: the vendor did not say. `cost` is the vendor's own figure in 1e-9 USD, where it gives one. */
export type OracleReply =
  | Readonly<{
      kind: 'ok';
      answer: string;
      citations: readonly string[];
      usage: Readonly<{ prompt: number; cached: number; completion: number }> | null;
      searches: number;
      cost: number | null;
    }>
  | Readonly<{ kind: 'error' | 'blocked'; detail: string }>;

const ANSWER_SCHEMA = {
  type: 'object',
  properties: { answer: { type: 'string' } },
  required: ['answer'],
  additionalProperties: false,
} as const;

const SYSTEM = 'Answer the question correctly and briefly, as a JSON object with the key "answer".';

/** The request that a vendor is asked with: Gemini by `generateContent`, the others by responses or chat completions. */
export function oracleRequest(config: OracleConfig, asked: OracleQuestion): OracleRequest {
  if (config.vendor === 'gemini') return geminiRequest(config, asked);
  return asked.webSearch ? responsesRequest(config, asked) : chatRequest(config, asked);
}

/** Reads a vendor's answer to `oracleRequest`. Never throws on its content. */
export function oracleReply({ vendor }: Pick<OracleConfig, 'vendor'>, body: unknown): OracleReply {
  if (vendor === 'gemini') return geminiReply(body);
  const chat = ChatReply.safeParse(body);
  return chat.success ? chatReply(chat.data) : responsesReply(body);
}

/** What a search costs beside the tokens, in 1e-9 USD. */
export const SEARCH_COST: Readonly<Record<Vendor, number>> = {
  openai: 10_000_000,
  gemini: 14_000_000,
  grok: 0, // in its own figure
};

function payloadOf({ prompt, conversation, attached, category }: OracleQuestion): string {
  return JSON.stringify({
    ...(attached === null ? {} : { attached_document: attached }),
    ...(category === null ? {} : { category }),
    ...(conversation.length === 0 ? {} : { conversation_recent: conversation }),
    prompt,
  });
}

function messagesOf(asked: OracleQuestion) {
  return [
    { role: 'system', content: SYSTEM },
    { role: 'user', content: payloadOf(asked) },
  ];
}

function responsesRequest(config: OracleConfig, asked: OracleQuestion): OracleRequest {
  return {
    url: `${config.baseUrl}/responses`,
    body: {
      model: config.model,
      input: messagesOf(asked),
      tools: [{ type: 'web_search' }],
      max_output_tokens: config.maxTokens,
      text: {
        format: { type: 'json_schema', name: 'answer', schema: ANSWER_SCHEMA, strict: true },
      },
    },
  };
}

function chatRequest(config: OracleConfig, asked: OracleQuestion): OracleRequest {
  const isOpenAi = new URL(config.baseUrl).hostname === 'api.openai.com';
  return {
    url: `${config.baseUrl}/chat/completions`,
    body: {
      model: config.model,
      messages: messagesOf(asked),
      temperature: 0,
      [isOpenAi ? 'max_completion_tokens' : 'max_tokens']: config.maxTokens,
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: ANSWER_SCHEMA, strict: true },
      },
    },
  };
}

function geminiRequest(config: OracleConfig, asked: OracleQuestion): OracleRequest {
  const { additionalProperties: _, ...responseSchema } = ANSWER_SCHEMA;
  return {
    url: `${config.baseUrl}/models/${encodeURIComponent(config.model)}:generateContent`,
    body: {
      systemInstruction: { parts: [{ text: SYSTEM }] },
      contents: [{ role: 'user', parts: [{ text: payloadOf(asked) }] }],
      generationConfig: {
        temperature: 0,
        maxOutputTokens: config.maxTokens,
        responseMimeType: 'application/json',
        responseSchema,
      },
      ...(asked.webSearch ? { tools: [{ googleSearch: {} }] } : {}),
    },
  };
}

const Count = z.int().min(0);
const Url = z.string().max(4_096);

const ChatReply = z.looseObject({
  choices: z
    .array(z.looseObject({ message: z.looseObject({ content: z.string().nullish() }) }))
    .min(1),
  usage: z
    .looseObject({
      prompt_tokens: Count,
      completion_tokens: Count,
      prompt_tokens_details: z.looseObject({ cached_tokens: Count.nullish() }).nullish(),
      cost_in_usd_ticks: Count.nullish(),
    })
    .nullish(),
});

const ResponsesReply = z.looseObject({
  output: z.array(
    z.looseObject({
      type: z.string(),
      content: z
        .array(
          z.looseObject({
            text: z.string().nullish(),
            annotations: z.array(z.looseObject({ url: Url.nullish() })).nullish(),
          }),
        )
        .nullish(),
    }),
  ),
  citations: z.array(Url).nullish(),
  usage: z
    .looseObject({
      input_tokens: Count,
      output_tokens: Count,
      input_tokens_details: z.looseObject({ cached_tokens: Count.nullish() }).nullish(),
      cost_in_usd_ticks: Count.nullish(),
    })
    .nullish(),
});

const GeminiReply = z.looseObject({
  promptFeedback: z.looseObject({ blockReason: z.string().nullish() }).nullish(),
  candidates: z
    .array(
      z.looseObject({
        content: z
          .looseObject({ parts: z.array(z.looseObject({ text: z.string().nullish() })).nullish() })
          .nullish(),
        groundingMetadata: z
          .looseObject({
            webSearchQueries: z.array(z.string()).nullish(),
            groundingChunks: z
              .array(z.looseObject({ web: z.looseObject({ uri: Url.nullish() }).nullish() }))
              .nullish(),
          })
          .nullish(),
      }),
    )
    .nullish(),
  usageMetadata: z
    .looseObject({
      promptTokenCount: Count,
      candidatesTokenCount: Count.nullish(),
      thoughtsTokenCount: Count.nullish(),
      cachedContentTokenCount: Count.nullish(),
    })
    .nullish(),
});

function chatReply({ choices, usage }: z.infer<typeof ChatReply>): OracleReply {
  const text = choices[0]?.message.content ?? '';
  return replyOf(text, {
    citations: [],
    usage: usage
      ? {
          prompt: usage.prompt_tokens,
          cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
          completion: usage.completion_tokens,
        }
      : null,
    searches: 0,
    cost: ticksOf(usage?.cost_in_usd_ticks),
  });
}

function responsesReply(body: unknown): OracleReply {
  const parsed = ResponsesReply.safeParse(body);
  if (!parsed.success) return { kind: 'error', detail: 'not an answer of the responses API' };
  const { output, citations, usage } = parsed.data;
  const parts = output.flatMap(({ content }) => content ?? []);
  const cited = parts.flatMap(({ annotations }) => annotations ?? []).map(({ url }) => url);
  return replyOf(parts.map(({ text }) => text ?? '').join(''), {
    citations: urls([...cited, ...(citations ?? [])]),
    usage: usage
      ? {
          prompt: usage.input_tokens,
          cached: usage.input_tokens_details?.cached_tokens ?? 0,
          completion: usage.output_tokens,
        }
      : null,
    searches: output.filter(({ type }) => type === 'web_search_call').length,
    cost: ticksOf(usage?.cost_in_usd_ticks),
  });
}

function geminiReply(body: unknown): OracleReply {
  const parsed = GeminiReply.safeParse(body);
  if (!parsed.success) return { kind: 'error', detail: 'not an answer of generateContent' };
  const { promptFeedback, candidates, usageMetadata } = parsed.data;
  const blocked = promptFeedback?.blockReason;
  if (typeof blocked === 'string') return { kind: 'blocked', detail: blocked.slice(0, 100) };
  const first = candidates?.[0];
  const grounding = first?.groundingMetadata;
  const chunks = grounding?.groundingChunks ?? [];
  return replyOf((first?.content?.parts ?? []).map(({ text }) => text ?? '').join(''), {
    citations: urls(chunks.map(({ web }) => web?.uri)),
    usage: usageMetadata
      ? {
          prompt: usageMetadata.promptTokenCount,
          cached: usageMetadata.cachedContentTokenCount ?? 0,
          completion:
            (usageMetadata.candidatesTokenCount ?? 0) + (usageMetadata.thoughtsTokenCount ?? 0),
        }
      : null,
    searches: grounding?.webSearchQueries?.length ?? 0,
    cost: null,
  });
}

/** Ticks are 1e-10 USD. */
function ticksOf(ticks: number | null | undefined): number | null {
  return typeof ticks === 'number' ? Math.round(ticks / 10) : null;
}

const Answer = z.object({ answer: z.string().max(262_144) });

function replyOf(
  text: string,
  rest: Omit<Extract<OracleReply, { kind: 'ok' }>, 'kind' | 'answer'>,
): OracleReply {
  try {
    const parsed = Answer.safeParse(JSON.parse(text));
    if (parsed.success && parsed.data.answer.trim() !== '')
      return { kind: 'ok', answer: parsed.data.answer, ...rest };
  } catch {
    return { kind: 'error', detail: 'the answer is no JSON' };
  }
  return { kind: 'error', detail: 'the answer has not the form that was asked for' };
}

const MAX_CITATIONS = 64;

function urls(found: readonly (string | null | undefined)[]): readonly string[] {
  const given = found.filter((url): url is string => typeof url === 'string' && url !== '');
  return [...new Set(given)].slice(0, MAX_CITATIONS);
}
