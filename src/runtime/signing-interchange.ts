import { z } from 'zod';
import { AppError } from '../errors.ts';
import { decodeBytes, encode, type Json } from '../events/ej1.ts';
import { Family, Hex32, RunId, Ss58, Time } from '../events/scalars.ts';
import type { Holdings } from './signing-records.ts';
import type { SigningIdentity } from './signing-schema.ts';

/** Names the file's form; another form gets another name. */
const FORMAT = 'eirel-signing-history/1';

/** Numbers are strings, as in EIP-3076: a reader that takes every number for a double cuts none. */
const Numeral = z.string().regex(/^(0|[1-9][0-9]{0,14})$/, 'a whole number in decimal digits');

const Interchange = z.strictObject({
  metadata: z.strictObject({
    format: z.literal(FORMAT),
    genesis: Hex32,
    netuid: Numeral,
    hotkey: Ss58,
  }),
  data: z.array(
    z.strictObject({
      family: Family,
      run: RunId,
      kind: z.enum(['report', 'commitment', 'decision']),
      digest: Hex32,
    }),
  ),
  lock: z.array(
    z.strictObject({
      source: z.string(),
      size: Numeral,
      root: Hex32,
      note: z.string(),
      time: Time,
    }),
  ),
  witnessed: z.array(
    z.strictObject({ origin: z.string(), size: Numeral, root: Hex32, note: z.string() }),
  ),
});

/** The interchange file of an identity's holdings: EJ1 text. */
export function formatInterchange(identity: SigningIdentity, held: Holdings): string {
  const { genesis, netuid, hotkey } = identity;
  return encode({
    metadata: { format: FORMAT, genesis, netuid: String(netuid), hotkey },
    data: held.signed.map(({ family, run, kind, digest }) => ({ family, run, kind, digest })),
    lock: held.locks.map((row) => ({ ...row, size: String(row.size) })),
    witnessed: held.witnessed.map((row) => ({ ...row, size: String(row.size) })),
  });
}

/**
 * What an interchange file holds. Throws `input.invalid` for anything else, and for a file of another
 * network, subnet or hotkey.
 */
export function parseInterchange(bytes: Uint8Array, identity: SigningIdentity): Holdings {
  const parsed = Interchange.safeParse(jsonOf(bytes));
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new AppError('input.invalid', { field: 'file', value: faults[0], expected: FORMAT });
  }
  const { metadata, data, lock, witnessed } = parsed.data;
  for (const field of ['genesis', 'netuid', 'hotkey'] as const) {
    const expected = String(identity[field]);
    if (metadata[field] !== expected)
      throw new AppError('input.invalid', {
        field: `metadata.${field}`,
        value: metadata[field],
        expected,
        next: 'a history belongs to one hotkey on one subnet of one network',
      });
  }
  return {
    signed: data,
    locks: lock.map((row) => ({ ...row, size: Number(row.size) })),
    witnessed: witnessed.map((row) => ({ ...row, size: Number(row.size) })),
  };
}

function jsonOf(bytes: Uint8Array): Json {
  try {
    return decodeBytes(bytes);
  } catch (cause) {
    const expected = 'EJ1 text, as `eirel signing-history export` writes it';
    throw new AppError('input.invalid', { field: 'file', expected }, { cause });
  }
}
