import { z } from 'zod';
import { AppError } from '../../errors.ts';
import {
  argsHash,
  argsText,
  type PythonJson,
  parsePythonJson,
  plainNumber,
} from '../../evaluation/tool-args.ts';
import { nanoUsdOf } from '../../evaluation/usd.ts';
import type { EventOf } from '../../events/define-event.ts';
import { textOf } from '../../events/ej1.ts';
import {
  CostMetered,
  type CostReserved,
  JobId,
  JobOpened,
  MAX_ARGS_LENGTH,
  type ToolCalled,
  UNKNOWN_COSTS,
} from '../../events/job.ts';
import { detailOf } from '../../events/scalars.ts';

/** The calls of one request: what fits one append of the log. */
const MAX_CALLS = 1_000;

/** Calls that are read in one turn: half a millisecond. */
const CALLS_PER_TURN = 25;

/** A thousand calls of an ordinary size are under 1 MiB; one with the longest arguments is 200 KiB. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Room in an event beside the arguments for everything else, each at its longest. */
const MAX_WRITTEN_ARGS_LENGTH = 57_500;

/** What a call shows of its result. */
const MAX_RESULT_LENGTH = 512;

type ToolCall = EventOf<typeof ToolCalled>['data'];
type ReservedCost = EventOf<typeof CostReserved>['data'];
type MeteredCost = EventOf<typeof CostMetered>['data'];
type JobTerms = EventOf<typeof JobOpened>['data'];

/** Reads a body as JSON whose numbers are as they were written. Throws `request.invalid`. */
export function readJson(body: Uint8Array): PythonJson {
  try {
    return parsePythonJson(textOf(body));
  } catch (cause) {
    throw new AppError('request.invalid', { field: 'body', expected: 'JSON in UTF-8' }, { cause });
  }
}

/**
 * Calls of tools, one or an array of them. `newName` names a call that its sender did not; many are read in several
 * turns. Throws `request.invalid`.
 */
export function toolCallsIn(
  json: PythonJson,
  { newName, turn }: Readonly<{ newName: () => string; turn: () => Promise<void> }>,
): Promise<Calls<ToolCall>> {
  return callsIn(json, turn, (each, at) => toolCall(parse(ToolCallBody, each, at), newName, at));
}

/** Calls of models, as `toolCallsIn`. */
export function costsIn(
  json: PythonJson,
  { turn }: Readonly<{ turn: () => Promise<void> }>,
): Promise<Calls<MeteredCost>> {
  return callsIn(json, turn, (each, at) => metered(parse(CostBody, each, at)));
}

/** A call of a model that is about to be made. Throws `request.invalid`. */
export function reservedIn(json: PythonJson): ReservedCost {
  const { call_id, job_id, provider, model, most_usd, prices } = parse(ReserveBody, json, '');
  return { call: call_id, job: job_id, provider, model, most: most_usd, prices };
}

/** What a job is opened with. Throws `request.invalid`. */
export function termsIn(json: PythonJson): JobTerms {
  const body = parse(JobBody, json, '');
  return {
    family: body.family_id,
    run: body.run_id,
    job: body.job_id,
    task: body.task_id,
    miner: body.miner_hotkey,
    deployment: body.deployment_id,
    budget: body.budget_usd,
    calls: body.max_calls,
    expires: body.expires_at,
  };
}

/** The job that a body, or a query, names. Throws `request.invalid`. */
export function jobIn(json: unknown): string {
  return parse(JobName, json, '').job_id;
}

const JobName = z.object({ job_id: JobId });

/** `many`: an array was sent, and is answered by its length. */
export type Calls<T> = Readonly<{ many: boolean; calls: readonly T[] }>;

async function callsIn<T>(
  json: PythonJson,
  turn: () => Promise<void>,
  read: (each: unknown, at: string) => T,
): Promise<Calls<T>> {
  if (!Array.isArray(json)) return { many: false, calls: [read(json, '')] };
  if (json.length > MAX_CALLS) throw invalid('body', `at most ${MAX_CALLS} calls`);
  const calls: T[] = [];
  for (const [index, each] of json.entries()) {
    if (index > 0 && index % CALLS_PER_TURN === 0) await turn();
    calls.push(read(each, `${index}.`));
  }
  return { many: true, calls };
}

