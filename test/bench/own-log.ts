import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { startOwnLog } from '#src/cli/validator/begin-own-log.ts';
import { openSequencer } from '#src/cli/validator/open-sequencer.ts';
import { openSigning } from '#src/cli/validator/open-signing.ts';
import { loadConfig } from '#src/config.ts';
import type { Log } from '#src/events/log.ts';
import { logSource } from '#src/events/source.ts';
import { now } from '#src/runtime/clock.ts';
import { createLogger } from '#src/runtime/logger.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { emptyLock } from '#src/sequencer/begin-log.ts';
import type { PublishedNote } from '#src/sequencer/published-board.ts';
import type { Sequencer } from '#src/sequencer/sequencer.ts';
import { devSigner } from '../support/dev-keys.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { appendAll, startBroker } from './broker.ts';
import { draftsOf, inBatches, scoreEvents } from './workload.ts';

/** A validator's log on a nats-server of its own, with the writer, the sequencer and the signing database of the product. */
export type OwnLog = AsyncDisposable &
  Readonly<{
    log: Log;
    /** Starts the sequencer, checkpoints at most every `intervalMs`; `onPublished` hears of each. */
    start: (intervalMs: number, onPublished?: Published) => Promise<Sequencer>;
    /** Appends sealed scores until the log holds as many events as that, and has them published. */
    grow: (size: number) => Promise<void>;
  }>;

type Published = (published: PublishedNote) => void;

/** The product's default of EIREL_CHECKPOINT_MS. */
export const CHECKPOINT_MS = loadConfig({}).EIREL_CHECKPOINT_MS;

/** The shortest interval that the product takes: what is caught up with is not waited for. */
export const SHORTEST_MS = 20;

/** Begins a log as a validator does. What the world knows of it is known at once: nothing. */
export async function ownLog(): Promise<OwnLog> {
  await using opened = new AsyncDisposableStack();
  const scratch = opened.use(await scratchDirectory());
  const dataDir = join(scratch.path, 'data');
  await mkdir(dataDir);
  const signer = devSigner('bench');
  const identity = { genesis: '0'.repeat(64), netuid: 36, hotkey: signer.hotkey };
  const name = { ...identity, generation: 0 };
  const source = logSource(name);
  const configOf = (intervalMs: number) =>
    loadConfig({
      EIREL_DATA_DIR: dataDir,
      EIREL_SIGNING_DIR: join(scratch.path, 'signing'),
      EIREL_CHECKPOINT_MS: String(intervalMs),
    });
  const broker = opened.use(await startBroker(1, source));
  const store = await broker.freshStore();
  const signing = opened.use(await openSigning(configOf(CHECKPOINT_MS), identity));
  const secrets = await signing.secrets.create();
  await signing.lock.begin(emptyLock(source, now()));
  const log = await openLog(store, { secret: secrets.sealSecret });
  await startOwnLog({ ...name, source }, null, { append: log.append, secrets, signer });

  const stop = new AbortController();
  const start = (intervalMs: number, onPublished: Published = () => undefined) =>
    openSequencer(configOf(intervalMs), {
      store,
      lock: signing.lock,
      secrets,
      signer,
      verify: verifySr25519,
      outside: async () => ({ anchor: { known: true, value: null }, witnessed: [] }),
      onPublished,
      logger: createLogger('warn', 'bench'),
      signal: stop.signal,
    });
  const parts = opened.move();
  return {
    log,
    start,
    grow: (size) => grow(log, start, size),
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error('measured'));
      await parts.disposeAsync();
    },
  };
}

/** As many events as are made before they are appended: a million at once would fill the memory. */
const PIECE_EVENTS = 50_000;

async function grow(log: Log, start: OwnLog['start'], size: number): Promise<void> {
  for (let held = (await log.head()).size; held < size; held = (await log.head()).size) {
    const events = scoreEvents(Math.min(PIECE_EVENTS, size - held), held);
    await appendAll(log, inBatches(draftsOf(events), 1_000), 2);
  }
  await using sequencer = await start(SHORTEST_MS);
  await sequencer.covering(size, new AbortController().signal);
}
