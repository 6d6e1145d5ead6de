import type { z } from 'zod';
import { decodeBytes } from '../events/ej1.ts';
import { Envelope } from '../events/envelope.ts';
import { splitEntries } from '../merkle/tile.ts';
import { inOrder } from './in-order.ts';
import { statedSize } from './log-name.ts';
import type { LogSource } from './log-source.ts';
import { bundlesOf } from './served-tiles.ts';

const BUNDLES_AHEAD = 4;

/** The stored events of another log, in order, up to the size that its checkpoint states. Nothing of it is verified. */
export async function* payloadsOf(source: LogSource): AsyncGenerator<Uint8Array, void> {
  const note = await source.checkpoint();
  for await (const { entries } of inOrder(bundlesOf(source, statedSize(note)), BUNDLES_AHEAD)) {
    const { payloads } = splitEntries(entries ?? new Uint8Array(0));
    if (payloads.length === 0) return;
    yield* payloads;
  }
}

/** The event's place and data, if it is of this type. An event ends with its type: most are told apart undecoded. */
export function readIf<Data>(
  payload: Uint8Array,
  { type, data }: Readonly<{ type: string; data: z.ZodType<Data> }>,
): Readonly<{ n: number; data: Data }> | null {
  const tail = Buffer.from(`"type":"${type}"}`);
  if (Buffer.compare(payload.subarray(-tail.length), tail) !== 0) return null;
  try {
    const envelope = Envelope.parse(decodeBytes(payload));
    return { n: envelope.n, data: data.parse(envelope.data) };
  } catch {
    // Somebody else's log: what can't be read says nothing.
    return null;
  }
}
