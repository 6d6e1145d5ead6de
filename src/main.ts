import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cryptoReady, hotkeyFromSeed, verifySr25519 } from './chain/hotkey.ts';
import { readSeedFile } from './chain/seed-file.ts';
import { openChainFile } from './chain/snapshot-file.ts';
import { type Config, required, rulesOf } from './config.ts';
import { AppError } from './errors.ts';
import { logSource } from './events/source.ts';
import { commandsOf } from './handlers/commands.ts';
import type { Step } from './handlers/next-step.ts';
import { createValidator } from './handlers/validator.ts';
import { type LoopState, runValidatorLoop } from './handlers/validator-loop.ts';
import { createApp } from './http/app.ts';
import type { Check } from './http/documents.ts';
import { createMetrics, type Metrics } from './http/metrics.ts';
import { serve } from './http/serve.ts';
import { projectors } from './projectors/all.ts';
import { now, wait } from './runtime/clock.ts';
import { claimPresence, serveCommands } from './runtime/commands.ts';
import { jetStreamStore } from './runtime/jetstream-store.ts';
import type { LogStore } from './runtime/log-store.ts';
import type { Logger } from './runtime/logger.ts';
import { connectNats, type NatsAddress, natsLink } from './runtime/nats-link.ts';
import { openLog } from './runtime/open-log.ts';
import { createPeerClient } from './runtime/peer-client.ts';
import { openProjection, type Projection } from './runtime/projection.ts';
import { runProjections } from './runtime/projection-pump.ts';
import { streamConfig, verifyStream } from './runtime/streams.ts';

/** A running validator. `ended` settles when it stopped: with an error when it had to. */
export type RunningValidator = Readonly<{
  url: string;
  hotkey: string;
  source: string;
  ended: Promise<void>;
}> &
  AsyncDisposable;

/**
 * Starts a validator: signs in at its log, makes sure that it is the only writer, brings the
 * projections up to the log, serves, answers commands and runs the loop until the signal aborts.
 */
export async function startValidator(
  config: Config,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<RunningValidator> {
  await using opened = new AsyncDisposableStack();
  await cryptoReady();
  const signer = hotkeyFromSeed(await readSeedFile(required(config, 'EIREL_HOTKEY_SEED_FILE')));
  const chain = await openChainFile(required(config, 'EIREL_CHAIN_FILE'));
  const { genesis, netuid } = chain;
  const source = logSource({ genesis, netuid, hotkey: signer.hotkey, generation: 0 });

  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, stop.signal]);
  const address = await natsAddress(config, `eirel validator ${signer.hotkey}`);
  const nc = opened.adopt(await connectNats(address), (connection) => connection.close());
  const drift = await verifyStream(nc, streamConfig('validator'));
  if (drift.length > 0)
    throw new AppError('stream.drift', {
      stream: 'validator',
      drift,
      next: 'run `eirel streams apply`, or bring the stream back to streams/validator.json',
    });
  await claimPresence(nc, `${process.pid} on ${now()}`);

  const metrics = createMetrics();
  const onRetry = (outage: AppError): void =>
    logger.warn({ reason: outage.message }, 'the log does not answer, trying again');
  const store = jetStreamStore(
    natsLink(nc, address.inboxPrefix),
    { name: 'validator', source },
    { onRetry },
  );
  const log = await openLog(store, { signal: stopping, onRetry });
  const projections = await openProjections(
    join(config.EIREL_DATA_DIR, 'projections'),
    source,
    opened,
  );
  const pump = runProjections(log, projections.all, { signal: stopping, follow: true });
  opened.defer(() => pump.ended);
  opened.defer(() => stop.abort(new Error('the validator stopped')));
  await pump.reached((await log.head()).size);

  const peers = opened.use(
    createPeerClient({ allowLoopback: config.EIREL_PEER_ADDRESSES === 'loopback' }),
  );
  const validator = createValidator({
    identity: {
      rules: rulesOf(config),
      genesis,
      netuid,
      mode: config.EIREL_WEIGHT_MODE,
      minStake: config.EIREL_MIN_STAKE_RAO,
      ownerUrl: config.EIREL_OWNER_URL ?? null,
    },
    signer,
    verify: verifySr25519,
    log,
    payloads: (from, limit, maxBytes) => pageOf(store, from, limit, maxBytes),
    projections: projections.queries,
    reached: pump.reached,
    chain,
    fetch: async (url, options) => {
      const outcome = await peers.get(url, options);
      metrics.peerFetched(outcome.kind === 'ok' ? 'accepted' : outcome.reason);
      return outcome;
    },
    now,
    signal: stopping,
    onStep: stepLogger(logger),
  });
  serveCommands(nc, commandsOf(validator));

  const app = createApp({
    ...validator.publisher,
    defaultFamily: config.EIREL_FAMILY,
    logSource: source,
    metrics,
    log: (request) => logger.debug({ ...request }, 'answered'),
    status: async () => ({
      hotkey: signer.hotkey,
      netuid,
      genesis,
      mode: config.EIREL_WEIGHT_MODE,
      log: { source, size: (await log.head()).size },
      finalizedBlock: validator.state.block,
      settledBlock: validator.state.settled,
      runs: await validator.publisher.recentRuns(),
    }),
    readiness: () => Promise.resolve(readiness(validator.state, projections.all)),
  });
  const served = opened.use(
    await serve(app, {
      host: config.EIREL_HTTP_HOST,
      port: config.EIREL_HTTP_PORT,
      signal: stopping,
      onError: (error) => logger.warn({ reason: error.message }, 'a connection was lost'),
    }),
  );
  logger.info(
    { url: served.url, hotkey: signer.hotkey, source, mode: config.EIREL_WEIGHT_MODE },
    'validating',
  );

  const loop = runValidatorLoop(validator.state, config.EIREL_POLL_MS, {
    round: async () => {
      await validator.round();
      measure(metrics, validator.state.block, projections.all);
    },
    wait: (ms) => wait(ms, stopping),
    onFailure: (error) => {
      metrics.loopRestarted('runs');
      logger.error(
        { reason: error instanceof Error ? error.message : String(error) },
        'a round failed, the loop goes on',
      );
    },
    signal: stopping,
  });
  const ended = Promise.race([loop, pump.failed]);
  ended.catch(() => undefined);
  const running = opened.move();
  return {
    url: served.url,
    hotkey: signer.hotkey,
    source,
    ended,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** How this process signs in at NATS; the inbox prefix goes with the user, as the server's permissions ask. */
export async function natsAddress(config: Config, name: string): Promise<NatsAddress> {
  const {
    EIREL_NATS_URL: url,
    EIREL_NATS_USER: user = '',
    EIREL_NATS_PASSWORD_FILE: file,
  } = config;
  const pass = file === undefined ? '' : await readPassword(file);
  return { url, user, pass, inboxPrefix: user === '' ? '_INBOX' : `_INBOX_${user}`, name };
}

async function readPassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new AppError(
      'config.invalid',
      { faults: [`EIREL_NATS_PASSWORD_FILE: ${file} can't be read`] },
      { cause },
    );
  }
}

