import { Ss58 } from './scalars.ts';

/**
 * The 32 bytes of the public key in an ss58 address of prefix 42, null for anything else. Its checksum is
 * not verified here: whoever uses the key for a signature has an address with a wrong one refused there.
 */
export function ss58PublicKey(hotkey: string): Uint8Array | null {
  if (!Ss58.safeParse(hotkey).success) return null;
  let value = 0n;
  for (const digit of hotkey) value = value * 58n + BigInt(ALPHABET.indexOf(digit));
  const hex = value.toString(16);
  // An address of 48 digits may hold more than the 35 bytes of prefix, key and checksum.
  if (hex.length > 2 * ADDRESS_BYTES) return null;
  const bytes = Buffer.from(hex.padStart(2 * ADDRESS_BYTES, '0'), 'hex');
  return bytes[0] === PREFIX ? new Uint8Array(bytes.subarray(1, 1 + KEY_BYTES)) : null;
}

/** Bitcoin's base 58, which ss58 uses: no 0, O, I and l. */
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const PREFIX = 42;
const KEY_BYTES = 32;
/** Prefix, key, two bytes of checksum. */
const ADDRESS_BYTES = 1 + KEY_BYTES + 2;
