import { mkdir } from 'node:fs/promises';
import type { Config } from '../../config.ts';
import type { Signer } from '../../consensus/keys.ts';
import { AppError } from '../../errors.ts';
import type { LogWriter } from '../../events/log.ts';
import type { LogStart } from '../../events/log-started.ts';
import { publicKeyEd25519 } from '../../merkle/ed25519.ts';
import { now, wait } from '../../runtime/clock.ts';
import { logFiles } from '../../runtime/log-files.ts';
import type { LogStore } from '../../runtime/log-store.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { LogSecrets } from '../../runtime/secret-files.ts';
import { decideBeginning, emptyLock, logStarted } from '../../sequencer/begin-log.ts';
import type { AskOutside } from '../../sequencer/outside.ts';
import type { OwnLogName } from './ask-outside.ts';
import type { Signing } from './open-signing.ts';

/** How long until the chain is asked again whether the log was ever begun. */
const ASK_AGAIN_MS = 250;

/**
 * The secrets of this validator's log; where nothing of it is anywhere yet, it is begun: secrets first, then
 * the lock. Waits until the chain says that there is no anchor of it. Throws `log.forked` for a log that was
 * begun and whose lock is not here.
 */
export async function beginOwnLog(
  config: Config,
  { source }: OwnLogName,
  deps: Readonly<{
    store: LogStore;
    signing: Signing;
    outside: AskOutside;
    logger: Logger;
    signal: AbortSignal;
  }>,
): Promise<LogSecrets> {
  const { store, signing, outside, logger, signal } = deps;
  await mkdir(config.EIREL_DATA_DIR, { recursive: true });
  const files = logFiles(config.EIREL_DATA_DIR);
  let told = false;
  for (;;) {
    const lock = await signing.lock.read(source);
    if (lock !== null) return signing.secrets.read();
    const streamSize = await store.size();
    const facts = { lock, streamSize, filesEmpty: await files.isEmpty(), outside: await outside() };
    const beginning = decideBeginning(facts);
    if (beginning.kind === 'refuse') throw notHere(source, beginning.found);
    if (beginning.kind === 'begin') {
      const secrets = await signing.secrets.create();
      await signing.lock.begin(emptyLock(source, now()));
      logger.info({ source }, 'the log begins');
      return secrets;
    }
    if (!told && beginning.kind === 'wait')
      logger.warn({ reason: beginning.detail }, 'the chain has to say that this log is new');
    told = true;
    await wait(ASK_AGAIN_MS, signal);
    signal.throwIfAborted();
  }
}

/** Appends the first event of a log that holds none; `previous` is the last good checkpoint of the one that it continues. */
export async function startOwnLog(
  log: OwnLogName,
  previous: LogStart['previous'],
  deps: Readonly<{ append: LogWriter['append']; secrets: LogSecrets; signer: Signer }>,
): Promise<void> {
  const { append, secrets, signer } = deps;
  const { source, genesis, netuid, generation } = log;
  const keyOf = (seed: Uint8Array): string => Buffer.from(publicKeyEd25519(seed)).toString('hex');
  const keys = { logKey: keyOf(secrets.logSeed), witnessKey: keyOf(secrets.witnessSeed) };
  const start = { source, genesis, netuid, generation, ...keys, previous };
  const event = logStarted(start, signer);
  const result = await append([{ event, time: now(), causationId: null }]);
  if (result.kind === 'conflict') {
    throw new AppError('log.conflict', {
      expected: result.expected,
      found: result.found,
      next: 'another process writes this log: stop it, then start this one again',
    });
  }
}

function notHere(source: string, found: string): AppError {
  return new AppError('log.forked', {
    source,
    found,
    expected: 'the last signed checkpoint in EIREL_SIGNING_DIR, where a log was begun',
    next: 'bring back EIREL_SIGNING_DIR; where it is lost, `eirel log retire`; nothing was signed',
  });
}
