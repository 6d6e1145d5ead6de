import { z } from 'zod';
import { AppError } from '../errors.ts';
import { detailOf } from '../events/scalars.ts';
import { ChatPayload } from './chat-payload.ts';
import type { TokenUsage } from './prices.ts';

/** Tokens of an answer where the caller sets no limit. */
const DEFAULT_MAX_TOKENS = 4_096;

/** The form of the existing services. Its own limits are the caller's wishes: the validator's hold. */
const Wrapped = z.looseObject({
  provider: z.string().min(1).max(64),
  model: z.string().min(1).max(128),
  payload: ChatPayload,
  per_request_timeout_seconds: z.number().min(1).max(600).default(60),
});

/** A call of a model, whichever way it was asked for. */
export type ChatCall = Readonly<{
  /** `wrapped`: the existing services' form, answered in theirs. `plain`: that of OpenAI. */
  form: 'wrapped' | 'plain';
  /** Null where the caller names none: then the one that has the model is taken. */
  provider: string | null;
  model: string;
  /** What the provider is sent. */
  payload: Readonly<Record<string, unknown>>;
  stream: boolean;
  maxTokens: number;
  timeoutMs: number;
}>;

/** Deeper than the schema of any function; what has no end of it can't be written again. */
const MAX_DEPTH = 64;

/** A caller of the plain form waits as long as the job is open. */
const PLAIN_TIMEOUT_MS = 600_000;

/**
 * Reads the body of `POST /v1/chat/completions`: with a `payload` it is the existing services' form, else OpenAI's, in
 * which a model may be named `provider/model` or by its name alone. Throws `input.invalid`, which names the field.
 */
export function readChatCall(json: unknown): ChatCall {
  if (isDeeper(json, MAX_DEPTH))
    throw new AppError('input.invalid', {
      field: 'body',
      expected: `at most ${MAX_DEPTH} levels of values`,
    });
  if (typeof json === 'object' && json !== null && 'payload' in json) {
    const { provider, model, payload, per_request_timeout_seconds } = parse(Wrapped, json);
    if (payload.stream === true)
      throw new AppError('input.invalid', {
        field: 'payload.stream',
        value: true,
        expected: 'no stream in this form: ask without `payload` for one',
      });
    return callOf('wrapped', { provider, model }, payload, 1_000 * per_request_timeout_seconds);
  }
  const payload = parse(ChatPayload, json);
  if (payload.model === undefined)
    throw new AppError('input.invalid', { field: 'model', expected: 'the name of a model' });
  const [provider, ...rest] = payload.model.split(':');
  const named = rest.length > 0 && provider !== undefined && provider !== '';
  const place = named
    ? { provider, model: rest.join(':') }
    : { provider: null, model: payload.model };
  return callOf('plain', place, payload, PLAIN_TIMEOUT_MS);
}

function callOf(
  form: ChatCall['form'],
  { provider, model }: Pick<ChatCall, 'provider' | 'model'>,
  payload: z.infer<typeof ChatPayload>,
  timeoutMs: number,
): ChatCall {
  const { max_tokens, max_completion_tokens, web_search_options: _none, ...rest } = payload;
  const maxTokens = max_completion_tokens ?? max_tokens ?? DEFAULT_MAX_TOKENS;
  const stream = payload.stream === true;
  return {
    form,
    provider,
    model,
    payload: {
      ...rest,
      model,
      // The limit is set whether the caller set one or not: what a call may cost rests on it.
      ...(max_completion_tokens === undefined || max_completion_tokens === null
        ? { max_tokens: maxTokens }
        : { max_completion_tokens: maxTokens }),
      // Without the figures at its end a stream would have no known cost.
      ...(stream ? { stream_options: { include_usage: true } } : {}),
    },
    stream,
    maxTokens,
    timeoutMs,
  };
}

const Count = z.int().min(0);
const Usage = z.looseObject({
  prompt_tokens: Count,
  completion_tokens: Count,
  prompt_tokens_details: z.looseObject({ cached_tokens: Count.nullish() }).nullish(),
});

/** The tokens that a provider says a call took, from its whole answer or a stream's last part; null where it does not say. */
export function usageIn(answer: unknown): TokenUsage | null {
  if (typeof answer !== 'object' || answer === null || !('usage' in answer)) return null;
  const parsed = Usage.safeParse(answer.usage);
  if (!parsed.success) return null;
  const { prompt_tokens: prompt, completion_tokens: completion } = parsed.data;
  const cached = parsed.data.prompt_tokens_details?.cached_tokens ?? 0;
  // Reasoning tokens are among the completion's: adding them would bill them twice.
  return cached > prompt ? null : { prompt, cached, completion };
}

/**
 * The most tokens that a call can take: its prompt has no more tokens than bytes, whatever the tokenizer, and its
 * completion is limited.
 */
export function mostTokens({ payload, maxTokens }: ChatCall): TokenUsage {
  const prompt = Buffer.byteLength(JSON.stringify(payload), 'utf8');
  return { prompt, cached: 0, completion: maxTokens };
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}

function parse<T>(schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError('input.invalid', {
    field: issue?.path.map(String).join('.') || 'body',
    expected: detailOf(issue?.message ?? 'a call of a model'),
  });
}
