import { z } from 'zod';
import type { JobCost } from '../evaluation/job-cost.ts';
import { nanoUsdOf, usdOf } from '../evaluation/usd.ts';
import { UNKNOWN_COSTS } from '../events/job.ts';
import { Hex32, Time } from '../events/scalars.ts';
import type {
  AttestedCall,
  Failed,
  JobTerms,
  LedgerClient,
  MeteredCost,
  ReservedCost,
  ToolCall,
} from '../handlers/ledger/ledger-port.ts';

/** As long as the existing services wait for their ledger. */
const LEDGER_TIMEOUT_MS = 5_000;

/** A job of 10,000 calls, the most that a tool is configured for, takes under 16 MiB. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** Of an answer that is refused: the rest of it is the other side's own business. */
const MAX_DETAIL_LENGTH = 200;

export type LedgerClientDeps = Readonly<{
  /** EIREL_LEDGER_URL: without a path. */
  url: string;
  /** The services' common bearer token. */
  token: string;
  timeoutMs?: number;
  signal?: AbortSignal;
}>;

/** The ledger over HTTP. Each call is one request, never repeated: what is unavailable can be sent again as it is. */
export function ledgerClient(deps: LedgerClientDeps): LedgerClient {
  return {
    openJob: async (terms) => {
      const answer = await ask(deps, `${BASE}/jobs`, jobBody(terms), z.object({}));
      return answer.kind === 'ok' ? { kind: 'ok', again: answer.status === 200 } : answer;
    },
    closeJob: async (job) => {
      const body = JSON.stringify({ job_id: job });
      const answer = await ask(deps, `${BASE}/jobs/close`, body, Closed);
      return answer.kind === 'ok' ? { kind: 'ok', cost: answer.body.cost } : answer;
    },
    readJob: async (job) => {
      const answer = await ask(deps, `${BASE}/jobs?job_id=${encodeURIComponent(job)}`, null, State);
      if (answer.kind === 'refused' && answer.status === 404) return { kind: 'ok', job: null };
      return answer.kind === 'ok' ? { kind: 'ok', job: answer.body } : answer;
    },
    readLedger: async (job) => {
      const path = `${BASE}/job_ledger?job_id=${encodeURIComponent(job)}`;
      const answer = await ask(deps, path, null, Ledger);
      return answer.kind === 'ok' ? { kind: 'ok', ledger: answer.body } : answer;
    },
    attest: (call) => write(deps, `${BASE}/tool_calls`, callBody(call)),
    reserve: (call) => write(deps, `${BASE}/costs/reservations`, reservedBody(call)),
    meter: (cost) => write(deps, `${BASE}/costs`, costBody(cost)),
  };
}

const BASE = '/v1/internal/eval';

async function write(
  deps: LedgerClientDeps,
  path: string,
  body: string,
): Promise<Readonly<{ kind: 'ok' }> | Failed> {
  const answer = await ask(deps, path, body, z.object({}));
  return answer.kind === 'ok' ? { kind: 'ok' } : answer;
}

type Answer<T> = Readonly<{ kind: 'ok'; status: number; body: T }> | Failed;

/** One request: with a body it is sent, without one it is read. */
async function ask<T>(
  { url, token, timeoutMs = LEDGER_TIMEOUT_MS, signal }: LedgerClientDeps,
  path: string,
  body: string | null,
  schema: z.ZodType<T>,
): Promise<Answer<T>> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(`${url}${path}`, {
      method: body === null ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === null ? {} : { 'content-type': 'application/json' }),
      },
      body,
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    const text = await readText(response);
    if (text === null) return unavailable(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    return judge(response.status, text, schema);
  } catch (error) {
    return unavailable(reasonOf(error));
  }
}

