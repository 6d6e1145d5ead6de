import sqlite3 from 'sqlite3';
import { AppError } from '../errors.ts';

type Value = string | number | null;
type ResultRow = Readonly<Record<string, unknown>>;

/** One connection, one thing at a time. Parameters are `?1`, `?2`, … */
export type Reader = Readonly<{
  all: (sql: string, parameters?: readonly Value[]) => Promise<readonly ResultRow[]>;
}> &
  AsyncDisposable;

export type Writer = Reader &
  Readonly<{
    /**
     * Runs statements as one transaction: all of them, or none and a rejection with the first fault.
     * They go to SQLite's thread in one piece, so that it never waits for this thread in between;
     * that is why values are literals here (`jsonLiteral`).
     */
    transaction: (statements: readonly string[]) => Promise<void>;
  }>;

/** A database that lives in its connection: a test's, without files and without a second reader. */
export const IN_MEMORY = ':memory:';

/** How long a statement waits for another connection's transaction; ours take milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens or creates a database for writing, in WAL mode. A power cut may take the last transactions
 * (`synchronous = NORMAL`), each of them whole: what is stored here can be derived anew from the log.
 * Throws `projection.damaged` for a file that is no database.
 */
export async function openWriter(file: string): Promise<Writer> {
  const mode = sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE | sqlite3.OPEN_FULLMUTEX;
  const database = await open(file, mode);
  try {
    await exec(database, file, 'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  } catch (cause) {
    await close(database);
    throw cause;
  }
  const inTurn = queue();
  return {
    all: (sql, parameters) => inTurn(() => all(database, file, sql, parameters)),
    transaction: (statements) => inTurn(() => transaction(database, file, statements)),
    [Symbol.asyncDispose]: () => inTurn(() => close(database)),
  };
}

/**
 * Opens an existing database for reading only: it sees what is committed and never waits for the
 * writer. What it opened stays readable when the file is removed from its directory.
 */
export async function openReader(file: string): Promise<Reader> {
  const database = await open(file, sqlite3.OPEN_READONLY | sqlite3.OPEN_FULLMUTEX);
  try {
    // SQLite opens the write-ahead log with the first reading, and finds it by name.
    await all(database, file, 'SELECT count(*) FROM sqlite_schema');
  } catch (cause) {
    await close(database);
    throw cause;
  }
  const inTurn = queue();
  return {
    all: (sql, parameters) => inTurn(() => all(database, file, sql, parameters)),
    [Symbol.asyncDispose]: () => inTurn(() => close(database)),
  };
}

/** Runs tasks one after the other: a connection never holds more than one thread of the pool. */
function queue(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task, task);
    last = result;
    return result;
  };
}

/**
 * A value's JSON text as an SQL string literal. Nothing in it can end the literal: quotes are doubled,
 * SQLite knows no other escape, and JSON has no NUL. The value may hold an attacker's text.
 */
export function jsonLiteral(value: unknown): string {
  return `'${JSON.stringify(value).replaceAll("'", "''")}'`;
}

async function transaction(
  database: sqlite3.Database,
  file: string,
  statements: readonly string[],
) {
  try {
    await exec(database, file, ['BEGIN IMMEDIATE', ...statements, 'COMMIT'].join(';\n'));
  } catch (cause) {
    await rollback(database, file, cause);
    throw cause;
  }
}

async function rollback(database: sqlite3.Database, file: string, cause: unknown): Promise<void> {
  try {
    await exec(database, file, 'ROLLBACK');
  } catch (error) {
    // BEGIN itself failed, or SQLite rolled back by itself, as it does when the disk is full.
    if (error instanceof Error && error.message.includes('no transaction is active')) return;
    throw new AggregateError([cause, error], 'a transaction failed, and so did its rollback', {
      cause: error,
    });
  }
}

function open(file: string, mode: number): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(file, mode, (error) => {
      if (error === null) resolve(database);
      else reject(failure(file, error));
    });
    database.configure('busyTimeout', BUSY_TIMEOUT_MS);
  });
}

function close(database: sqlite3.Database): Promise<void> {
  return new Promise((resolve, reject) => {
    database.close((error) => (error === null ? resolve() : reject(error)));
  });
}

/** Runs statements up to the first that fails. */
function exec(database: sqlite3.Database, file: string, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    database.exec(sql, (error) => (error === null ? resolve() : reject(failure(file, error))));
  });
}

function all(
  database: sqlite3.Database,
  file: string,
  sql: string,
  parameters: readonly Value[] = [],
): Promise<readonly ResultRow[]> {
  return new Promise((resolve, reject) => {
    database.all<ResultRow>(sql, parameters, (error, rows) =>
      error === null ? resolve(rows) : reject(failure(file, error)),
    );
  });
}

/** A damaged file gets its remedy; what else SQLite reports (a full disk, a fault of ours) gets the file's name. */
function failure(file: string, cause: Error): Error {
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(cause.message)) {
    const next = 'run `eirel rebuild` to derive it anew from the log';
    return new AppError('projection.damaged', { file, found: cause.message, next }, { cause });
  }
  return new Error(`${file}: ${cause.message}`, { cause });
}
