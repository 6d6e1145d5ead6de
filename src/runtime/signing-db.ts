import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, isSystemError } from '../errors.ts';
import type { SigningHistory } from '../handlers/signing-history.ts';
import type { Lock } from '../sequencer/lock.ts';
import type { WitnessState } from '../sequencer/witness.ts';
import { makePrivateFile, makePrivateFolder } from './private-folder.ts';
import { historyIn } from './signing-history.ts';
import { lockIn } from './signing-lock.ts';
import { type SigningRecords, signingRecords } from './signing-records.ts';
import {
  APPLICATION_ID,
  SCHEMA_VERSION,
  type SigningIdentity,
  schemaFor,
} from './signing-schema.ts';
import { witnessStateIn } from './signing-witness.ts';
import { openSoleWriter, type Writer } from './sqlite.ts';

/**
 * What was signed under one identity: the lock of its log's checkpoints, its history of reports, commitments
 * and decisions, and what it cosigned of other logs. One process alone has it open.
 */
export type SigningDatabase = Readonly<{
  /** The file was made by this opening: nothing that was signed before is in it. */
  created: boolean;
  lock: Lock;
  history: SigningHistory;
  witnessState: WitnessState;
  records: SigningRecords;
}> &
  AsyncDisposable;

/** The database's name in the signing directory. */
export const SIGNING_FILE = 'signing.db';

/**
 * Opens the signing database in a directory, and makes both where they are missing. Throws `log.conflict`
 * while another process has it open, `log.forked` for a file that is damaged or no such database, and
 * `config.invalid` for one of another identity.
 */
export async function openSigningDatabase(
  dir: string,
  identity: SigningIdentity,
): Promise<SigningDatabase> {
  const file = join(dir, SIGNING_FILE);
  const created = !(await exists(file)) && (await create(file, identity));
  return open(file, identity, created);
}

/** As `openSigningDatabase`, for a database that has to be there: throws `file.unreadable` where it is not. */
export async function openExistingSigningDatabase(
  dir: string,
  identity: SigningIdentity,
): Promise<SigningDatabase> {
  const file = join(dir, SIGNING_FILE);
  if (!(await exists(file)))
    throw new AppError('file.unreadable', {
      file,
      expected: 'the signing database of this validator',
      next: 'see EIREL_SIGNING_DIR; where it is lost, docs/operating.md says how to go on',
    });
  return open(file, identity, false);
}

async function open(
  file: string,
  identity: SigningIdentity,
  created: boolean,
): Promise<SigningDatabase> {
  const database = await openSoleWriter(file, explain);
  try {
    await verify(database, file);
    await verifyIdentity(database, file, identity);
  } catch (cause) {
    await database[Symbol.asyncDispose]();
    throw cause;
  }
  return {
    created,
    lock: lockIn(database),
    history: historyIn(database),
    witnessState: witnessStateIn(database),
    records: signingRecords(database),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** False where another process made it in the meantime. */
async function create(file: string, identity: SigningIdentity): Promise<boolean> {
  // SQLite would take what is left of a database that is gone for the newest pages of the new one.
  if (await exists(`${file}-wal`)) throw damaged(file, `${file}-wal alone, without the database`);
  await makePrivateFolder(dirname(file));
  return makePrivateFile(file, async (draft) => {
    await using database = await openSoleWriter(draft, explain);
    await database.transaction(schemaFor(identity));
  });
}

async function verify(database: Writer, file: string): Promise<void> {
  const application = await pragma(database, 'application_id');
  if (application !== APPLICATION_ID) throw damaged(file, 'no signing database');
  const version = await pragma(database, 'user_version');
  if (version !== SCHEMA_VERSION)
    throw new AppError('log.forked', {
      file,
      found: `version ${String(version)}`,
      expected: `version ${SCHEMA_VERSION}`,
      next: 'use the release that wrote it',
    });
  const found = await pragma(database, 'integrity_check');
  if (found !== 'ok') throw damaged(file, String(found));
}

async function verifyIdentity(
  database: Writer,
  file: string,
  identity: SigningIdentity,
): Promise<void> {
  const [row] = await database.all('SELECT genesis, netuid, hotkey FROM identity');
  if (row === undefined) throw damaged(file, 'no identity');
  const { genesis, netuid, hotkey } = row;
  const same =
    genesis === identity.genesis && netuid === identity.netuid && hotkey === identity.hotkey;
  if (same) return;
  const fault = `EIREL_SIGNING_DIR: ${file} is that of ${String(hotkey)} on subnet ${String(netuid)} of ${String(genesis)}, not of ${identity.hotkey} on subnet ${identity.netuid} of ${identity.genesis}`;
  throw new AppError('config.invalid', {
    faults: [fault],
    next: 'give each hotkey a signing directory of its own',
  });
}

/** The one value of a pragma. */
async function pragma(database: Writer, name: string): Promise<unknown> {
  const [row] = await database.all(`PRAGMA ${name}`);
  return row?.[name];
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return false;
    throw new AppError('file.unreadable', { file, next: 'see EIREL_SIGNING_DIR' }, { cause });
  }
}

/** Faults of SQLite, each with what to do; what else there is (a full disk, a fault of ours) gets the file's name. */
function explain(file: string, cause: Error): Error {
  if (cause.message.startsWith('SQLITE_BUSY'))
    return new AppError(
      'log.conflict',
      {
        file,
        found: 'another process has it open',
        next: 'stop that process first: one alone may sign with this hotkey',
      },
      { cause },
    );
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(cause.message)) return damaged(file, cause.message, cause);
  return new Error(`${file}: ${cause.message}`, { cause });
}

function damaged(file: string, found: string, cause?: unknown): AppError {
  const next =
    'nothing is signed without it: never put an older copy in its place; docs/operating.md says how to go on without it';
  return new AppError('log.forked', { file, found, next }, { cause });
}
