import type { ConnectionState } from '../../chain/connection-state.ts';
import type { Config } from '../../config.ts';
import type { RunProgress } from '../../handlers/evaluation/run-progress.ts';
import type { Identity } from '../../handlers/perform-step.ts';
import type { Validator } from '../../handlers/validator.ts';
import type { LoopState } from '../../handlers/validator-loop.ts';
import { type AppDeps, createApp } from '../../http/app.ts';
import type { Check } from '../../http/documents.ts';
import type { Metrics } from '../../http/metrics.ts';
import { type Served, serve } from '../../http/serve.ts';
import { readAuditPage } from '../../runtime/audit-page-files.ts';
import type { LogStore } from '../../runtime/log-store.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Projection } from '../../runtime/projection.ts';
import type { ValidatorLog } from './open-validator-log.ts';
import type { ServedProof } from './served-proof.ts';

/** Stored payloads are fetched so many at a time, so that a page of large events is not read whole before it is cut. */
const PAGE_EVENTS = 200;

/** Serves what the validator publishes, and how it is. */
export function serveValidator(
  config: Config,
  {
    validator,
    identity,
    hotkey,
    log,
    connection,
    signing,
    proof,
    rosters,
    progress,
  }: {
    validator: Validator;
    identity: Identity;
    hotkey: string;
    log: ValidatorLog;
    connection: () => ConnectionState;
    /** Whether everything that was to be signed could be, and the log is covered by checkpoints. */
    signing: readonly (() => Check)[];
    proof: ServedProof;
    rosters: AppDeps['rosters'];
    progress: () => readonly RunProgress[] | null;
  },
  { logger, metrics, signal }: { logger: Logger; metrics: Metrics; signal: AbortSignal },
): Promise<Served> {
  const { source } = log.store;
  const { genesis, netuid, mode } = identity;
  const app = createApp({
    ...validator.publisher,
    ...proof,
    rosters,
    auditPage: readAuditPage,
    defaultFamily: config.EIREL_FAMILY,
    logSource: source,
    metrics,
    log: (request) => logger.debug({ ...request }, 'answered'),
    status: async () => ({
      hotkey,
      netuid,
      genesis,
      mode,
      log: { source, size: (await log.log.head()).size },
      finalizedBlock: validator.state.block,
      settledBlock: validator.state.settled,
      runs: await validator.publisher.recentRuns(),
      evaluation: progress()?.map((each) => ({ ...each, waitsFor: [...each.waitsFor] })) ?? null,
    }),
    readiness: async () => [
      ...readiness(validator.state, connection(), log.projections, await reachable(log)),
      ...signing.map((check) => check()),
    ],
  });
  const { EIREL_HTTP_HOST: host, EIREL_HTTP_PORT: port } = config;
  return serve(app, {
    host,
    port,
    signal,
    onError: (error) => logger.warn({ reason: error.message }, 'a connection was lost'),
  });
}

/** Stored payloads from an index: at most `limit`, and no more than make up `maxBytes`, but at least one. */
export async function pageOf(
  store: Pick<LogStore, 'fetch'>,
  from: number,
  limit: number,
  maxBytes: number,
): Promise<readonly Uint8Array[]> {
  const page: Uint8Array[] = [];
  let bytes = 0;
  while (page.length < limit) {
    const fetched = await store.fetch(
      from + page.length,
      Math.min(PAGE_EVENTS, limit - page.length),
    );
    for (const payload of fetched) {
      bytes += payload.length + 1;
      if (bytes > maxBytes && page.length > 0) return page;
      page.push(payload);
    }
    if (fetched.length === 0) break;
  }
  return page;
}

/** How many events the log's server states to hold, or why it does not say. */
async function reachable({ log }: ValidatorLog): Promise<{ size: number } | { reason: string }> {
  try {
    return { size: (await log.head()).size };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** What a validator needs to do its work, each with what was found. */
function readiness(
  state: LoopState,
  connection: ConnectionState,
  projections: readonly Projection[],
  log: { size: number } | { reason: string },
): readonly Check[] {
  const { failures, lastError } = state;
  const behind =
    'size' in log
      ? projections.filter(({ head }) => head.size < log.size).map(({ name }) => name)
      : [];
  return [
    chainCheck(state, connection),
    { name: 'log', ok: 'size' in log, detail: 'size' in log ? `${log.size} events` : log.reason },
    { name: 'loop', ok: failures === 0, detail: lastError ?? 'the last round went through' },
    {
      name: 'projections',
      ok: behind.length === 0,
      detail: behind.length === 0 ? 'up to the log' : `behind the log: ${behind.join(', ')}`,
    },
  ];
}

/** The newest block counts for a while after its connection is lost; an operator wants to know at once. */
function chainCheck({ chain, chainDetail, block }: LoopState, connection: ConnectionState): Check {
  if (connection.status !== 'connected')
    return { name: 'chain', ok: false, detail: connection.detail };
  const detail = chainDetail ?? (block === null ? 'not asked yet' : `finalised block ${block}`);
  return { name: 'chain', ok: chain === 'known', detail };
}
