import type { Chain } from './chain/chain.ts';
import { verifySr25519 } from './chain/hotkey.ts';
import { openChain, openHotkey } from './cli/validator/open-chain.ts';
import { openSigning } from './cli/validator/open-signing.ts';
import { openValidatorLog, type ValidatorLog } from './cli/validator/open-validator-log.ts';
import { pageOf, serveValidator } from './cli/validator/serve-validator.ts';
import {
  chainWatcher,
  measuredAppend,
  measuredFetch,
  measureRound,
  stepLogger,
  watchedHistory,
} from './cli/validator/telemetry.ts';
import { type Config, commitsScores, rulesOf } from './config.ts';
import { runKeys } from './events/run-key.ts';
import { logSource } from './events/source.ts';
import { commandsOf } from './handlers/commands.ts';
import type { Identity } from './handlers/perform-step.ts';
import { createValidator, type Validator } from './handlers/validator.ts';
import { runValidatorLoop } from './handlers/validator-loop.ts';
import { createMetrics, type Metrics } from './http/metrics.ts';
import { now, wait } from './runtime/clock.ts';
import { serveCommands } from './runtime/commands.ts';
import type { Logger } from './runtime/logger.ts';
import { createPeerClient } from './runtime/peer-client.ts';

/** A running validator. `ended` settles when its loop has: with an error when it had to stop. */
export type RunningValidator = Readonly<{
  url: string;
  hotkey: string;
  source: string;
  ended: Promise<void>;
}> &
  AsyncDisposable;

/**
 * Starts a validator: its key, its chain, its log with the projections, the command and HTTP
 * interfaces, and the loop, until the signal aborts or it is disposed of.
 */
export async function startValidator(
  config: Config,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<RunningValidator> {
  await using opened = new AsyncDisposableStack();
  const metrics = createMetrics();
  const signer = await openHotkey(config);
  const chain = opened.use(
    await openChain(config, { signer, onChange: chainWatcher(logger, metrics) }),
  );
  const identity = identityOf(config, chain);
  const { genesis, netuid } = identity;
  const { hotkey } = signer;
  const source = logSource({ genesis, netuid, hotkey, generation: 0 });
  const signing = opened.use(await openSigning(config, { genesis, netuid, hotkey }));
  const { history, check } = watchedHistory(signing.history, metrics);

  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, stop.signal]);
  const { sealSecret: secret } = await signing.secrets.create();
  const log = opened.use(
    await openValidatorLog(config, source, { secret, logger, signal: stopping }),
  );
  const peers = opened.use(
    createPeerClient({ allowLoopback: config.EIREL_PEER_ADDRESSES === 'loopback' }),
  );
  const validator = createValidator({
    identity,
    signer,
    verify: verifySr25519,
    ...overLog(log, metrics),
    chain,
    fetch: measuredFetch(peers.get, metrics),
    history,
    checkpoints: { published: () => null },
    keys: runKeys(secret, source),
    now,
    signal: stopping,
    onStep: stepLogger(logger),
  });
  serveCommands(log.nc, commandsOf(validator));
  const served = opened.use(
    await serveValidator(
      config,
      { validator, identity, hotkey, log, connection: chain.connection, signing: check },
      { logger, metrics, signal: stopping },
    ),
  );
  const { url } = served;
  logger.info({ url, hotkey, source, mode: identity.mode }, 'validating');

  const pollMs = config.EIREL_POLL_MS;
  const loop = startLoop(validator, { log, metrics, logger, pollMs, signal: stopping });
  opened.defer(() => loop.catch(() => undefined)); // its error is `ended`'s
  opened.defer(() => stop.abort(new Error('the validator stopped')));
  const ended = Promise.race([loop, log.pump.failed]);
  ended.catch(() => undefined); // whoever awaits it hears of it
  const running = opened.move();
  return { url, hotkey, source, ended, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function overLog({ log, store, queries, pump }: ValidatorLog, metrics: Metrics) {
  return {
    log: { ...log, append: measuredAppend(log.append, metrics) },
    payloads: (from: number, limit: number, maxBytes: number) =>
      pageOf(store, from, limit, maxBytes),
    projections: queries,
    reached: pump.reached,
  };
}

function startLoop(
  validator: Validator,
  deps: Readonly<{
    log: ValidatorLog;
    metrics: Metrics;
    logger: Logger;
    pollMs: number;
    signal: AbortSignal;
  }>,
): Promise<void> {
  const { log, metrics, logger, pollMs, signal } = deps;
  return runValidatorLoop(validator.state, pollMs, {
    round: async () => {
      await validator.round();
      const { size } = await log.log.head();
      measureRound(metrics, validator.state.block, { size, projections: log.projections });
    },
    wait: (ms) => wait(ms, signal),
    onFailure: (error) => {
      metrics.loopRestarted('runs');
      const reason = error instanceof Error ? error.message : String(error);
      logger.error({ reason }, 'a round failed, the loop goes on');
    },
    signal,
  });
}

function identityOf(config: Config, { genesis, netuid }: Chain): Identity {
  return {
    family: config.EIREL_FAMILY,
    rules: rulesOf(config),
    genesis,
    netuid,
    mode: config.EIREL_WEIGHT_MODE,
    minStake: config.EIREL_MIN_STAKE_RAO,
    commitScores: commitsScores(config),
    weightInterval: config.EIREL_WEIGHT_INTERVAL_BLOCKS,
    anchorInterval: config.EIREL_ANCHOR_INTERVAL_BLOCKS,
    generation: 0,
    ownerUrl: config.EIREL_OWNER_URL ?? null,
  };
}
