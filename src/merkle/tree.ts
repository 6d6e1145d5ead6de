import { AppError } from '../errors.ts';
import { leafHash, sha256 } from '../events/hash.ts';

/** A SHA-256 hash of a Merkle tree: 32 bytes. */
export type Hash = Uint8Array;

export const HASH_BYTES = 32;

/** The root of a tree without leaves: SHA-256 of nothing (RFC 6962 section 2.1). */
export const EMPTY_ROOT: Hash = hashOf(sha256(''));

/** All that is needed to go on: the roots of the largest full subtrees, left to right, largest first. */
export type TreeState = Readonly<{ size: number; peaks: readonly Hash[] }>;

/** A Merkle tree that grows at its right edge and keeps one hash for each one-bit of its size. */
export type Tree = Readonly<{
  size: () => number;
  append: (leaf: Hash) => void;
  root: () => Hash;
  state: () => TreeState;
}>;

/**
 * A growing Merkle tree (RFC 6962 section 2.1), empty or going on from an earlier `state()`. Takes leaf hashes, see
 * `leafOf`. Throws `checkpoint.invalid` where the state's peaks don't fit its size.
 */
export function createTree(from: TreeState = { size: 0, peaks: [] }): Tree {
  checkState(from);
  let size = from.size;
  const peaks = [...from.peaks];
  return {
    size: () => size,
    append: (leaf) => {
      let node = leaf;
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2)
        node = nodeOf(takeLast(peaks), node);
      peaks.push(node);
      size += 1;
    },
    root: () => foldPeaks(peaks),
    state: () => ({ size, peaks: [...peaks] }),
  };
}

/** The leaf hash of a stored payload: SHA-256(0x00 ‖ payload) (RFC 6962 section 2.1); the bytes of `leafHash`. */
export function leafOf(payload: Uint8Array): Hash {
  return hashOf(leafHash(payload));
}

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 6962 section 2.1). Both are 32 bytes. */
export function nodeOf(left: Hash, right: Hash): Hash {
  nodePreimage.set(left, 1);
  nodePreimage.set(right, 1 + HASH_BYTES);
  return hashOf(sha256(nodePreimage));
}

/** The root over hashes that lie side by side, a power of two of them: each pair is folded in place. */
export function subtreeOf(hashes: Uint8Array): Hash {
  const row = Buffer.from(hashes);
  for (let count = row.length / HASH_BYTES; count > 1; count /= 2) {
    for (let at = 0; at < count / 2; at++) {
      row.copy(nodePreimage, 1, 2 * at * HASH_BYTES, (2 * at + 2) * HASH_BYTES);
      row.write(sha256(nodePreimage), at * HASH_BYTES, 'hex');
    }
  }
  return Uint8Array.from(row.subarray(0, HASH_BYTES));
}

/** One buffer for every node: it is filled and hashed without a pause in between, and nobody else sees it. */
const nodePreimage = Buffer.alloc(1 + 2 * HASH_BYTES);
nodePreimage[0] = 1;

/** The root over full subtrees, left to right, largest first: each joins what is right of it. None gives `EMPTY_ROOT`. */
export function foldPeaks(peaks: readonly Hash[]): Hash {
  return peaks.length === 0 ? EMPTY_ROOT : peaks.reduceRight((right, left) => nodeOf(left, right));
}

/** Whether two hashes are the same bytes. */
export function sameHash(one: Hash, other: Hash): boolean {
  return Buffer.compare(one, other) === 0;
}

/** A hash in 64 lower-case hex digits, as events, rows and file names have it. */
export function hexOf(hash: Hash): string {
  return Buffer.from(hash).toString('hex');
}

/** The hash that 64 hex digits stand for; node:crypto gives them sooner than a digest in a buffer of its own. */
export function hashOf(hex: string): Hash {
  return Buffer.from(hex, 'hex');
}

function takeLast(peaks: Hash[]): Hash {
  const last = peaks.pop();
  if (last === undefined)
    throw new AppError('checkpoint.invalid', { expected: 'a peak for each one-bit of the size' });
  return last;
}

function checkState({ size, peaks }: TreeState): void {
  const sound = Number.isSafeInteger(size) && size >= 0 && peaks.length === oneBits(size);
  if (sound && peaks.every((peak) => peak.length === HASH_BYTES)) return;
  throw new AppError('checkpoint.invalid', {
    field: 'state',
    size,
    peaks: peaks.length,
    expected: 'a peak of 32 bytes for each one-bit of the size',
  });
}

/** How many full subtrees a tree of that many leaves has. */
function oneBits(size: number): number {
  let bits = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2;
  return bits;
}
