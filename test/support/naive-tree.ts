import { rootOf } from '#src/merkle/root.ts';
import type { ReadTile } from '#src/merkle/tile-proof.ts';
import type { Hash } from '#src/merkle/tree.ts';

/** Hashes of a tile, here written down a second time. */
const TILE_WIDTH = 256;

/** What a tree has to answer, by the definitions of RFC 6962 alone and from all of its leaves. */
export type NaiveTree = Readonly<{
  root: (size: number) => Hash;
  /** PATH(index, D[size]) of section 2.1.1. */
  inclusion: (index: number, size: number) => readonly Hash[];
  /** PROOF(from, D[to]) of section 2.1.2. */
  consistency: (from: number, to: number) => readonly Hash[];
  /** The tiles that a log of that size publishes, and no others: the reader refuses what such a log doesn't have. */
  tiles: (size: number) => ReadTile;
}>;

export function naiveTree(leaves: readonly Hash[]): NaiveTree {
  const known = new Map<string, Hash>();
  const mth = (start: number, end: number): Hash => {
    const key = `${start}-${end}`;
    const middle = start + splitOf(end - start);
    const hash =
      known.get(key) ??
      rootOf(end - start < 2 ? leaves.slice(start, end) : [mth(start, middle), mth(middle, end)]);
    known.set(key, hash);
    return hash;
  };
  const path = (index: number, start: number, end: number): readonly Hash[] => {
    if (end - start === 1) return [];
    const middle = start + splitOf(end - start);
    return index < middle
      ? [...path(index, start, middle), mth(middle, end)]
      : [...path(index, middle, end), mth(start, middle)];
  };
  const subproof = (from: number, start: number, end: number, whole: boolean): readonly Hash[] => {
    if (from === end) return whole ? [] : [mth(start, end)];
    const middle = start + splitOf(end - start);
    return from <= middle
      ? [...subproof(from, start, middle, whole), mth(middle, end)]
      : [...subproof(from, middle, end, false), mth(start, middle)];
  };
  const tiles = new Map<string, Uint8Array>();
  /** As wide as all leaves make it: a narrower one is its beginning. */
  const tile = (level: number, index: number): Uint8Array => {
    const span = TILE_WIDTH ** level;
    const first = index * TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, Math.floor(leaves.length / span) - first);
    const nodes = Array.from({ length: width }, (_, at) => first + at);
    const bytes =
      tiles.get(`${level}/${index}`) ??
      Buffer.concat(nodes.map((at) => mth(at * span, (at + 1) * span)));
    tiles.set(`${level}/${index}`, bytes);
    return bytes;
  };
  return {
    root: (size) => mth(0, size),
    inclusion: (index, size) => path(index, 0, size),
    consistency: (from, to) => subproof(from, 0, to, true),
    tiles: (size) => async (level, index, width) => {
      const hashes = Math.floor(size / TILE_WIDTH ** level);
      const published = Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH);
      if (width !== published || width < 1)
        throw new Error(`a log of size ${size} has no tile ${level}/${index} of width ${width}`);
      return tile(level, index).subarray(0, width * 32);
    },
  };
}

/** The largest power of two that is less than `count`. */
function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}
