import { blake2b256 } from './chain/blake2b.ts';
import type { Chain } from './chain/chain.ts';
import { verifySr25519 } from './chain/hotkey.ts';
import { gateWork } from './cli/validator/gate-work.ts';
import { openChain, openHotkey } from './cli/validator/open-chain.ts';
import { openExecution } from './cli/validator/open-execution.ts';
import { type OwnLog, openOwnLog } from './cli/validator/open-own-log.ts';
import type { ValidatorLog } from './cli/validator/open-validator-log.ts';
import { ownBundles } from './cli/validator/own-bundles.ts';
import { pageOf, serveValidator } from './cli/validator/serve-validator.ts';
import { describeLog, servedProof } from './cli/validator/served-proof.ts';
import {
  chainWatcher,
  checkpointCheck,
  measuredAppend,
  measuredFetch,
  measureRound,
  stepLogger,
  watchedHistory,
} from './cli/validator/telemetry.ts';
import { type Config, commitsScores, rulesOf } from './config.ts';
import { AppError } from './errors.ts';
import { runKeys } from './events/run-key.ts';
import { commandsOf } from './handlers/commands.ts';
import type { Identity } from './handlers/perform-step.ts';
import { recordMode } from './handlers/record-mode.ts';
import { createRecorder } from './handlers/recorder.ts';
import { createForkQueue } from './handlers/spread-evidence.ts';
import { createValidator, type Validator } from './handlers/validator.ts';
import { runValidatorLoop } from './handlers/validator-loop.ts';
import { createMetrics, type Metrics } from './http/metrics.ts';
import { now, wait } from './runtime/clock.ts';
import { serveCommands } from './runtime/commands.ts';
import { freeSpace } from './runtime/disk-space.ts';
import type { Logger } from './runtime/logger.ts';
import { createPeerClient } from './runtime/peer-client.ts';
import { readStart } from './sequencer/read-start.ts';

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
  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, stop.signal]);
  const peers = opened.use(
    createPeerClient({ allowLoopback: config.EIREL_PEER_ADDRESSES === 'loopback' }),
  );
  const fetch = measuredFetch(peers.get, metrics);
  const { post } = peers;
  const forks = createForkQueue();
  const site = { signer, chain, fetch, post, metrics, logger, signal: stopping };
  const own = opened.use(await openOwnLog(config, { ...site, onFork: forks.add }));
  const { log, sequencer } = own;
  const { hotkey, source, generation } = own.name;
  const identity = identityOf(config, chain, generation);
  const { history, check } = watchedHistory(own.history, metrics);
  const parts = { identity, signer, verify: verifySr25519, chain, fetch, history, now };
  const validator = createValidator({
    ...parts,
    post,
    blake2b256,
    forks: forks.take,
    ...overLog(own, metrics),
    excuses: (run) => execution.excuses(run),
    signal: stopping,
    onStep: stepLogger(logger),
  });
  const { EIREL_DATA_DIR: dataDir, EIREL_SIGNING_DIR: signingDir } = config;
  const askSpace = () => freeSpace([dataDir, signingDir]);
  serveCommands(log.nc, commandsOf(gateWork(validator, askSpace)));
  await beginMode(identity, own);
  const proof = await proofOf(config, own, validator, chain);
  const beside = { ...site, validator, identity, queries: log.queries, askSpace };
  const execution = opened.use(await openExecution(config, beside));
  const { routes, progress } = execution;
  const connection = chain.connection;
  const signing = [check, () => checkpointCheck(sequencer), ...execution.checks];
  const served = opened.use(
    await serveValidator(
      config,
      { validator, identity, hotkey, log, connection, signing, proof, rosters: routes, progress },
      { logger, metrics, signal: stopping },
    ),
  );
  const { url } = served;
  logger.info({ url, hotkey, source, mode: identity.mode }, 'validating');

  const pollMs = config.EIREL_POLL_MS;
  const loop = startLoop(validator, { log, metrics, logger, pollMs, signal: stopping });
  const ended = endTogether(opened, { loops: [loop, execution.run()], stop, log: own });
  const running = opened.move();
  return { url, hotkey, source, ended, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Settles when the loops have, or the log has; whatever is disposed of first stops the loops, and waits for them. */
function endTogether(
  opened: AsyncDisposableStack,
  { loops, stop, log }: { loops: readonly Promise<void>[]; stop: AbortController; log: OwnLog },
): Promise<void> {
  opened.defer(() => Promise.allSettled(loops).then(() => undefined)); // their errors are `ended`'s
  opened.defer(() => stop.abort(new Error('the validator stopped')));
  const ended = Promise.race([Promise.all(loops).then(() => undefined), log.ended]);
  ended.catch(() => undefined); // whoever awaits it hears of it
  return ended;
}

/** The first thing that a start may append: whether weights are set in another mode than before. */
function beginMode(identity: Identity, { log, sequencer: { published } }: OwnLog): Promise<void> {
  const record = createRecorder({ append: log.log.append, reached: log.pump.reached, now });
  return recordMode(identity, { divergence: log.queries.divergence, record, published });
}

async function proofOf(
  config: Config,
  { name, log, sequencer, witnessing }: OwnLog,
  { offerEvidence, state }: Validator,
  { commitmentExtrinsics }: Pick<Chain, 'commitmentExtrinsics'>,
) {
  const { store, queries, secrets } = log;
  const start = await readStart(store);
  if (start === null) throw new AppError('log.broken', { index: 0, found: 'no log.started' });
  const dataDir = config.EIREL_DATA_DIR;
  return servedProof({
    dataDir,
    start,
    published: sequencer.published,
    evidence: queries.evidence,
    bundle: ownBundles(dataDir, {
      projections: queries,
      finalizedBlock: () => state.block,
      checkpoints: sequencer,
      payloads: store.fetch,
      keys: runKeys(secrets.sealSecret, name.source),
      netuid: start.netuid,
      commitmentExtrinsics,
      policy: () => describeLog(start, witnessing.witnesses()).policy,
    }),
    offerEvidence,
    ...witnessing,
  });
}

function overLog(
  { name, log: { log, store, queries, pump, secrets }, sequencer, witnessState }: OwnLog,
  metrics: Metrics,
) {
  return {
    log: { ...log, append: measuredAppend(log.append, metrics) },
    payloads: (from: number, limit: number, maxBytes: number) =>
      pageOf(store, from, limit, maxBytes),
    projections: queries,
    reached: pump.reached,
    checkpoints: sequencer,
    witnessState,
    keys: runKeys(secrets.sealSecret, name.source),
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

function identityOf(config: Config, { genesis, netuid }: Chain, generation: number): Identity {
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
    generation,
    ownerUrl: config.EIREL_OWNER_URL ?? null,
    ownerHotkey: config.EIREL_OWNER_HOTKEY ?? null,
  };
}
