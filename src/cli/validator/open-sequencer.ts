import type { Config } from '../../config.ts';
import type { Signer, Verify } from '../../consensus/keys.ts';
import { openCheckpoint, signCheckpoint } from '../../merkle/checkpoint.ts';
import { publicKeyEd25519 } from '../../merkle/ed25519.ts';
import { now, wait } from '../../runtime/clock.ts';
import { freeSpace } from '../../runtime/disk-space.ts';
import { logFiles } from '../../runtime/log-files.ts';
import type { LogStore } from '../../runtime/log-store.ts';
import type { Logger } from '../../runtime/logger.ts';
import { patientStore } from '../../runtime/patient-store.ts';
import type { LogSecrets } from '../../runtime/secret-files.ts';
import type { StartDecision } from '../../sequencer/decide-start.ts';
import type { Lock } from '../../sequencer/lock.ts';
import type { Notes } from '../../sequencer/notes.ts';
import type { AskOutside } from '../../sequencer/outside.ts';
import type { PublishedNote } from '../../sequencer/published-board.ts';
import { type Sequencer, startSequencer } from '../../sequencer/sequencer.ts';

/** What opens the sequencer of this validator's log. */
export type SequencerSite = Readonly<{
  store: LogStore;
  lock: Lock;
  secrets: LogSecrets;
  signer: Signer;
  verify: Verify;
  outside: AskOutside;
  onPublished: (published: PublishedNote) => void;
  logger: Logger;
  signal: AbortSignal;
}>;

/**
 * Compares all that is known of this validator's log, puts right what a crash left, and keeps it signed and
 * published from then on. Throws `log.forked` or `log.broken` where it must not go on.
 */
export async function openSequencer(config: Config, site: SequencerSite): Promise<Sequencer> {
  const { store, lock, secrets, signer, verify, outside, onPublished, logger, signal } = site;
  const { source } = store;
  const events = patientStore(store, {
    signal,
    onRetry: (outage) => logger.warn({ reason: outage.message }, 'the log does not answer'),
  });
  const { EIREL_DATA_DIR: dataDir, EIREL_SIGNING_DIR: signingDir } = config;
  return startSequencer(
    {
      source,
      intervalMs: config.EIREL_CHECKPOINT_MS,
    },
    {
      events,
      files: logFiles(dataDir),
      lock,
      notes: notesOf(signer, verify, secrets.logSeed),
      now,
      askOutside: outside,
      onDecision: ({ kind }) => {
        if (CHANGES.has(kind)) logger.warn({ decision: kind }, 'the log is put right');
      },
      askSpace: () => freeSpace([dataDir, signingDir]),
      wait,
      onPublished,
      onHoldup: (reason) => {
        if (reason === null) logger.info({}, 'checkpoints are signed again');
        else logger.warn({ reason }, 'no checkpoint is signed for now');
      },
      signal,
    },
  );
}

/** Decisions that write something; the others are told as what they lead to. */
const CHANGES: ReadonlySet<StartDecision['kind']> = new Set([
  'replay-staging',
  'publish-from-stream',
  'refill-stream',
]);

/** Both keys of the log sign each checkpoint, and only what both signed opens. */
export function notesOf(signer: Signer, verify: Verify, logSeed: Uint8Array): Notes {
  const logKey = publicKeyEd25519(logSeed);
  return {
    sign: (checkpoint) => signCheckpoint(checkpoint, { logSeed, signer }),
    open: (note) => {
      const opened = openCheckpoint(note, { hotkey: signer.hotkey, verify, logKey });
      return opened.kind === 'opened' && opened.logLine === 'verified' ? opened.checkpoint : null;
    },
  };
}
