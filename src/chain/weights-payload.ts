import { compactFromU8aLim, compactToU8a } from '@polkadot/util';

/** What a timelocked commit of weights conceals. */
export type WeightsPayload = Readonly<{
  /**
   * The public key of whoever commits: the chain refuses a copy of the ciphertext that another hotkey
   * commits. Null in the older structure, which the chain still takes.
   */
  hotkey: Uint8Array | null;
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
}: WeightsPayload & { hotkey: Uint8Array }): Uint8Array {
  const key = Buffer.alloc(8);
  key.writeBigUInt64LE(versionKey);
  return Buffer.concat([
    compactToU8a(hotkey.length),
    hotkey,
    ...[uids, values].flatMap((numbers) => [compactToU8a(numbers.length), littleEndian(numbers)]),
    key,
  ]);
}

/** Reads a payload with hotkey, or else one of the older structure without. Null for anything else; never throws. */
export function decodeWeightsPayload(bytes: Uint8Array): WeightsPayload | null {
  const hotkey = readVector(bytes, 1);
  const payload = hotkey?.items.length === HOTKEY_BYTES ? readWeights(hotkey.rest) : null;
  if (hotkey !== null && payload !== null) return { hotkey: hotkey.items, ...payload };
  const older = readWeights(bytes);
  return older === null ? null : { hotkey: null, ...older };
}

const HOTKEY_BYTES = 32;

function readWeights(bytes: Uint8Array): Omit<WeightsPayload, 'hotkey'> | null {
  const uids = readVector(bytes, 2);
  const values = uids === null ? null : readVector(uids.rest, 2);
  if (uids === null || values === null || values.rest.length !== 8) return null;
  return {
    uids: numbersOf(uids.items),
    values: numbersOf(values.items),
    versionKey: values.rest.readBigUInt64LE(),
  };
}

/** The bytes of a vector's items of `width` bytes each, and what follows; null when the bytes end before. */
function readVector(
  bytes: Uint8Array,
  width: number,
): Readonly<{ items: Buffer; rest: Buffer }> | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  // The fourth mode of compact numbers starts at 2^30.
  if (buffer.length === 0 || ((buffer[0] ?? 0) & 0b11) === 0b11) return null;
  const [start, count] = compactFromU8aLim(buffer);
  const end = start + count * width;
  if (end > buffer.length) return null;
  return { items: buffer.subarray(start, end), rest: buffer.subarray(end) };
}

function littleEndian(numbers: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(2 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeUInt16LE(number, 2 * index);
  return bytes;
}

function numbersOf(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16LE(2 * index));
}
