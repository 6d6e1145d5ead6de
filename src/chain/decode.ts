import type { Registry } from '@polkadot/types/cjs/types/index';
import { hexToU8a, u8aToHex } from '@polkadot/util/cjs/index';
import { z } from 'zod';
import type { Known } from './chain.ts';
import { known, malformed } from './known.ts';

/**
 * SCALE bytes as plain values, by the node's own metadata: structs as objects with camelCase names, bytes
 * as `0x` hex, an absent option as null, an integer past 2^53 as big-endian `0x` hex. A layout that has
 * drifted often decodes all the same, into wrong numbers, but it does not encode back into the same
 * bytes: that is 'malformed'.
 */
export function decodeExactly(
  type: string,
  bytes: string,
  { registry }: { readonly registry: Registry },
): Known<unknown> {
  try {
    const value = registry.createTypeUnsafe(type, [hexToU8a(bytes)]);
    return u8aToHex(value.toU8a()) === bytes
      ? known(value.toJSON())
      : malformed(`its ${hexLength(bytes)} bytes are not exactly one ${type}: the layout drifted`);
  } catch (error) {
    // The decoder throws for bytes that end too early and for tags that the type does not have.
    return malformed(`its ${hexLength(bytes)} bytes are no ${type}: ${String(error)}`);
  }
}

/** A plain value in the shape that the caller relies on; `what` names the answer in the detail. */
export function parseAnswer<T>(schema: z.ZodType<T>, value: unknown, what: string): Known<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return known(parsed.data);
  const [issue] = parsed.error.issues;
  return malformed(`${what}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'no such shape'}`);
}

/** An unsigned integer of any width. */
export const Unsigned = z
  .union([z.int().min(0), z.string().regex(/^0x[0-9a-f]{2,64}$/)])
  .transform((value) => BigInt(value));

/** A count of blocks without a bound on the chain: what no number holds is as good as never. */
export const Blocks = Unsigned.transform((value) =>
  value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value),
);

export const U16 = z.int().min(0).max(65_535);

function hexLength(bytes: string): number {
  return Math.max(0, (bytes.length - 2) / 2);
}