async function openProjections(dir: string, source: string, opened: AsyncDisposableStack) {
  const open = async (name: keyof typeof projectors): Promise<Projection> =>
    opened.use(await openProjection(projectors[name], { dir, source }));
  const runState = await open('runState');
  const scoreStore = await open('scoreStore');
  const reports = await open('reports');
  const decisions = await open('decisions');
  const divergence = await open('divergence');
  return {
    all: [runState, scoreStore, reports, decisions, divergence],
    queries: {
      runState: runState.queries,
      scoreStore: scoreStore.queries,
      reports: reports.queries,
      decisions: decisions.queries,
      divergence: divergence.queries,
    },
  };
}

type Projections = Awaited<ReturnType<typeof openProjections>>['all'];

const PAGE_EVENTS = 200; // fetched at a time, so that a page of large events is not read whole before it is cut

/** Stored payloads from an index: at most `limit`, and no more than make up `maxBytes`, but at least one. */
async function pageOf(
  store: LogStore,
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

/** Checks for `/readyz`: what a validator needs to do its work, each with what it found. */
function readiness(state: LoopState, projections: Projections): readonly Check[] {
  return [
    {
      name: 'chain',
      ok: state.chain === 'known',
      detail:
        state.chainDetail ??
        (state.chain === 'known' ? `finalised block ${state.block}` : 'not asked yet'),
    },
    {
      name: 'loop',
      ok: state.failures === 0,
      detail: state.lastError ?? 'the last round went through',
    },
    {
      name: 'projections',
      ok: true,
      detail: projections.map(({ name, head }) => `${name} ${head.size}`).join(', '),
    },
  ];
}

function measure(metrics: Metrics, block: number | null, projections: Projections): void {
  const sizes = projections.map(({ head }) => head.size);
  const newest = Math.max(...sizes);
  metrics.logSized(newest);
  for (const { name, head } of projections) metrics.projectionLagged(name, newest - head.size);
  if (block !== null) metrics.blockFinalized(block);
}

/** Steps are told once; those that repeat at each block only when an outside party refused something. */
function stepLogger(logger: Logger): (run: string, step: Step, note: string | null) => void {
  return (run, step, note) => {
    if (note !== null)
      logger.warn({ run, step, reason: note }, 'refused, tried again at the next block');
    else logger.debug({ run, step }, 'step taken');
  };
}
