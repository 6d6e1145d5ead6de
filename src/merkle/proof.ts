import { HASH_BYTES, type Hash, nodeOf, sameHash } from './tree.ts';

/** A size or an index: what came from outside may be greater than a number can hold exactly. */
type Count = number | bigint;

/** RFC 6962 counts leaves in 64 bits. */
const MAX_COUNT = 2n ** 64n - 1n;

type InclusionClaim = {
  leaf: Hash;
  index: Count;
  size: Count;
  proof: readonly Hash[];
  root: Hash;
};

/**
 * Whether the leaf hash stands at that index of the tree with that size and root (RFC 9162 section 2.1.3.2). Total:
 * whatever is malformed is false.
 */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { leaf, proof, root } = claim;
  const index = count(claim.index);
  const size = count(claim.size);
  if (index === null || size === null || index >= size) return false;
  if (!areHashes([leaf, root, ...proof])) return false;
  const place = { first: index, last: size - 1n };
  let node = leaf;
  for (const sibling of proof) {
    if (place.last === 0n) return false;
    const fromLeft = joinsFromLeft(place);
    node = fromLeft ? nodeOf(sibling, node) : nodeOf(node, sibling);
    climb(place, fromLeft);
  }
  return place.last === 0n && sameHash(node, root);
}

/**
 * The root that the tree had when this leaf was its last: all that stood left of the leaf is in its proof. Null
 * unless `verifyInclusion` holds. What differs from it is no root that this tree ever had at that size.
 */
export function rootUpTo(claim: InclusionClaim): Hash | null {
  if (!verifyInclusion(claim)) return null;
  const place = { first: BigInt(claim.index), last: BigInt(claim.size) - 1n };
  let node = claim.leaf;
  for (const sibling of claim.proof) {
    const fromLeft = joinsFromLeft(place);
    if (fromLeft) node = nodeOf(sibling, node);
    climb(place, fromLeft);
  }
  return node;
}

/**
 * Whether the tree of size `from` is the beginning of the tree of size `to` (RFC 9162 section 2.1.4.2). Total:
 * whatever is malformed is false, and so is the size 0 on either side, of which nothing can be proved.
 */
export function verifyConsistency(claim: {
  from: { size: Count; root: Hash };
  to: { size: Count; root: Hash };
  proof: readonly Hash[];
}): boolean {
  const { from, to, proof } = claim;
  const first = count(from.size);
  const second = count(to.size);
  if (first === null || second === null || first === 0n || first > second) return false;
  if (!areHashes([from.root, to.root, ...proof])) return false;
  if (first === second) return proof.length === 0 && sameHash(from.root, to.root);
  return provesGrowth({ size: first, root: from.root }, { size: second, root: to.root }, proof);
}

type Sized = Readonly<{ size: bigint; root: Hash }>;

function provesGrowth(from: Sized, to: Sized, proof: readonly Hash[]): boolean {
  const place = { first: from.size - 1n, last: to.size - 1n };
  while (isOdd(place.first)) halve(place);
  // A first size that is a power of two is a subtree of the second tree: its root is where the proof sets out.
  const [start, ...path] = place.first === 0n ? [from.root, ...proof] : proof;
  if (proof.length === 0 || start === undefined) return false;
  let earlier = start;
  let later = start;
  for (const sibling of path) {
    if (place.last === 0n) return false;
    const fromLeft = joinsFromLeft(place);
    if (fromLeft) earlier = nodeOf(sibling, earlier);
    later = fromLeft ? nodeOf(sibling, later) : nodeOf(later, sibling);
    climb(place, fromLeft);
  }
  return place.last === 0n && sameHash(earlier, from.root) && sameHash(later, to.root);
}

/** Where the node on the path (`first`) and the last node (`last`) stand in the level that the proof has reached. */
type Place = { first: bigint; last: bigint };

/** A right child, or the last node of its level, has its next sibling on the left. */
function joinsFromLeft({ first, last }: Place): boolean {
  return isOdd(first) || first === last;
}

/** One level up, and past the levels in which the last node has no sibling and goes up unchanged. */
function climb(place: Place, fromLeft: boolean): void {
  while (fromLeft && !isOdd(place.first) && place.first !== 0n) halve(place);
  halve(place);
}

function halve(place: Place): void {
  place.first >>= 1n;
  place.last >>= 1n;
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n;
}

/** The value, where it is a whole number that a tree can have; else null. */
function count(value: Count): bigint | null {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return null;
  const whole = BigInt(value);
  return whole >= 0n && whole <= MAX_COUNT ? whole : null;
}

function areHashes(hashes: readonly Hash[]): boolean {
  return hashes.every((one) => one.length === HASH_BYTES);
}
