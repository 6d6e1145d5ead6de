import { z } from 'zod';
import { sha256 } from '../events/hash.ts';
import { Hex32 } from '../events/scalars.ts';
import type { WitnessState } from '../sequencer/witness.ts';
import type { Writer } from './sqlite.ts';

/** One log's row of what was cosigned. */
export const WitnessedRow = z.strictObject({
  origin: z.string(),
  size: z.int().min(0),
  root: Hex32,
  note: z.string(),
});

/** What was cosigned of other logs, in a signing database. Each call is one transaction. */
export function witnessStateIn(database: Writer): WitnessState {
  const one = async (sql: string, name: string) => {
    const [row] = await database.all(sql, [name]);
    return row === undefined ? null : WitnessedRow.parse(row);
  };
  return {
    read: (origin) => one(READ, origin),
    find: (originHash) => one(FIND, originHash),
    advance: async (from, { origin, size, root, note }) => {
      const to = [origin, size, root, note];
      const [row] =
        from === null
          ? await database.all(BEGIN, [...to, sha256(origin)])
          : await database.all(ADVANCE, [...to, from.size, from.root]);
      return row === undefined ? 'stale' : 'advanced';
    },
  };
}

const COLUMNS = 'origin, size, root, note';
const READ = `SELECT ${COLUMNS} FROM witnessed WHERE origin = ?1`;
const FIND = `SELECT ${COLUMNS} FROM witnessed WHERE origin_hash = ?1`;
const BEGIN = `INSERT INTO witnessed (${COLUMNS}, origin_hash) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT DO NOTHING RETURNING origin`;
const ADVANCE = `UPDATE witnessed SET size = ?2, root = ?3, note = ?4
  WHERE origin = ?1 AND size = ?5 AND root = ?6 RETURNING origin`;
