import type { Config } from '../../config.ts';
import type { SigningHistory } from '../../handlers/signing-history.ts';
import {
  createLogSecrets,
  heldLogSecrets,
  type LogSecrets,
  readLogSecrets,
} from '../../runtime/secret-files.ts';
import {
  openExistingSigningDatabase,
  openSigningDatabase,
  type SigningDatabase,
} from '../../runtime/signing-db.ts';
import type { SigningIdentity } from '../../runtime/signing-schema.ts';
import type { Lock } from '../../sequencer/lock.ts';
import type { WitnessState } from '../../sequencer/witness.ts';

/** The signing directory of a validator: what it signed, and the secrets of its log. No other process has it. */
export type Signing = Readonly<{
  lock: Lock;
  history: SigningHistory;
  witnessState: WitnessState;
  secrets: Readonly<{
    /** Names of the files that are there. */
    held: () => Promise<readonly string[]>;
    /** Throws `key.invalid` where one is missing, malformed, or open to others. */
    read: () => Promise<LogSecrets>;
    /** Makes what is missing: for a log that is about to begin, and for no other. */
    create: () => Promise<LogSecrets>;
  }>;
  /** The database was made by this opening: nothing that was signed before is in it. */
  created: boolean;
}> &
  AsyncDisposable;

/**
 * Opens the configured signing directory for the process's whole life. Throws `log.conflict` while another
 * process has it, `log.forked` for a damaged database, `config.invalid` for that of another hotkey.
 */
export async function openSigning(config: Config, identity: SigningIdentity): Promise<Signing> {
  const dir = config.EIREL_SIGNING_DIR;
  return signingIn(dir, await openSigningDatabase(dir, identity));
}

/** As `openSigning`, and makes nothing: throws `file.unreadable` where there is no signing database. */
export async function openExistingSigning(
  config: Config,
  identity: SigningIdentity,
): Promise<Signing> {
  const dir = config.EIREL_SIGNING_DIR;
  return signingIn(dir, await openExistingSigningDatabase(dir, identity));
}

function signingIn(
  dir: string,
  { lock, history, witnessState, created, ...database }: SigningDatabase,
): Signing {
  return {
    lock,
    history,
    witnessState,
    created,
    secrets: {
      held: () => heldLogSecrets(dir),
      read: () => readLogSecrets(dir),
      create: () => createLogSecrets(dir),
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
