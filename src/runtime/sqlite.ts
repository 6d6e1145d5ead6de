import sqlite3 from 'sqlite3';
import { AppError } from '../errors.ts';
import { oneAtATime } from '../one-at-a-time.ts';

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
export function openWriter(file: string): Promise<Writer> {
  return connect(DERIVED, file);
}

/**
 * Opens an existing database whose rows nothing else can give again: what a call resolved for is on disk
 * (`synchronous = FULL`), and no other connection, of this process or another, can open the file before
 * this one is disposed of. A fault is thrown as `explain` tells it; its message begins with SQLite's code,
 * `SQLITE_BUSY` where another connection holds the file.
 */
export function openSoleWriter(
  file: string,
  explain: (file: string, cause: Error) => Error,
): Promise<Writer> {
  return connect({ ...SOLE, explain }, file);
}

/** How a connection is made, and how its faults are told. */
type Keeping = Readonly<{
  mode: number;
  pragmas: string;
  busyTimeoutMs: number;
  explain: (file: string, cause: Error) => Error;
}>;

const DERIVED: Keeping = {
  mode: sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE,
  pragmas: 'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL',
  busyTimeoutMs: BUSY_TIMEOUT_MS,
  explain: failure,
};

/** In this locking mode a lock is never given back, and the first transaction takes it: an empty one does. */
const SOLE = {
  mode: sqlite3.OPEN_READWRITE,
  pragmas: `PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    BEGIN EXCLUSIVE; COMMIT`,
  busyTimeoutMs: 0,
};

async function connect(keeping: Keeping, file: string): Promise<Writer> {
  const at = { file, explain: keeping.explain };
  const database = await open(at, keeping.mode, keeping.busyTimeoutMs);
  const connection: Connection = { ...at, database, prepared: new Map() };
  try {
    await exec(connection, keeping.pragmas);
  } catch (cause) {
    await close(connection);
    throw cause;
  }
  // A connection never holds more than one thread of the pool.
  const inTurn = oneAtATime();
  return {
    all: (sql, parameters) => inTurn(() => all(connection, sql, parameters)),
    transaction: (statements) => inTurn(() => transaction(connection, statements)),
    [Symbol.asyncDispose]: () => inTurn(() => close(connection)),
  };
}

/**
 * Opens an existing database for reading only: it sees what is committed and never waits for the
 * writer. What it opened stays readable when the file is removed from its directory.
 */
export async function openReader(file: string): Promise<Reader> {
  const at = { file, explain: failure };
  const database = await open(at, sqlite3.OPEN_READONLY, BUSY_TIMEOUT_MS);
  const connection: Connection = { ...at, database, prepared: new Map() };
  try {
    // SQLite opens the write-ahead log with the first reading, and finds it by name.
    await all(connection, 'SELECT count(*) FROM sqlite_schema');
  } catch (cause) {
    await close(connection);
    throw cause;
  }
  // A connection never holds more than one thread of the pool.
  const inTurn = oneAtATime();
  return {
    all: (sql, parameters) => inTurn(() => all(connection, sql, parameters)),
    [Symbol.asyncDispose]: () => inTurn(() => close(connection)),
  };
}

/**
 * A value's JSON text as an SQL string literal. Nothing in it can end the literal: quotes are doubled,
 * SQLite knows no other escape, and JSON has no NUL. The value may hold an attacker's text.
 */
export function jsonLiteral(value: unknown): string {
  return `'${JSON.stringify(value).replaceAll("'", "''")}'`;
}

type At = Pick<Keeping, 'explain'> & Readonly<{ file: string }>;
type Connection = At &
  Readonly<{
    database: sqlite3.Database;
    /** Queries that were asked before, by their text. */
    prepared: Map<string, sqlite3.Statement>;
  }>;

/** More than the queries of a projection, each asked again and again; whatever else comes in is evicted. */
const MAX_PREPARED = 64;

async function transaction(connection: Connection, statements: readonly string[]): Promise<void> {
  try {
    await exec(connection, ['BEGIN IMMEDIATE', ...statements, 'COMMIT'].join(';\n'));
  } catch (cause) {
    await rollback(connection, cause);
    throw cause;
  }
}

async function rollback(connection: Connection, cause: unknown): Promise<void> {
  try {
    await exec(connection, 'ROLLBACK');
  } catch (error) {
    // BEGIN itself failed, or SQLite rolled back by itself, as it does when the disk is full.
    if (error instanceof Error && error.message.includes('no transaction is active')) return;
    throw new AggregateError([cause, error], 'a transaction failed, and so did its rollback', {
      cause: error,
    });
  }
}

function open(
  { file, explain }: At,
  mode: number,
  busyTimeoutMs: number,
): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(file, mode | sqlite3.OPEN_FULLMUTEX, (error) => {
      if (error === null) resolve(database);
      else reject(explain(file, error));
    });
    database.configure('busyTimeout', busyTimeoutMs);
  });
}

/** SQLite closes nothing that a statement could still be run on. */
async function close({ database, prepared }: Connection): Promise<void> {
  for (const statement of prepared.values()) await finalize(statement);
  await new Promise<void>((resolve, reject) => {
    database.close((error) => (error === null ? resolve() : reject(error)));
  });
}

/** Runs statements up to the first that fails. */
function exec({ database, file, explain }: Connection, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    database.exec(sql, (error) => (error === null ? resolve() : reject(explain(file, error))));
  });
}

async function all(
  connection: Connection,
  sql: string,
  parameters: readonly Value[] = [],
): Promise<readonly ResultRow[]> {
  const statement = connection.prepared.get(sql) ?? (await prepare(connection, sql));
  const { file, explain } = connection;
  return new Promise((resolve, reject) => {
    statement.all<ResultRow>(parameters, (error, rows) =>
      error === null ? resolve(rows) : reject(explain(file, error)),
    );
  });
}

/** Preparing a query costs more than most answers do. Nothing else runs on the connection meanwhile. */
async function prepare(
  { database, prepared, file, explain }: Connection,
  sql: string,
): Promise<sqlite3.Statement> {
  const oldest = prepared.entries().next();
  if (prepared.size >= MAX_PREPARED && oldest.done !== true) {
    const [text, statement] = oldest.value;
    prepared.delete(text);
    await finalize(statement);
  }
  const statement = await new Promise<sqlite3.Statement>((resolve, reject) => {
    const made = database.prepare(sql, (error: Error | null) =>
      error === null ? resolve(made) : reject(explain(file, error)),
    );
  });
  prepared.set(sql, statement);
  return statement;
}

function finalize(statement: sqlite3.Statement): Promise<void> {
  return new Promise((resolve) => void statement.finalize(() => resolve()));
}

/** A damaged file gets its remedy; what else SQLite reports (a full disk, a fault of ours) gets the file's name. */
function failure(file: string, cause: Error): Error {
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(cause.message)) {
    const next = 'run `eirel rebuild` to derive it anew from the log';
    return new AppError('projection.damaged', { file, found: cause.message, next }, { cause });
  }
  return new Error(`${file}: ${cause.message}`, { cause });
}
