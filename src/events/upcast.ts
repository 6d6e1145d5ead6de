import type { Json } from './ej1.ts';

/** A stored event's type and data, before they are checked against the catalogue. */
export type Stored = Readonly<{ type: string; data: Json }>;

/** One step per retired version: `'score.recorded.v1': (data) => ({ type: 'score.recorded.v2', data: … })`. */
const steps: Readonly<Record<string, (data: Json) => Stored>> = {};

/**
 * Brings a stored event to the newest version of its type. Stored bytes are never rewritten: an old
 * version is read through its steps for ever.
 */
export function upcast(stored: Stored, table = steps): Stored {
  let current = stored;
  for (let step = table[current.type]; step !== undefined; step = table[current.type])
    current = step(current.data);
  return current;
}
