/**
 * XXH64 with seed 0 of 32 bytes, least significant byte first: what the chain's `Twox64Concat` puts before an account in
 * a storage key. By the specification of xxHash (its description of XXH64): one stripe, nothing left over.
 */
export function twox64OfAccount(account: Uint8Array): Uint8Array {
  if (account.length !== STRIPE_BYTES)
    throw new TypeError(`an account is ${STRIPE_BYTES} bytes, not ${account.length}`);
  const input = Buffer.from(account);
  const lanes = [PRIME_1 + PRIME_2, PRIME_2, 0n, -PRIME_1].map((seed, lane) =>
    round(wrap(seed), input.readBigUInt64LE(8 * lane)),
  );
  let hash = wrap(lanes.reduce((sum, lane, at) => sum + rotate(lane, LANE_TURNS[at] ?? 0n), 0n));
  for (const lane of lanes) hash = wrap((hash ^ round(0n, lane)) * PRIME_1 + PRIME_4);
  hash = wrap(hash + BigInt(STRIPE_BYTES));
  hash = wrap((hash ^ (hash >> 33n)) * PRIME_2);
  hash = wrap((hash ^ (hash >> 29n)) * PRIME_3);
  const output = Buffer.alloc(8);
  output.writeBigUInt64LE(hash ^ (hash >> 32n));
  return output;
}

const STRIPE_BYTES = 32;
const LANE_TURNS = [1n, 7n, 12n, 18n];

const PRIME_1 = 0x9e37_79b1_85eb_ca87n;
const PRIME_2 = 0xc2b2_ae3d_27d4_eb4fn;
const PRIME_3 = 0x1656_67b1_9e37_79f9n;
const PRIME_4 = 0x85eb_ca77_c2b2_ae63n;

function round(lane: bigint, input: bigint): bigint {
  return wrap(rotate(wrap(lane + input * PRIME_2), 31n) * PRIME_1);
}

function rotate(value: bigint, by: bigint): bigint {
  return wrap(value << by) | (value >> (64n - by));
}

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
