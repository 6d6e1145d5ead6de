import { mkdir } from 'node:fs/promises';
import { verifySr25519 } from '../../chain/hotkey.ts';
import { type Config, loadConfig } from '../../config.ts';
import type { Signer } from '../../consensus/keys.ts';
import { logSource } from '../../events/source.ts';
import { now } from '../../runtime/clock.ts';
import { jetStreamStore } from '../../runtime/jetstream-store.ts';
import { logFiles } from '../../runtime/log-files.ts';
import type { LogStore } from '../../runtime/log-store.ts';
import { connectNats, natsLink } from '../../runtime/nats-link.ts';
import type { CoverDeps } from '../../sequencer/cover-events.ts';
import { generationOf, type LogOwner } from '../../sequencer/generation.ts';
import type { Locked } from '../../sequencer/lock.ts';
import type { LogFiles } from '../../sequencer/log-files.ts';
import type { Io } from '../command.ts';
import { KEY_ENVIRONMENT } from '../keys-source.ts';
import { NATS_SETTINGS, natsAddress } from '../nats-address.ts';
import { openHotkey } from '../validator/open-chain.ts';
import { notesOf } from '../validator/open-sequencer.ts';
import { openExistingSigning, openSigning, type Signing } from '../validator/open-signing.ts';

/** What the commands on this validator's own log read. */
export const LOG_SETTINGS = [
  ...NATS_SETTINGS,
  'EIREL_DATA_DIR',
  'EIREL_SIGNING_DIR',
  'EIREL_CHAIN_GENESIS',
  'EIREL_NETUID',
  ...KEY_ENVIRONMENT,
] as const;

/** This validator's own log while no validator runs on it: everything that it consists of, open. */
export type LogSite = Readonly<{
  config: Config;
  signer: Signer;
  owner: LogOwner;
  generation: number;
  source: string;
  signing: Signing;
  locked: Locked | null;
  nc: Awaited<ReturnType<typeof connectNats>>;
  files: LogFiles;
  /** The stream as the log of that name. */
  storeOf: (source: string) => LogStore;
}> &
  AsyncDisposable;

/**
 * Opens stream, files and signing directory of the configured validator. Throws `log.conflict` while the
 * validator runs: it alone may have its signing directory. Without `begins` throws `file.unreadable` where there is no
 * signing database: a mistyped directory is not one that was lost.
 */
export async function openLogSite(
  io: Io,
  name: string,
  { begins }: Readonly<{ begins: boolean }>,
): Promise<LogSite> {
  await using opened = new AsyncDisposableStack();
  const config = loadConfig(io.env);
  await mkdir(config.EIREL_DATA_DIR, { recursive: true });
  const signer = await openHotkey(config);
  const { EIREL_CHAIN_GENESIS: genesis, EIREL_NETUID: netuid } = config;
  const owner = { genesis, netuid, hotkey: signer.hotkey };
  const signing = opened.use(await (begins ? openSigning : openExistingSigning)(config, owner));
  const generation = await generationOf(signing.lock, owner);
  const source = logSource({ ...owner, generation });
  const address = await natsAddress(config, name);
  const nc = opened.adopt(await connectNats(address), (connection) => connection.close());
  const link = natsLink(nc, address.inboxPrefix);
  const parts = opened.move();
  return {
    config,
    signer,
    owner,
    generation,
    source,
    signing,
    locked: await signing.lock.read(source),
    nc,
    files: logFiles(config.EIREL_DATA_DIR),
    storeOf: (source) => jetStreamStore(link, { name: 'validator', source }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** What a sequencer of that log would work with. Throws `key.invalid` where the log's key is missing. */
export async function coverDepsOf(site: LogSite): Promise<CoverDeps> {
  const { logSeed } = await site.signing.secrets.read();
  return {
    events: site.storeOf(site.source),
    files: site.files,
    lock: site.signing.lock,
    notes: notesOf(site.signer, verifySr25519, logSeed),
    now,
  };
}
