import type { Checkpoint } from '../merkle/checkpoint.ts';
import { formatNote, type NoteSignature, parseNote } from '../merkle/signed-note.ts';

/** How the checkpoints of one log are signed and opened: the keys stay with whoever gives these functions. */
export type Notes = Readonly<{
  /** The signed note of a checkpoint of this log. */
  sign: (checkpoint: Checkpoint) => Uint8Array;
  /** What a note says, where this log's keys signed it and it names this log; else null. Never throws. */
  open: (note: Uint8Array) => Checkpoint | null;
}>;

/** The log key's line, and the hotkey's. */
const OWN_LINES = 2;

/** How many witnesses have cosigned a note of ours. */
export function cosignaturesIn(note: Uint8Array): number {
  return Math.max(0, parseNote(note).signatures.length - OWN_LINES);
}

/**
 * The note with these lines behind its own, as many as a note may have; a line that it has already, by name and
 * key, is left out. Whether they sign this note's text is for the caller to know.
 */
export function addLines(
  note: Uint8Array,
  lines: readonly NoteSignature[],
  limit: number,
): Uint8Array {
  const { text, signatures } = parseNote(note);
  const merged = [...signatures];
  for (const line of lines) {
    const known = merged.some(({ name, keyId }) => name === line.name && keyId === line.keyId);
    if (!known && merged.length < limit) merged.push(line);
  }
  return formatNote({ text, signatures: merged });
}
