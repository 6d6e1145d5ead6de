import sqlite3 from 'sqlite3';
import { AppError } from '../errors.ts';

export type Value = string | number | null;
type ResultRow = Readonly<Record<string, unknown>>;

/** What can be run inside a transaction. Parameters are `?1`, `?2`, … */
export type Statements = Readonly<{
  /** Runs any number of statements, without parameters or results. */
  exec: (sql: string) => Promise<void>;
  /** Runs one statement and gives the number of rows that it changed. */
  run: (sql: string, parameters?: readonly Value[]) => Promise<number>;
  all: (sql: string, parameters?: readonly Value[]) => Promise<readonly ResultRow[]>;
}>;

export type Reader = Pick<Statements, 'all'> & AsyncDisposable;

/** One connection, one thing at a time: a call waits until the transaction before it has ended. */
export type Writer = Statements &
  AsyncDisposable & {
    /** Commits when `work` resolves; rolls back and rejects when it rejects. `work` uses only its argument. */
    readonly transaction: <T>(work: (inside: Statements) => Promise<T>) => Promise<T>;
  };

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
  const raw = statementsOf(database, file);
  try {
    await raw.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  } catch (cause) {
    await close(database);
    throw cause;
  }
  const inTurn = queue();
  return {
    exec: (sql) => inTurn(() => raw.exec(sql)),
    run: (sql, parameters) => inTurn(() => raw.run(sql, parameters)),
    all: (sql, parameters) => inTurn(() => raw.all(sql, parameters)),
    transaction: (work) => inTurn(() => transaction(raw, work)),
    [Symbol.asyncDispose]: () => inTurn(() => close(database)),
  };
}

/** Opens an existing database for reading only: it sees what is committed and never waits for the writer. */
export async function openReader(file: string): Promise<Reader> {
  const database = await open(file, sqlite3.OPEN_READONLY | sqlite3.OPEN_FULLMUTEX);
  const raw = statementsOf(database, file);
  const inTurn = queue();
  return {
    all: (sql, parameters) => inTurn(() => raw.all(sql, parameters)),
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

async function transaction<T>(raw: Statements, work: (inside: Statements) => Promise<T>) {
  await raw.exec('BEGIN IMMEDIATE');
  try {
    const result = await work(raw);
    await raw.exec('COMMIT');
    return result;
  } catch (cause) {
    await rollback(raw, cause);
    throw cause;
  }
}

async function rollback(raw: Statements, cause: unknown): Promise<void> {
  try {
    await raw.exec('ROLLBACK');
  } catch (error) {
    // SQLite rolls back by itself after some errors, a full disk among them.
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

function statementsOf(database: sqlite3.Database, file: string): Statements {
  return {
    exec: (sql) =>
      new Promise((resolve, reject) => {
        database.exec(sql, (error) => (error === null ? resolve() : reject(failure(file, error))));
      }),
    run: (sql, parameters = []) =>
      new Promise((resolve, reject) => {
        database.run(sql, parameters, function done(error) {
          if (error === null) resolve(this.changes);
          else reject(failure(file, error));
        });
      }),
    all: (sql, parameters = []) =>
      new Promise((resolve, reject) => {
        database.all<ResultRow>(sql, parameters, (error, rows) =>
          error === null ? resolve(rows) : reject(failure(file, error)),
        );
      }),
  };
}

/** A damaged file gets its remedy; what else SQLite reports (a full disk, a fault of ours) gets the file's name. */
function failure(file: string, cause: Error): Error {
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(cause.message)) {
    const next = 'run `eirel rebuild` to derive it anew from the log';
    return new AppError('projection.damaged', { file, found: cause.message, next }, { cause });
  }
  return new Error(`${file}: ${cause.message}`, { cause });
}
