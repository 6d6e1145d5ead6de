import { runSequence } from '../events/scalars.ts';
import type { Reserved, SigningHistory, SigningSlot } from '../handlers/signing-history.ts';
import type { Writer } from './sqlite.ts';

/**
 * The history of what one hotkey signed, kept by EIP-3076's rules: a slot is filled once and for ever, and
 * in runs up to a family's watermark, which an import sets, only what the rows show may be signed again.
 */
export function historyIn(database: Writer): SigningHistory {
  return { reserve: (slot, digest) => reserve(slot, digest, database) };
}

/**
 * Of another family, what does not go together with a slot: a commitment on chain names its run without the family,
 * so that beside one, another report or commitment of that number is evidence against this hotkey.
 */
const ELSEWHERE = `FROM signed WHERE family <> ?1 AND sequence = ?2
  AND kind <> 'decision' AND ?3 <> 'decision' AND 'commitment' IN (kind, ?3)`;

/** The row of a slot that is free, above the watermark and without such a neighbour; none otherwise. */
const RESERVE = `INSERT INTO signed (family, sequence, kind, digest)
  SELECT ?1, ?2, ?3, ?4
    WHERE NOT EXISTS (SELECT 1 FROM watermark WHERE family = ?1 AND sequence >= ?2)
      AND NOT EXISTS (SELECT 1 ${ELSEWHERE})
  ON CONFLICT DO NOTHING RETURNING digest`;
const HELD = `SELECT digest, family FROM signed WHERE family = ?1 AND sequence = ?2 AND kind = ?3
  UNION ALL SELECT digest, family ${ELSEWHERE} LIMIT 1`;

/** One statement fills the slot, durably, or finds it filled; rows never change, so it may be read after that. */
async function reserve(
  { kind, family, run }: SigningSlot,
  digest: string,
  database: Writer,
): Promise<Reserved> {
  const slot = [family, runSequence(run), kind];
  const [reserved] = await database.all(RESERVE, [...slot, digest]);
  if (reserved !== undefined) return { kind: 'reserved' };
  const [held] = await database.all(HELD, slot);
  if (held === undefined) return { kind: 'conflict', digest: null };
  return held['digest'] === digest && held['family'] === family
    ? { kind: 'reserved' }
    : { kind: 'conflict', digest: String(held['digest']) };
}
