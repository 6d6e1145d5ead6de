import { compactToU8a } from '@polkadot/util/cjs/index';

/** What a timelocked commit of weights conceals. */
export type WeightsPayload = Readonly<{
  /** The public key of whoever commits: the chain refuses a copy of the ciphertext that another hotkey commits. */
  hotkey: Uint8Array;
  uids: readonly number[];
  /** u16, of the same length as `uids`. */
  values: readonly number[];
  versionKey: bigint;
}>;

/** SCALE of the runtime's `WeightsTlockPayload`: (Vec<u8> hotkey, Vec<u16> uids, Vec<u16> values, u64 version key). */
export function encodeWeightsPayload({
  hotkey,
  uids,
  values,
  versionKey,
}: WeightsPayload): Uint8Array {
  const key = Buffer.alloc(8);
  key.writeBigUInt64LE(versionKey);
  return Buffer.concat([
    compactToU8a(hotkey.length),
    hotkey,
    ...[uids, values].flatMap((numbers) => [compactToU8a(numbers.length), littleEndian(numbers)]),
    key,
  ]);
}

function littleEndian(numbers: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(2 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt16LE(number, 2 * index);
  return bytes;
}
