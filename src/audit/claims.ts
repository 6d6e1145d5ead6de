import { hexOf } from '../merkle/tree.ts';
import type { Faults } from './fault.ts';
import type { TileHashes } from './tile-hashes.ts';

/**
 * What somebody outside the log says that its tree was: an anchor that its hotkey committed to on chain, a
 * checkpoint that it signed and that a peer recorded, or one that a witness holds.
 */
export type TreeClaim = Readonly<{
  kind: 'anchor' | 'observation' | 'witness';
  /** Who says so: a block of the chain, a peer's log and event, a witness. */
  by: string;
  size: number;
  /** 64 hex digits. */
  root: string;
}>;

/**
 * Holds claims against the tree of the log that was read. A claim of another root at its size is a fork; one of
 * more events than were served means that the end of the log is withheld, or forked off. Anchors come in the
 * order of their blocks, in which a log never shrinks. Gives how many agree.
 */
export function checkClaims(
  claims: readonly TreeClaim[],
  { hashes, faults }: Readonly<{ hashes: TileHashes; faults: Faults }>,
): number {
  let agreeing = 0;
  let anchored: TreeClaim | null = null;
  for (const claim of claims) {
    const agrees = checkClaim(claim, hashes, faults);
    if (agrees) agreeing += 1;
    if (claim.kind !== 'anchor') continue;
    if (anchored !== null && claim.size < anchored.size) {
      faults.add({
        code: 'log-forked',
        index: claim.size,
        where: claim.by,
        expected: `an anchor of at least ${anchored.size} events, as in ${anchored.by}`,
        found: `an anchor of ${claim.size}`,
      });
    }
    anchored = claim;
  }
  return agreeing;
}

function checkClaim({ by, size, root }: TreeClaim, hashes: TileHashes, faults: Faults): boolean {
  const own = hashes.rootAt(size);
  if (own === undefined) {
    const found = `the log ends after ${hashes.size()}`;
    faults.add({
      code: 'log-truncated',
      index: hashes.size(),
      where: by,
      expected: `at least ${size} events`,
      found,
    });
    return false;
  }
  const computed = hexOf(own);
  if (computed === root) return true;
  // The first event that differs lies before it: which one, only the other tree could tell.
  faults.add({
    code: 'log-forked',
    index: size,
    where: by,
    expected: `the root ${root} of the first ${size} events`,
    found: computed,
  });
  return false;
}
