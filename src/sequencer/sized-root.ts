import type { Hash } from '../merkle/tree.ts';

/** How far a log had got: its size, and the root of its Merkle tree in 64 hex digits. */
export type SizedRoot = Readonly<{ size: number; root: string }>;

/** A hash in 64 lower-case hex digits, as events, rows and file names have it. */
export function hexOf(hash: Hash): string {
  return Buffer.from(hash).toString('hex');
}

/** The hash that 64 hex digits stand for. */
export function hashOf(hex: string): Hash {
  return Buffer.from(hex, 'hex');
}