/** The body, or null where it is too large. */
async function readText(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A fault of the ledger, or its wish to be asked later, is not its word on what was sent. */
function judge<T>(status: number, text: string, schema: z.ZodType<T>): Answer<T> {
  if (status >= 500 || status === 429 || status === 408)
    return unavailable(`${status} ${cut(text)}`);
  if (status < 200 || status > 299) return { kind: 'refused', status, detail: cut(text) };
  const parsed = schema.safeParse(JSON.parse(text));
  if (parsed.success) return { kind: 'ok', status, body: parsed.data };
  return unavailable(`an answer that is not the ledger's: ${z.prettifyError(parsed.error)}`);
}

const Usd = z.number().transform((usd, context) => {
  try {
    return nanoUsdOf(usd);
  } catch {
    context.addIssue('an amount of USD');
    return z.NEVER;
  }
});

const Cost = z
  .discriminatedUnion('state', [
    z.object({ state: z.literal('known'), nano_usd: z.int().min(0) }),
    z.object({ state: z.literal('unknown'), reason: z.string() }),
  ])
  .transform(
    (cost): JobCost => (cost.state === 'known' ? { state: 'known', nanoUsd: cost.nano_usd } : cost),
  );

const Closed = z.object({ cost: Cost });

/** A cost is null where it is unknown. */
const MaybeUsd = z.union([z.null(), Usd]);

const PendingRow = z
  .object({
    call_id: z.string(),
    provider: z.string(),
    model: z.string(),
    most_usd: MaybeUsd,
    prices: z.string(),
    ts: Time,
  })
  .transform((row) => ({
    call: row.call_id,
    provider: row.provider,
    model: row.model,
    most: row.most_usd,
    prices: row.prices,
    time: row.ts,
  }));

const State = z
  .object({
    job_id: z.string(),
    open: z.boolean(),
    expires_at: Time,
    budget_usd: Usd,
    spent: Cost,
    pending: z.array(PendingRow),
    max_calls: z.int(),
    calls: z.int(),
    model_calls: z.int(),
  })
  .transform((state) => ({
    job: state.job_id,
    open: state.open,
    expires: state.expires_at,
    budget: state.budget_usd,
    spent: state.spent,
    pending: state.pending,
    maxCalls: state.max_calls,
    calls: state.calls,
    modelCalls: state.model_calls,
  }));

const AttestedRow = z
  .object({
    id: z.string(),
    tool_name: z.string(),
    result_digest: z.string(),
    latency_ms: z.int(),
    cost_usd: MaybeUsd,
    status: z.string(),
    error: z.string().nullable(),
    ts: Time,
  })
  .transform((row) => ({
    call: row.id,
    tool: row.tool_name,
    result: row.result_digest,
    latencyMs: row.latency_ms,
    cost: row.cost_usd,
    status: row.status,
    error: row.error,
    time: row.ts,
  }));

const MeteredRow = z
  .object({
    call_id: z.string(),
    provider: z.string(),
    model: z.string(),
    prompt_tokens: z.int().nullable(),
    cached_tokens: z.int().nullable(),
    completion_tokens: z.int().nullable(),
    latency_ms: z.int(),
    cost_usd: MaybeUsd,
    unknown: z.enum(UNKNOWN_COSTS).nullable(),
    prices: z.string(),
    status: z.enum(['ok', 'error']),
    error: z.string().nullable(),
    ts: Time,
  })
  .transform((row) => ({
    call: row.call_id,
    provider: row.provider,
    model: row.model,
    promptTokens: row.prompt_tokens,
    cachedTokens: row.cached_tokens,
    completionTokens: row.completion_tokens,
    latencyMs: row.latency_ms,
    cost: row.cost_usd,
    unknown: row.unknown,
    prices: row.prices,
    status: row.status,
    error: row.error,
    time: row.ts,
  }));

const Ledger = z
  .object({
    job_id: z.string(),
    tool_calls: z.array(AttestedRow),
    model_calls: z.array(MeteredRow),
    pending: z.array(PendingRow),
    opened: z.boolean(),
    closed: z.boolean(),
    cost: Cost,
    ledger: z.object({ size: z.int().min(0), hash: Hex32 }),
  })
  .transform((found) => ({
    job: found.job_id,
    opened: found.opened,
    closed: found.closed,
    tools: usedTools(found.tool_calls),
    toolCalls: found.tool_calls,
    modelCalls: found.model_calls,
    pending: found.pending,
    cost: found.cost,
    ledger: found.ledger,
  }));

/** A call that failed is no use of a tool. */
function usedTools(calls: readonly AttestedCall[]): readonly string[] {
  const used = calls.filter(({ status }) => status === 'ok');
  return [...new Set(used.map(({ tool }) => tool))].sort();
}

function jobBody(terms: JobTerms): string {
  return JSON.stringify({
    job_id: terms.job,
    family_id: terms.family,
    run_id: terms.run,
    task_id: terms.task,
    miner_hotkey: terms.miner,
    deployment_id: terms.deployment,
    budget_usd: usdOf(terms.budget),
    max_calls: terms.calls,
    expires_at: terms.expires,
  });
}

/** The arguments go as the text that they are: a float of Python stays one. */
function callBody(call: ToolCall): string {
  const rest = JSON.stringify({
    call_id: call.call,
    job_id: call.job,
    tool_name: call.tool,
    args_hash: call.argsHash,
    result_digest: call.result,
    latency_ms: call.latencyMs,
    cost_usd: call.cost === null ? null : usdOf(call.cost),
    status: call.status,
    error: call.error,
  });
  return `${rest.slice(0, -1)},"args_json":${call.args}}`;
}

function reservedBody({ call, job, provider, model, most, prices }: ReservedCost): string {
  const most_usd = most === null ? null : usdOf(most);
  return JSON.stringify({ call_id: call, job_id: job, provider, model, most_usd, prices });
}

function costBody(cost: MeteredCost): string {
  return JSON.stringify({
    call_id: cost.call,
    job_id: cost.job,
    provider: cost.provider,
    model: cost.model,
    prompt_tokens: cost.promptTokens,
    cached_tokens: cost.cachedTokens,
    completion_tokens: cost.completionTokens,
    latency_ms: cost.latencyMs,
    cost_usd: cost.cost === null ? null : usdOf(cost.cost),
    unknown: cost.unknown,
    prices: cost.prices,
    status: cost.status,
    error: cost.error,
  });
}

function unavailable(detail: string): Failed {
  return { kind: 'unavailable', detail };
}

function cut(text: string): string {
  return text.slice(0, MAX_DETAIL_LENGTH).toWellFormed();
}

/** What fetch throws names the fault in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