/** What an event can hold: text without lone surrogates, and without NUL, which the projection can't keep. */
const Text = z
  .string()
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'text in Unicode without NUL');
const Whole = z.preprocess(plainNumber, z.int().min(0));
const Usd = z.preprocess(
  plainNumber,
  z.number().transform((usd, context) => {
    try {
      return nanoUsdOf(usd);
    } catch {
      context.addIssue('USD from 0 to nine million');
      return z.NEVER;
    }
  }),
);
const CallName = CostMetered.data.shape.call;

/** eirel.md 5.2, and `call_id`. A cost that is not told is unknown. */
const ToolCallBody = z.object({
  call_id: CallName.nullish(),
  job_id: JobId,
  tool_name: Text.min(1).max(64),
  args_hash: Text.max(64).nullish(),
  args_json: z.custom<PythonJson>(isObject, 'an object').default({}),
  result_digest: z.string().default(''),
  latency_ms: Whole.default(0),
  cost_usd: Usd.nullish(),
  status: Text.min(1).max(16).default('ok'),
  error: z.string().nullish(),
});

const ReserveBody = z.object({
  call_id: CallName,
  job_id: JobId,
  provider: Text.min(1).max(64),
  model: Text.min(1).max(128),
  most_usd: Usd.nullable(),
  prices: Text.min(1).max(64),
});

const CostBody = z.object({
  call_id: CallName,
  job_id: JobId,
  provider: Text.min(1).max(64),
  model: Text.min(1).max(128),
  prompt_tokens: Whole.nullable(),
  cached_tokens: Whole.nullable(),
  completion_tokens: Whole.nullable(),
  latency_ms: Whole,
  cost_usd: Usd.nullable(),
  unknown: z.enum(UNKNOWN_COSTS).nullish(),
  prices: Text.min(1).max(64),
  status: z.enum(['ok', 'error']),
  error: z.string().nullish(),
});

const Terms = JobOpened.data.shape;
const JobBody = z.object({
  job_id: JobId,
  family_id: Terms.family,
  run_id: Terms.run,
  task_id: Terms.task,
  miner_hotkey: Terms.miner,
  deployment_id: Terms.deployment,
  budget_usd: Usd,
  max_calls: z.preprocess(plainNumber, Terms.calls),
  expires_at: Terms.expires,
});

function toolCall(body: z.infer<typeof ToolCallBody>, newName: () => string, at: string): ToolCall {
  const args = writtenArgs(body.args_json, at);
  return {
    call: body.call_id ?? newName(),
    job: body.job_id,
    tool: body.tool_name,
    args,
    argsHash: body.args_hash ?? argsHash(body.args_json),
    result: printable(body.result_digest.slice(0, MAX_RESULT_LENGTH)),
    latencyMs: body.latency_ms,
    cost: body.cost_usd ?? null,
    status: body.status,
    error: errorOf(body.error),
  };
}

/** Quotes and backslashes are doubled where this text becomes part of an event. */
function writtenArgs(args: PythonJson, at: string): string {
  const text = argsText(args);
  // At most each character is doubled: most texts are far too short to be counted again.
  const written =
    2 * text.length <= MAX_WRITTEN_ARGS_LENGTH ? text.length : JSON.stringify(text).length;
  if (text.length <= MAX_ARGS_LENGTH && written <= MAX_WRITTEN_ARGS_LENGTH) return text;
  throw invalid(`${at}args_json`, `at most ${MAX_ARGS_LENGTH} characters in ASCII`);
}

function metered(body: z.infer<typeof CostBody>): MeteredCost {
  return {
    call: body.call_id,
    job: body.job_id,
    provider: body.provider,
    model: body.model,
    promptTokens: body.prompt_tokens,
    cachedTokens: body.cached_tokens,
    completionTokens: body.completion_tokens,
    latencyMs: body.latency_ms,
    cost: body.cost_usd,
    // A sender that does not say why is one of ours: it blames nobody else.
    unknown: body.cost_usd === null ? (body.unknown ?? 'proxy') : null,
    prices: body.prices,
    status: body.status,
    error: errorOf(body.error),
  };
}

function errorOf(error: string | null | undefined): string | null {
  return error === null || error === undefined ? null : printable(detailOf(error));
}

/** What somebody wrote for people is taken whatever it holds. */
function printable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse<T>(schema: z.ZodType<T>, value: unknown, at: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`${at}${issue?.path.join('.') ?? ''}` || 'body', issue?.message ?? '');
}

function invalid(field: string, expected: string): AppError {
  return new AppError('request.invalid', { field, detail: `${field}: ${expected}`, expected });
}
