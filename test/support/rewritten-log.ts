import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY, readEvent } from '#src/events/decode.ts';
import { decodeBytes, encodeBytes, type Json } from '#src/events/ej1.ts';
import { type Head, seal } from '#src/events/envelope.ts';
import { leafHash } from '#src/events/hash.ts';
import { SOURCE } from './honest-log.ts';

/** An event of a log as its owner decides to write it: another one, or the same under a type that nobody knows. */
type Written = DomainEvent | Readonly<{ renamed: string }>;

/**
 * A log as it would have been had its owner written other events: each event of `payloads` is replaced by what
 * `change` gives, and the chain and all indices are made anew, so that nothing but the rules can tell.
 */
export function rewritten(
  payloads: readonly Uint8Array[],
  change: (event: DomainEvent, n: number) => readonly Written[],
): readonly Uint8Array[] {
  const out: Uint8Array[] = [];
  let before: Head = EMPTY;
  let head: Head = EMPTY;
  for (const payload of payloads) {
    const { event, n, time, hash } = readEvent(payload, SOURCE, before);
    before = { size: n + 1, hash };
    for (const written of change(event, n)) {
      const stored =
        'renamed' in written
          ? renamed(payload, written.renamed, head)
          : seal({ event: written, time, causationId: null }, SOURCE, head).payload;
      out.push(stored);
      head = { size: out.length, hash: leafHash(stored) };
    }
  }
  return out;
}

function renamed(payload: Uint8Array, type: string, { size, hash }: Head): Uint8Array {
  const envelope = decodeBytes(payload) as Readonly<Record<string, Json>>; // safe: a stored event is an object
  return encodeBytes({ ...envelope, type, n: size, prev: hash });
}
