import { blake2AsU8a } from '@polkadot/util-crypto/cjs/blake2/index';
import { AppError } from '../errors.ts';

/** The bytes of hex digits, with or without 0x. Throws `input.invalid` for anything else. */
export function fromHex(hex: string): Uint8Array {
  const digits = hex.startsWith('0x') ? hex.slice(2) : hex;
  const bytes = Buffer.from(digits, 'hex');
  // Node stops silently at the first character that is no digit.
  if (bytes.length * 2 !== digits.length)
    throw new AppError('input.invalid', {
      field: 'hex',
      value: hex,
      expected: 'pairs of hex digits',
    });
  return bytes;
}

/** Lower-case hex digits behind 0x, as Substrate's JSON-RPC has them. */
export function toHex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

/** BLAKE2b-256 in 64 hex digits. */
export function blake2b256(bytes: Uint8Array): string {
  return Buffer.from(blake2AsU8a(bytes, 256)).toString('hex');
}
