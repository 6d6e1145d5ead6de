import { jsonLiteral } from './sqlite.ts';

/** Whose signatures a signing database holds: there is one for each. */
export type SigningIdentity = Readonly<{
  /** Hash of the chain's block 0, 64 hex digits. */
  genesis: string;
  netuid: number;
  hotkey: string;
}>;

/** `EIRL`: tells the file from any other database. */
export const APPLICATION_ID = 0x45_49_52_4c;

/** Raised with a change of the tables, which then needs a migration: these rows cannot be derived anew. */
export const SCHEMA_VERSION = 1;

/**
 * The tables of a new signing database. What must never happen is refused by the tables themselves: that
 * what was signed changes or goes, and that a lock, a witnessed log or a watermark goes back.
 */
export function schemaFor(identity: SigningIdentity): readonly string[] {
  const values = jsonLiteral(identity);
  return [
    `CREATE TABLE identity (
      one INTEGER PRIMARY KEY CHECK (one = 1), genesis TEXT NOT NULL, netuid INTEGER NOT NULL, hotkey TEXT NOT NULL
    ) STRICT`,
    `INSERT INTO identity SELECT 1, v ->> 'genesis', v ->> 'netuid', v ->> 'hotkey' FROM (SELECT ${values} AS v)`,
    `CREATE TABLE signed (
      family TEXT NOT NULL, sequence INTEGER NOT NULL CHECK (sequence >= 0),
      kind TEXT NOT NULL CHECK (kind IN ('report', 'commitment', 'decision')),
      digest TEXT NOT NULL CHECK (length(digest) = 64), PRIMARY KEY (family, sequence, kind)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE watermark (family TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE lock (
      source TEXT PRIMARY KEY, size INTEGER NOT NULL CHECK (size >= 0),
      root TEXT NOT NULL CHECK (length(root) = 64), note TEXT NOT NULL, time TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE witnessed (
      origin TEXT PRIMARY KEY, origin_hash TEXT NOT NULL UNIQUE, size INTEGER NOT NULL CHECK (size >= 0),
      root TEXT NOT NULL CHECK (length(root) = 64), note TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`,
    refusal('signed', 'UPDATE', 'true', 'what was signed does not change'),
    refusal('watermark', 'UPDATE', 'NEW.sequence < OLD.sequence', 'a watermark does not go back'),
    refusal('lock', 'UPDATE', GOES_BACK, 'a lock does not go back'),
    refusal('witnessed', 'UPDATE', GOES_BACK, 'a witnessed log does not go back'),
    ...['signed', 'watermark', 'lock', 'witnessed'].map((table) =>
      refusal(table, 'DELETE', 'true', 'nothing is forgotten'),
    ),
    `PRAGMA application_id = ${APPLICATION_ID}`,
    `PRAGMA user_version = ${SCHEMA_VERSION}`,
  ];
}

/** A smaller tree, or another one of the same size. */
const GOES_BACK = 'NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root)';

function refusal(table: string, on: 'UPDATE' | 'DELETE', when: string, why: string): string {
  return `CREATE TRIGGER ${table}_${on.toLowerCase()} BEFORE ${on} ON ${table} WHEN ${when}
    BEGIN SELECT raise(ABORT, '${why}'); END`;
}
