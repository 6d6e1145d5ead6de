import { randomUUID } from 'node:crypto';
import { type Config, required } from '../../config.ts';
import { AppError } from '../../errors.ts';
import type { LogWriter } from '../../events/log.ts';
import { ledgerSource } from '../../events/source.ts';
import { createLedger, type Ledger } from '../../handlers/ledger/ledger.ts';
import type { Check } from '../../http/documents.ts';
import { httpApp } from '../../http/http-app.ts';
import { ledgerRoutes } from '../../http/ledger/ledger-routes.ts';
import { createLogServiceMetrics, type LogServiceMetrics } from '../../http/metrics.ts';
import { serve } from '../../http/serve.ts';
import { ledger as projector } from '../../projectors/ledger.ts';
import { now } from '../../runtime/clock.ts';
import { inTime } from '../../runtime/in-time.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { LongRunning } from '../long-running.ts';
import { nothingToPrepare, openServiceLog, type ServiceLog } from '../open-service-log.ts';
import { readSecretFile } from '../secret-file.ts';

/** A running ledger; `ended` rejects when its log takes nothing any more. */
export type RunningLedger = LongRunning & Readonly<{ source: string; ended: Promise<void> }>;

/** The existing services give up after five seconds: what they are told comes before. */
const ANSWER_WITHIN_MS = 4_000;

/** A second of the load that the ledger is made for: under it the projection is never quite at the log's end. */
const MAX_LAG_EVENTS = 5_000;

type LedgerLog = ServiceLog<'ledger'>;

/**
 * Starts a ledger: its log as the one writer, its projection and its HTTP interface, until the signal aborts or it is
 * disposed of. Throws `config.invalid` without a token: nobody reads or writes a ledger that is open to all.
 */
export async function startLedger(
  config: Config,
  { logger, signal }: Readonly<{ logger: Logger; signal: AbortSignal }>,
): Promise<RunningLedger> {
  const token = await readSecretFile(config, 'EIREL_SERVICE_TOKEN_FILE');
  const source = ledgerSource({
    genesis: config.EIREL_CHAIN_GENESIS,
    netuid: config.EIREL_NETUID,
    hotkey: required(config, 'EIREL_LEDGER_HOTKEY'),
  });
  await using opened = new AsyncDisposableStack();
  const projectors = { ledger: projector };
  const options = { projectors, prepare: nothingToPrepare, logger, signal };
  const log = opened.use(await openServiceLog(config, { name: 'ledger', source }, options));
  const metrics = createLogServiceMetrics();
  const { append, ended } = endable(measured(log.log.append, metrics));
  const ledger = createLedger({ ...partsOf(log), append, now });
  const app = httpApp(
    ledgerRoutes({
      ...answeringInTime(ledger),
      token,
      newName: randomUUID,
      metrics,
      readiness: () => readiness(log, metrics),
    }),
    { metrics, log: (request) => logger.debug({ ...request }, 'answered') },
  );
  const { EIREL_HTTP_HOST: host, EIREL_HTTP_PORT: port } = config;
  const onError = (error: Error): void =>
    logger.warn({ reason: error.message }, 'a connection was lost');
  const { url } = opened.use(await serve(app, { host, port, signal, onError }));
  logger.info({ url, source }, 'recording');
  const over = Promise.race([ended, log.pump.failed]);
  over.catch(() => undefined); // whoever awaits it hears of it
  const running = opened.move();
  return { url, source, ended: over, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** What the ledger needs of its log. */
function partsOf({ projections, queries, pump }: LedgerLog) {
  const [projection] = projections;
  if (projection === undefined) throw new Error('a ledger without a projection');
  return {
    queries: queries.ledger,
    head: () => projection.head,
    shown: () => projection.head.size,
    reached: pump.reached,
  };
}

/** Nobody waits longer than he would: whether something is recorded that was not acknowledged is not known to him. */
function answeringInTime(ledger: Ledger): Ledger {
  return {
    open: (terms) => inTime(ledger.open(terms), ANSWER_WITHIN_MS),
    close: (job) => inTime(ledger.close(job), ANSWER_WITHIN_MS),
    attest: (calls) => inTime(ledger.attest(calls), ANSWER_WITHIN_MS),
    meter: (calls) => inTime(ledger.meter(calls), ANSWER_WITHIN_MS),
    account: (job) => inTime(ledger.account(job), ANSWER_WITHIN_MS),
    statement: (job) => inTime(ledger.statement(job), ANSWER_WITHIN_MS),
  };
}

function measured(append: LogWriter['append'], metrics: LogServiceMetrics): LogWriter['append'] {
  return async (drafts) => {
    const started = performance.now();
    const result = await append(drafts);
    if (result.kind === 'appended')
      metrics.appended(result.events.length, performance.now() - started);
    return result;
  };
}

/** `ended` rejects with the first fault after which the log takes nothing: another writer, or one of ours. */
function endable(append: LogWriter['append']): {
  append: LogWriter['append'];
  ended: Promise<void>;
} {
  const end = Promise.withResolvers<void>();
  end.promise.catch(() => undefined); // a ledger that is being started is not awaited yet
  return {
    ended: end.promise,
    append: async (drafts) => {
      try {
        const result = await append(drafts);
        if (result.kind === 'conflict') {
          const { expected, found } = result;
          end.reject(new AppError('log.conflict', { expected, found }));
        }
        return result;
      } catch (error) {
        // Of any other code, the drafts were refused and the log is as it was.
        if (!(error instanceof AppError) || error.code === 'log.unavailable') end.reject(error);
        throw error;
      }
    },
  };
}

/** Whether the ledger can do its work, each with what was found; the gauges are brought up to date on the way. */
async function readiness(
  { log, projections }: LedgerLog,
  metrics: LogServiceMetrics,
): Promise<readonly Check[]> {
  let size: number;
  try {
    ({ size } = await inTime(log.head(), ANSWER_WITHIN_MS));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return [{ name: 'log', ok: false, detail }];
  }
  metrics.logSized(size);
  const lags = projections.map(({ name, head }) => ({ name, lag: Math.max(0, size - head.size) }));
  for (const { name, lag } of lags) metrics.projectionLagged(name, lag);
  return [
    { name: 'log', ok: true, detail: `${size} events` },
    ...lags.map(({ name, lag }) => ({
      name: `projection ${name}`,
      ok: lag <= MAX_LAG_EVENTS,
      detail: `${lag} events behind the log`,
    })),
  ];
}
