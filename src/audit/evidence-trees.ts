import { z } from 'zod';
import { Hex32 } from '../events/scalars.ts';
import { verifyInclusion } from '../merkle/proof.ts';
import { sameHash } from '../merkle/tree.ts';
import { type Refused, refused } from './evidence-form.ts';
import type { ForkPoint, ProvenLeaf } from './fork-point.ts';

/** A tree of 2^53 leaves. */
const MAX_PROOF_HASHES = 53;

/** A leaf of a tree, with the proof that it stands at its index. */
export const Inclusion = z.strictObject({
  index: z.int().min(0),
  leaf: Hex32,
  proof: z.array(Hex32).max(MAX_PROOF_HASHES),
});
export type Inclusion = z.infer<typeof Inclusion>;

/** A tree that somebody stands for; the leaf is null where he is held to size and root alone. */
export type TreeStatement = Readonly<{
  size: number;
  root: Uint8Array;
  inclusion: Inclusion | null;
}>;

/** Why two trees can be those of one growing log, as far as is shown; null when they cannot. */
export function contradictionOf(one: TreeStatement, other: TreeStatement): Refused | null {
  const leaves = [one.inclusion, other.inclusion] as const;
  if (one.size === other.size) {
    if (leaves[0] !== null || leaves[1] !== null)
      return refused('proof-needless', 'of one size: the roots alone tell');
    return sameHash(one.root, other.root)
      ? refused('no-contradiction', `both have that root at size ${one.size}`)
      : null;
  }
  if (leaves[0] === null || leaves[1] === null)
    return refused('proof-missing', `sizes ${one.size} and ${other.size}, but no leaf of both`);
  if (leaves[0].index !== leaves[1].index)
    return refused('different-leaves', `indices ${leaves[0].index} and ${leaves[1].index}`);
  if (leaves[0].leaf === leaves[1].leaf)
    return refused('no-contradiction', `both have that leaf at index ${leaves[0].index}`);
  return isProven(one, leaves[0]) && isProven(other, leaves[1])
    ? null
    : refused('bad-proof', `a leaf that is not shown to stand at index ${leaves[0].index}`);
}

function isProven({ size, root }: TreeStatement, { index, leaf, proof }: Inclusion): boolean {
  const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
  return verifyInclusion({ leaf: bytes(leaf), index, size, proof: proof.map(bytes), root });
}

/** A leaf of a fork as a statement carries it; null without a fork. */
export function inclusionOf(
  fork: ForkPoint | null,
  proven: ProvenLeaf | undefined,
): Inclusion | null {
  if (fork === null || proven === undefined) return null;
  return { index: fork.index, leaf: hexOf(proven.leaf), proof: proven.proof.map(hexOf) };
}

/** What a leaf says, for people. */
export function leafText(inclusion: Inclusion | null): string {
  return inclusion === null ? '' : `, leaf ${inclusion.index} is ${inclusion.leaf}`;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
