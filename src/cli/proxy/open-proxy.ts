import { randomUUID } from 'node:crypto';
import { type Config, required } from '../../config.ts';
import { readChatCall } from '../../evaluation/chat-call.ts';
import { isJobToken, sameSecret } from '../../evaluation/job.ts';
import { nanoUsdOf, usdOf } from '../../evaluation/usd.ts';
import { createJobGate } from '../../handlers/job-gate.ts';
import type { MeteredCost } from '../../handlers/ledger/ledger-port.ts';
import type { ChatOutcome, ProxyDeps } from '../../handlers/proxy/complete-chat.ts';
import { completeInTime } from '../../handlers/proxy/complete-in-time.ts';
import { readJobCost } from '../../handlers/proxy/job-cost.ts';
import { createReservations, type Reservations } from '../../handlers/reservations.ts';
import { createEntrance, type SeenJob } from '../../handlers/see-job.ts';
import { getLivez } from '../../http/get-livez.ts';
import { getMetrics } from '../../http/get-metrics.ts';
import { getReadyz } from '../../http/get-readyz.ts';
import { heldReadiness } from '../../http/held-readiness.ts';
import { httpApp } from '../../http/http-app.ts';
import { createServiceMetrics } from '../../http/metrics.ts';
import { getJobCost } from '../../http/proxy/get-job-cost.ts';
import { type ChatAnswer, postChatCompletions } from '../../http/proxy/post-chat-completions.ts';
import { type Served, serve } from '../../http/serve.ts';
import { wait } from '../../runtime/clock.ts';
import { ledgerClient } from '../../runtime/ledger-client.ts';
import type { Logger } from '../../runtime/logger.ts';
import { providerClient } from '../../runtime/provider-client.ts';
import { ledgerCheck } from '../ledger-check.ts';
import { readSecretFile } from '../secret-file.ts';
import { readPrices, readProviders } from './providers-file.ts';

/** A body of 2 MiB at 100 KiB/s; an answer of a model takes minutes. */
const TIMES = { requestMs: 20_000, idleMs: 360_000 };

/** A miner calls a model a few times a second at most; of each call a body of 2 MiB may be in memory. */
const MINER_LIMITS = { atOnce: 8, burst: 40, perSecond: 10 };

/** A miner's calls at once, its reads of costs, and connections that are kept open between them. */
const CONNECTIONS_PER_ADDRESS = 128;

/** What calls cost that the stop ended is sent once more to the ledger, which has five seconds for an answer. */
const SETTLE_MS = 7_000;

/**
 * Starts the provider proxy of one validator: it serves until the signal aborts or it is disposed of, which waits until
 * the ledger has what the calls under way cost, for a while.
 */
export async function openProxy(
  config: Config,
  { logger, signal }: Readonly<{ logger: Logger; signal: AbortSignal }>,
): Promise<Served> {
  const [token, key, providers, prices] = await Promise.all([
    readSecretFile(config, 'EIREL_SERVICE_TOKEN_FILE'),
    readSecretFile(config, 'EIREL_JOB_KEY_FILE'),
    readProviders(required(config, 'EIREL_PROVIDERS_FILE')),
    readPrices(config.EIREL_PRICES_FILE),
  ]);
  // The stop ends the calls of models, and not what tells the ledger of it.
  const ledger = ledgerClient({ url: config.EIREL_LEDGER_URL, token });
  const deps: ProxyDeps = {
    providers,
    prices,
    ledger,
    ask: providerClient(providers, { signal }),
    reservations: createReservations(),
    nowMs: Date.now,
    newCall: randomUUID,
    pause: wait,
    stopping: signal,
  };
  const metrics = createServiceMetrics();
  const admits = (credential: string | null, job: string): boolean =>
    credential !== null && (sameSecret(credential, token) || isJobToken(credential, key, job));
  const gate = createJobGate(MINER_LIMITS, { elapsedMs: () => performance.now() });
  const routes = [
    postChatCompletions({
      admits,
      enter: createEntrance(gate, deps),
      complete: (asked) => complete(asked, deps),
    }),
    getJobCost({ admits, enter: gate.enter, jobCost: (job) => readJobCost(job, ledger) }),
    getLivez(),
    getReadyz({ readiness: heldReadiness(async () => [await ledgerCheck(ledger, logger)]) }),
    getMetrics({ metrics }),
  ];
  const log = (request: object): void => logger.debug({ ...request }, 'answered');
  const { EIREL_HTTP_HOST: host, EIREL_HTTP_PORT: port } = config;
  const served = await serve(httpApp(routes, { log, metrics }), {
    host,
    port,
    signal,
    times: TIMES,
    connectionsPerAddress: CONNECTIONS_PER_ADDRESS,
    onError: (error) => logger.warn({ reason: error.message }, 'a connection was lost'),
  });
  return {
    url: served.url,
    [Symbol.asyncDispose]: async () => {
      await served[Symbol.asyncDispose]();
      await settled(deps.reservations, logger);
    },
  };
}

/** Waits for the calls under way, as long as it is worth it; whatever is lost is told. */
async function settled({ settled }: Reservations, logger: Logger): Promise<void> {
  const over = new AbortController();
  const late = wait(SETTLE_MS, over.signal).then(() => !over.signal.aborted);
  if (await Promise.race([settled().then(() => false), late]))
    logger.warn({ waitedMs: SETTLE_MS }, 'the ledger was not told what some calls cost');
  over.abort();
}

type Asked = Readonly<{
  body: unknown;
  job: string;
  callerBudgetUsd: number | null;
  seen: SeenJob;
  left: AbortSignal;
}>;

async function complete(
  { body, job, callerBudgetUsd, ...caller }: Asked,
  deps: ProxyDeps,
): Promise<ChatAnswer> {
  const call = readChatCall(body);
  const callerBudget = callerBudgetUsd === null ? null : nanoUsdOf(callerBudgetUsd);
  const outcome = await completeInTime(call, { ...caller, job, callerBudget }, deps);
  if (outcome.kind !== 'answer') return outcome;
  return { kind: 'answer', document: call.form === 'plain' ? outcome.body : wrapped(outcome) };
}

/**
 * The answer in the form of the existing services. What they echo of a caller's own limits, which nobody enforces, and
 * their estimate of tokens are null here: the job's budget alone decides.
 */
function wrapped({ body, metered, job }: Extract<ChatOutcome, { kind: 'answer' }>): object {
  const { provider, model, promptTokens, completionTokens, latencyMs, cost } = metered;
  const used = job.spent.state === 'known' && cost !== null ? job.spent.nanoUsd + cost : null;
  return {
    upstream_response: body,
    usage: {
      provider,
      model,
      request_count: job.modelCalls + 1,
      estimated_total_tokens: null,
      max_requests: null,
      max_total_tokens: null,
      actual_prompt_tokens: promptTokens,
      actual_completion_tokens: completionTokens,
      actual_total_tokens: totalOf(metered),
      latency_seconds: latencyMs / 1_000,
      cost_usd: cost === null ? null : usdOf(cost),
      cost_usd_used: used === null ? null : usdOf(used),
      cost_remaining_usd: used === null ? null : usdOf(Math.max(0, job.budget - used)),
    },
  };
}

function totalOf({ promptTokens, completionTokens }: MeteredCost): number | null {
  return promptTokens === null || completionTokens === null
    ? null
    : promptTokens + completionTokens;
}
