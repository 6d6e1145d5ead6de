import { AppError } from '../errors.ts';
import { decode, type Scale, struct, vec } from './scale.ts';
import { bytes, u16, u64 } from './scale-basic.ts';

/** Weights as a timelocked commit conceals them. */
export type WeightsPayload = Readonly<{
  /** The public key of whoever made the commit, 64 hex digits; null in the older structure. */
  hotkey: string | null;
  uids: readonly number[];
  values: readonly number[];
  versionKey: bigint;
}>;

/** Reads a payload with hotkey, or else one of the older structure without, as the runtime does. Null for anything else. */
export function decodeWeightsPayload(plaintext: Uint8Array): WeightsPayload | null {
  const payload = decodeOrNull(current, plaintext);
  if (payload?.hotkey.length === HOTKEY_DIGITS) return payload;
  const without = decodeOrNull(older, plaintext);
  return without === null ? null : { hotkey: null, ...without };
}

const weights = { uids: vec(u16), values: vec(u16), versionKey: u64 };
const current = struct({ hotkey: bytes, ...weights });
const older = struct(weights);

/** Of 32 bytes: the runtime takes no other length for a hotkey. */
const HOTKEY_DIGITS = 64;

function decodeOrNull<T>(scale: Scale<T>, plaintext: Uint8Array): T | null {
  try {
    return decode(scale, plaintext);
  } catch (error) {
    // Bytes that are no such value make the decoder throw, which here is an answer.
    if (error instanceof AppError) return null;
    throw error;
  }
}
