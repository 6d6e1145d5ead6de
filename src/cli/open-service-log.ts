import { join } from 'node:path';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../events/log.ts';
import type { LogName } from '../events/subjects.ts';
import type { Projector, Queries } from '../projectors/projector.ts';
import { now } from '../runtime/clock.ts';
import { claimPresence } from '../runtime/commands.ts';
import { jetStreamStore } from '../runtime/jetstream-store.ts';
import type { LogStore } from '../runtime/log-store.ts';
import type { Logger } from '../runtime/logger.ts';
import { connectNats, natsLink } from '../runtime/nats-link.ts';
import { openLog } from '../runtime/open-log.ts';
import { openProjection, type Projection } from '../runtime/projection.ts';
import { type Pump, runProjections } from '../runtime/projection-pump.ts';
import { streamConfig, verifyStream } from '../runtime/streams.ts';
import { natsAddress } from './nats-address.ts';

/** A log with its one writer, and the projections that follow it. */
export type ServiceLog<Name extends string> = Readonly<{
  nc: Awaited<ReturnType<typeof connectNats>>;
  store: LogStore;
  log: Log;
  projections: readonly Projection[];
  queries: Readonly<Record<Name, Queries>>;
  pump: Pump;
}> &
  AsyncDisposable;

type Options<Name extends string, Prepared> = Readonly<{
  projectors: Readonly<Record<Name, Projector>>;
  /**
   * Puts the log in order before its writer opens behind what lies there then. What it opens it hands to the stack;
   * `secret` is what the log's sealed facts are sealed under, if it has any.
   */
  prepare: (
    store: LogStore,
    opened: AsyncDisposableStack,
  ) => Promise<Prepared & Readonly<{ secret?: Uint8Array }>>;
  logger: Logger;
  signal: AbortSignal;
}>;

/** For a log that is in order whenever its stream is. */
export const nothingToPrepare = (): Promise<Readonly<Record<never, never>>> => Promise.resolve({});

/**
 * Signs in at a log and refuses what would not be safe: a stream that is not as configured, and a second process
 * beside a living one. Resolves when the projections show all that the log holds. Throws `stream.drift`,
 * `log.conflict`, `log.unavailable`, `log.broken`.
 */
export async function openServiceLog<Name extends string, Prepared>(
  config: Config,
  { name, source }: Readonly<{ name: LogName; source: string }>,
  { projectors, prepare, logger, signal }: Options<Name, Prepared>,
): Promise<ServiceLog<Name> & Readonly<{ prepared: Prepared }>> {
  await using opened = new AsyncDisposableStack();
  const stop = new AbortController();
  const running = AbortSignal.any([signal, stop.signal]);
  const address = await natsAddress(config, `eirel ${name} ${source}`);
  const nc = opened.adopt(await connectNats(address), (connection) => connection.close());
  await refuseDrift(nc, name);
  await claimPresence(nc, `${process.pid} since ${now()}`, name);

  const onRetry = (outage: AppError): void =>
    logger.warn({ reason: outage.message }, 'the log does not answer, trying again');
  const store = jetStreamStore(natsLink(nc, address.inboxPrefix), { name, source }, { onRetry });
  const prepared = await prepare(store, opened);
  const log = await openLog(store, { signal: running, onRetry, secret: prepared.secret });
  const dir = join(config.EIREL_DATA_DIR, 'projections');
  const { projections, queries } = await openProjections(projectors, { dir, source }, opened);
  const pump = runProjections(log, projections, { signal: running, follow: true });
  opened.defer(() => pump.ended);
  opened.defer(() => stop.abort(new Error('the log is closed')));
  await pump.reached((await log.head()).size);
  const parts = opened.move();
  const dispose = (): Promise<void> => parts.disposeAsync();
  return { nc, store, prepared, log, projections, queries, pump, [Symbol.asyncDispose]: dispose };
}

async function refuseDrift(nc: ServiceLog<string>['nc'], name: LogName): Promise<void> {
  const drift = await verifyStream(nc, streamConfig(name));
  if (drift.length === 0) return;
  const apply = name === 'validator' ? 'eirel streams apply' : `eirel streams apply ${name}`;
  throw new AppError('stream.drift', {
    stream: name,
    drift,
    next: `run \`${apply}\`, or bring the stream back to streams/${name}.json`,
  });
}

async function openProjections<Name extends string>(
  projectors: Readonly<Record<Name, Projector>>,
  at: Readonly<{ dir: string; source: string }>,
  opened: AsyncDisposableStack,
): Promise<Pick<ServiceLog<Name>, 'projections' | 'queries'>> {
  const projections: Projection[] = [];
  const queries: [string, Queries][] = [];
  for (const [name, projector] of Object.entries<Projector>(projectors)) {
    const projection = opened.use(await openProjection(projector, at));
    projections.push(projection);
    queries.push([name, projection.queries]);
  }
  // safe: the keys are those of `projectors`
  return { projections, queries: Object.fromEntries(queries) as Record<Name, Queries> };
}
