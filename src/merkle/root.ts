import { hash } from 'node:crypto';
import type { Hash } from './tree.ts';

/**
 * The root over leaf hashes, by the definition of RFC 6962 section 2.1 word for word. The sequencer computes each
 * root a second time with it, so that one flaw or one flipped bit isn't signed: it shares no code with the growing
 * tree but SHA-256 itself.
 */
export function rootOf(leaves: readonly Hash[]): Hash {
  return leaves.length === 0 ? sha256() : subtree(leaves, 0, leaves.length);
}

/** MTH(D[start:end]): a single leaf is its own root, else both sides of the split hash to one node. */
function subtree(leaves: readonly Hash[], start: number, end: number): Hash {
  const first = leaves[start];
  if (first !== undefined && end - start === 1) return first;
  const split = start + largestPowerOfTwoBelow(end - start);
  return sha256(NODE_PREFIX, subtree(leaves, start, split), subtree(leaves, split, end));
}

const NODE_PREFIX = Uint8Array.of(1);

function largestPowerOfTwoBelow(count: number): number {
  return 2 ** (31 - Math.clz32(count - 1));
}

function sha256(...parts: readonly Uint8Array[]): Hash {
  // By way of text: node:crypto takes twice as long for a digest in a buffer of its own.
  return Buffer.from(hash('sha256', concat(parts), 'hex'), 'hex');
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
