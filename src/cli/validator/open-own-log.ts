import { verifySr25519 } from '../../chain/hotkey.ts';
import type { Subtensor } from '../../chain/subtensor.ts';
import type { Config } from '../../config.ts';
import type { Signer } from '../../consensus/keys.ts';
import { AppError } from '../../errors.ts';
import { logSource } from '../../events/source.ts';
import type { Fetch, Post } from '../../handlers/ask-peers.ts';
import type { CosignDeps } from '../../handlers/cosign-checkpoint.ts';
import type { Metrics } from '../../http/metrics.ts';
import { logFiles } from '../../runtime/log-files.ts';
import type { LogStore } from '../../runtime/log-store.ts';
import type { Logger } from '../../runtime/logger.ts';
import { generationOf } from '../../sequencer/generation.ts';
import { keptTail } from '../log/kept-tail.ts';
import { askOutside, type OwnLogName } from './ask-outside.ts';
import { beginOwnLog, startOwnLog } from './begin-own-log.ts';
import { currentVoters } from './current-voters.ts';
import { openSequencer } from './open-sequencer.ts';
import { openSigning } from './open-signing.ts';
import { openValidatorLog, type Prepared } from './open-validator-log.ts';
import { openWitnessing } from './open-witnessing.ts';
import { measurePublished } from './telemetry.ts';

export type OwnLogSite = Readonly<{
  signer: Signer;
  chain: Subtensor;
  fetch: Fetch;
  post: Post;
  onFork: CosignDeps['onFork'];
  metrics: Metrics;
  logger: Logger;
  signal: AbortSignal;
}>;

export type OwnLog = Awaited<ReturnType<typeof openOwnLog>>;

/**
 * Everything of this validator's own log: what it signed, its stream with the projections, the published
 * checkpoints, and the witnesses on both sides. Nothing is signed before all of it was compared. `ended`
 * rejects when it must not be written any more.
 */
export async function openOwnLog(config: Config, site: OwnLogSite) {
  const { signer, chain, fetch, post, onFork, metrics, logger, signal } = site;
  const { hotkey } = signer;
  const { genesis, netuid } = chain;
  await using opened = new AsyncDisposableStack();
  const signing = opened.use(await openSigning(config, { genesis, netuid, hotkey }));
  const owner = { genesis, netuid, hotkey };
  const generation = await generationOf(signing.lock, owner);
  const name: OwnLogName = { ...owner, generation, source: logSource({ ...owner, generation }) };
  const voters = currentVoters(chain, hotkey);
  const asking = { fetch, verify: verifySr25519, signal };
  const outside = askOutside(name, { chain, voters, ...asking });

  const prepare = async (store: LogStore): Promise<Prepared> => {
    await requireRepaired(config, name);
    const secrets = await beginOwnLog(config, name, { store, signing, outside, logger, signal });
    const sequencer = await openSequencer(config, {
      store,
      lock: signing.lock,
      secrets,
      signer,
      outside,
      onPublished: (published) => measurePublished(metrics, published, true),
      logger,
      ...asking,
    });
    return { secrets, sequencer };
  };
  const log = opened.use(await openValidatorLog(config, name.source, { prepare, logger, signal }));
  const { secrets, sequencer } = log;
  measurePublished(metrics, sequencer.published(), false);
  // What was signed is in the stream by now: one without events is that of a log that has just begun.
  if ((await log.log.head()).size === 0) {
    requireFirst(name);
    await startOwnLog(name, null, { append: log.log.append, secrets, signer });
  }
  const witnessing = openWitnessing(name, {
    sequencer,
    files: logFiles(config.EIREL_DATA_DIR),
    state: signing.witnessState,
    witnessSeed: secrets.witnessSeed,
    voters,
    post,
    onFork,
    logger,
    ...asking,
  });
  const parts = opened.move();
  return {
    name,
    log,
    sequencer,
    witnessing,
    history: signing.history,
    witnessState: signing.witnessState,
    ended: Promise.race([log.pump.failed, sequencer.ended, witnessing.ended]),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Events that were acknowledged lie beside the stream until the repair that took them out has put them back. */
async function requireRepaired(
  { EIREL_DATA_DIR }: Pick<Config, 'EIREL_DATA_DIR'>,
  { source }: OwnLogName,
): Promise<void> {
  if ((await keptTail(EIREL_DATA_DIR).load()) === null) return;
  throw new AppError('log.broken', {
    source,
    found: 'a repair that broke off: events of this log are kept outside of its stream',
    next: 'run `eirel log repair` again',
  });
}

/** Only whoever gives a log up knows what its successor continues. */
function requireFirst({ source, generation }: OwnLogName): void {
  if (generation === 0) return;
  throw new AppError('log.forked', {
    source,
    found: 'a log that was to continue another one, and does not say so yet',
    next: `run \`eirel log retire ${generation - 1}\` again`,
  });
}
