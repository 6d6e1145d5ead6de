import { AppError } from '../errors.ts';
import type { LogWriter } from '../events/log.ts';
import type { Check } from '../http/documents.ts';
import type { LogServiceMetrics } from '../http/metrics.ts';
import { inTime } from '../runtime/in-time.ts';
import type { ServiceLog } from './open-service-log.ts';

/** A log that does not answer for so long is not ready. */
const ANSWER_WITHIN_MS = 4_000;

/** Counts what is appended, and how long it takes. */
export function measuredAppend(
  append: LogWriter['append'],
  metrics: Pick<LogServiceMetrics, 'appended'>,
): LogWriter['append'] {
  return async (drafts) => {
    const started = performance.now();
    const result = await append(drafts);
    if (result.kind === 'appended')
      metrics.appended(result.events.length, performance.now() - started);
    return result;
  };
}

/** `ended` rejects with the first fault after which the log takes nothing: another writer, or one of ours. */
export function endableAppend(append: LogWriter['append']): {
  append: LogWriter['append'];
  ended: Promise<void>;
} {
  const end = Promise.withResolvers<void>();
  end.promise.catch(() => undefined); // a service that is being started is not awaited yet
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

/**
 * Whether a log and its projections can do their work, each with what was found; the gauges are brought up to date on
 * the way.
 */
export async function logReadiness(
  { log, projections }: Pick<ServiceLog<string>, 'log' | 'projections'>,
  { metrics, maxLagEvents }: Readonly<{ metrics: LogServiceMetrics; maxLagEvents: number }>,
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
      ok: lag <= maxLagEvents,
      detail: `${lag} events behind the log`,
    })),
  ];
}
