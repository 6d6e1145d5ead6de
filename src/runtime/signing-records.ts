import { z } from 'zod';
import { sha256 } from '../events/hash.ts';
import { Family, Hex32, runSequence } from '../events/scalars.ts';
import type { SigningSlot } from '../handlers/signing-history.ts';
import type { Locked } from '../sequencer/lock.ts';
import type { Witnessed } from '../sequencer/witness.ts';
import { LockRow } from './signing-lock.ts';
import { WitnessedRow } from './signing-witness.ts';
import { jsonLiteral, type Writer } from './sqlite.ts';

/** What was signed in one slot. */
export type Signed = SigningSlot & Readonly<{ digest: string }>;

/** Everything that a signing database holds but whose it is. */
export type Holdings = Readonly<{
  signed: readonly Signed[];
  locks: readonly Locked[];
  witnessed: readonly Witnessed[];
}>;

/** The whole of a signing database, for moving it to another machine. */
export type SigningRecords = Readonly<{
  /** Sorted: the same holdings are the same lists. */
  read: () => Promise<Holdings>;
  /** The newest run of each family up to which only what the rows show may be signed. */
  watermarks: () => Promise<ReadonlyMap<string, number>>;
  /**
   * Adds rows that are not held yet and moves locks and witnessed logs forward, all or nothing; then raises
   * each family's watermark to its newest run in `of`. Rejects when any of it contradicts what is held.
   */
  add: (missing: Holdings, of: Holdings) => Promise<void>;
}>;

/** The rows of a signing database. */
export function signingRecords(database: Writer): SigningRecords {
  return {
    read: async () => ({
      signed: (await database.all(ALL_SIGNED)).map((row) => SignedRow.parse(row)),
      locks: (await database.all(ALL_LOCKS)).map((row) => LockRow.parse(row)),
      witnessed: (await database.all(ALL_WITNESSED)).map((row) => WitnessedRow.parse(row)),
    }),
    watermarks: async () => {
      const rows = await database.all('SELECT family, sequence FROM watermark ORDER BY family');
      return new Map(rows.map((row) => [String(row['family']), Number(row['sequence'])]));
    },
    add: ({ signed, locks, witnessed }, of) =>
      database.transaction([
        insert(ADD_SIGNED, signed.map(rowOf)),
        insert(ADD_LOCKS, locks),
        insert(
          ADD_WITNESSED,
          witnessed.map((row) => ({ ...row, originHash: sha256(row.origin) })),
        ),
        insert(RAISE, of.signed.map(rowOf)),
      ]),
  };
}

const SignedRow = z.strictObject({
  kind: z.enum(['report', 'commitment', 'decision']),
  family: Family,
  run: z.string(),
  digest: Hex32,
});

const ALL_SIGNED = `SELECT kind, family, 'run-' || sequence AS run, digest FROM signed
  ORDER BY family, sequence, kind`;
const ALL_LOCKS = 'SELECT source, size, root, note, time FROM lock ORDER BY source';
const ALL_WITNESSED = 'SELECT origin, size, root, note FROM witnessed ORDER BY origin';

/** `?1` is a JSON array of rows. Of `signed` none may be there: a row that is would contradict what was compared. */
const ADD_SIGNED = `INSERT INTO signed (family, sequence, kind, digest)
  SELECT value ->> 'family', value ->> 'sequence', value ->> 'kind', value ->> 'digest' FROM json_each(?1)`;
const ADD_LOCKS = `INSERT INTO lock (source, size, root, note, time)
  SELECT value ->> 'source', value ->> 'size', value ->> 'root', value ->> 'note', value ->> 'time'
    FROM json_each(?1) WHERE true
  ON CONFLICT (source) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note, time = excluded.time`;
const ADD_WITNESSED = `INSERT INTO witnessed (origin, size, root, note, origin_hash)
  SELECT value ->> 'origin', value ->> 'size', value ->> 'root', value ->> 'note', value ->> 'originHash'
    FROM json_each(?1) WHERE true
  ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note`;
const RAISE = `INSERT INTO watermark (family, sequence)
  SELECT value ->> 'family', max(value ->> 'sequence') FROM json_each(?1) WHERE true GROUP BY 1
  ON CONFLICT (family) DO UPDATE SET sequence = max(sequence, excluded.sequence)`;

function insert(sql: string, rows: readonly object[]): string {
  return sql.replaceAll('?1', () => jsonLiteral(rows));
}

function rowOf({ kind, family, run, digest }: Signed) {
  return { kind, family, sequence: runSequence(run), digest };
}
