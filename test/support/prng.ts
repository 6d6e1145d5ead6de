import { sha256 } from '#src/events/hash.ts';

/**
 * A repeatable stream of numbers in [0, 1) for a seed of any text: xorshift over 128 bits (Marsaglia,
 * "Xorshift RNGs", 2003) that start as the seed's SHA-256. For tests only.
 */
export function prng(seed: string): () => number {
  const start = sha256(seed);
  const word = (index: number): number =>
    Number.parseInt(start.slice(8 * index, 8 * index + 8), 16);
  // The state must not be all zeros, which the last word rules out.
  let [x, y, z, w] = [word(0), word(1), word(2), word(3) | 1];
  return () => {
    const t = x ^ (x << 11);
    [x, y, z] = [y, z, w];
    w = (w ^ (w >>> 19) ^ t ^ (t >>> 8)) >>> 0;
    return w / 2 ** 32;
  };
}
