import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../events/log.ts';
import type { Projections } from '../../handlers/run-view.ts';
import { projectors } from '../../projectors/all.ts';
import { now } from '../../runtime/clock.ts';
import { claimPresence } from '../../runtime/commands.ts';
import { jetStreamStore } from '../../runtime/jetstream-store.ts';
import type { LogStore } from '../../runtime/log-store.ts';
import type { Logger } from '../../runtime/logger.ts';
import { connectNats, natsLink } from '../../runtime/nats-link.ts';
import { openLog } from '../../runtime/open-log.ts';
import { openProjection, type Projection } from '../../runtime/projection.ts';
import { type Pump, runProjections } from '../../runtime/projection-pump.ts';
import type { LogSecrets } from '../../runtime/secret-files.ts';
import { streamConfig, verifyStream } from '../../runtime/streams.ts';
import type { Sequencer } from '../../sequencer/sequencer.ts';
import { natsAddress } from '../nats-address.ts';

/** The log with its one writer, and the projections that follow it. */
export type ValidatorLog = Readonly<{
  nc: Awaited<ReturnType<typeof connectNats>>;
  store: LogStore;
  log: Log;
  projections: readonly Projection[];
  queries: Projections;
  pump: Pump;
}> &
  AsyncDisposable;

/** What has to stand before the log may be written: its secrets, and the sequencer that has put it in order. */
export type Prepared = Readonly<{ secrets: LogSecrets; sequencer: Sequencer }>;

/**
 * Signs in at the log and refuses what would not be safe: a stream that is not as configured, and a
 * second process beside a living one. What gives scores away is stored sealed under the log's secret. Resolves when the
 * projections show all that the log holds.
 */
export async function openValidatorLog(
  config: Config,
  source: string,
  {
    prepare,
    logger,
    signal,
  }: {
    /** Puts the log in order. Its writer opens behind what lies there then: nothing of what was signed is missing. */
    prepare: (store: LogStore) => Promise<Prepared>;
    logger: Logger;
    signal: AbortSignal;
  },
): Promise<ValidatorLog & Prepared> {
  await using opened = new AsyncDisposableStack();
  const stop = new AbortController();
  const running = AbortSignal.any([signal, stop.signal]);
  const address = await natsAddress(config, `eirel validator ${source}`);
  const nc = opened.adopt(await connectNats(address), (connection) => connection.close());
  const drift = await verifyStream(nc, streamConfig('validator'));
  if (drift.length > 0) {
    throw new AppError('stream.drift', {
      stream: 'validator',
      drift,
      next: 'run `eirel streams apply`, or bring the stream back to streams/validator.json',
    });
  }
  await claimPresence(nc, `${process.pid} since ${now()}`);

  const onRetry = (outage: AppError): void =>
    logger.warn({ reason: outage.message }, 'the log does not answer, trying again');
  const store = jetStreamStore(
    natsLink(nc, address.inboxPrefix),
    { name: 'validator', source },
    { onRetry },
  );
  const { secrets, sequencer } = await prepare(store);
  opened.use(sequencer);
  const secret = secrets.sealSecret;
  const log = await openLog(store, { signal: running, onRetry, secret });
  const { projections, queries } = await openProjections(
    join(config.EIREL_DATA_DIR, 'projections'),
    source,
    opened,
  );
  const pump = runProjections(log, projections, { signal: running, follow: true });
  opened.defer(() => pump.ended);
  opened.defer(() => stop.abort(new Error('the log is closed')));
  await pump.reached((await log.head()).size);
  const parts = opened.move();
  return {
    nc,
    store,
    secrets,
    sequencer,
    log,
    projections,
    queries,
    pump,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function openProjections(dir: string, source: string, opened: AsyncDisposableStack) {
  const open = async (name: keyof typeof projectors): Promise<Projection> =>
    opened.use(await openProjection(projectors[name], { dir, source }));
  const runState = await open('runState');
  const scoreStore = await open('scoreStore');
  const reports = await open('reports');
  const decisions = await open('decisions');
  const divergence = await open('divergence');
  const extrinsics = await open('extrinsics');
  const evidence = await open('evidence');
  return {
    projections: [runState, scoreStore, reports, decisions, divergence, extrinsics, evidence],
    queries: {
      runState: runState.queries,
      scoreStore: scoreStore.queries,
      reports: reports.queries,
      decisions: decisions.queries,
      divergence: divergence.queries,
      extrinsics: extrinsics.queries,
      evidence: evidence.queries,
    },
  };
}
