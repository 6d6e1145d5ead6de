import { randomUUID } from 'node:crypto';
import { type Config, required } from '../../config.ts';
import { ledgerSource } from '../../events/source.ts';
import { createLedger, type Ledger } from '../../handlers/ledger/ledger.ts';
import { httpApp } from '../../http/http-app.ts';
import { createLedgerMetrics } from '../../http/ledger/ledger-metrics.ts';
import { ledgerRoutes } from '../../http/ledger/ledger-routes.ts';
import { createLogServiceMetrics } from '../../http/metrics.ts';
import { serve } from '../../http/serve.ts';
import { ledger as projector } from '../../projectors/ledger.ts';
import { now } from '../../runtime/clock.ts';
import { inTime } from '../../runtime/in-time.ts';
import type { Logger } from '../../runtime/logger.ts';
import { takeTurns } from '../../runtime/turns.ts';
import type { LongRunning } from '../long-running.ts';
import { nothingToPrepare, openServiceLog, type ServiceLog } from '../open-service-log.ts';
import { readSecretFile } from '../secret-file.ts';
import { endableAppend, logReadiness, measuredAppend } from '../service-log-state.ts';
import { countedLedger } from './counted-ledger.ts';

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
  const { append, ended } = endableAppend(measuredAppend(log.log.append, metrics));
  const turns = takeTurns();
  const ledger = createLedger({ ...partsOf(log), append, ...turns, now });
  const { waiting, unshown } = ledger;
  const counting = createLedgerMetrics(metrics.registry, { waiting, unshown });
  const app = httpApp(
    ledgerRoutes({
      ...countedLedger(answeringInTime(ledger), counting),
      token,
      turn: turns.turn,
      newName: randomUUID,
      metrics,
      readiness: () => logReadiness(log, { metrics, maxLagEvents: MAX_LAG_EVENTS }),
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
    reserve: (call) => inTime(ledger.reserve(call), ANSWER_WITHIN_MS),
    meter: (calls) => inTime(ledger.meter(calls), ANSWER_WITHIN_MS),
    account: (job) => inTime(ledger.account(job), ANSWER_WITHIN_MS),
    statement: (job) => inTime(ledger.statement(job), ANSWER_WITHIN_MS),
    waiting: ledger.waiting,
    unshown: ledger.unshown,
  };
}
