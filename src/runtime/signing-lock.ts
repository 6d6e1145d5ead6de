import { z } from 'zod';
import { Hex32, Time } from '../events/scalars.ts';
import type { Lock } from '../sequencer/lock.ts';
import type { Writer } from './sqlite.ts';

/** One log's row of the lock. */
export const LockRow = z.strictObject({
  source: z.string(),
  size: z.int().min(0),
  root: Hex32,
  note: z.string(),
  time: Time,
});

/** The lock in a signing database. Each call is one transaction. */
export function lockIn(database: Writer): Lock {
  return {
    sources: async () => (await database.all(SOURCES)).map(({ source }) => String(source)),
    read: async (source) => {
      const [row] = await database.all(READ, [source]);
      return row === undefined ? null : LockRow.parse(row);
    },
    begin: async ({ source, size, root, note, time }) => {
      const [row] = await database.all(BEGIN, [source, size, root, note, time]);
      return row === undefined ? 'exists' : 'begun';
    },
    advance: async (from, { size, root, note, time }) => {
      const expected = [from.source, from.size, from.root, from.note];
      const [row] = await database.all(ADVANCE, [...expected, size, root, note, time]);
      return row === undefined ? 'stale' : 'advanced';
    },
  };
}

const SOURCES = 'SELECT source FROM lock ORDER BY source';
const READ = 'SELECT source, size, root, note, time FROM lock WHERE source = ?1';
const BEGIN = `INSERT INTO lock (source, size, root, note, time) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT DO NOTHING RETURNING source`;
const ADVANCE = `UPDATE lock SET size = ?5, root = ?6, note = ?7, time = ?8
  WHERE source = ?1 AND size = ?2 AND root = ?3 AND note = ?4 RETURNING source`;
