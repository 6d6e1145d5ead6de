import { AppError } from '../errors.ts';
import { verifyConsistency } from '../merkle/proof.ts';
import { decodeEntries, entriesBetween, entriesPath, tilePath } from '../merkle/tile.ts';
import { consistencyProof } from '../merkle/tile-proof.ts';
import { type Hash, hexOf, leafOf, sameHash } from '../merkle/tree.ts';
import type { LogFile } from './log-files.ts';
import { type Edge, extend, rootOfEdge } from './second-way.ts';
import type { SizedRoot } from './sized-root.ts';
import { decodeStaging } from './staging.ts';

/** A staging that is what it claims to be, and the edge of the log that it leads to. */
export type Verified = Readonly<{ edge: Edge; files: readonly LogFile[] }>;

/**
 * Verifies staged bytes as they were read back from disk, before anything of them is signed or published: the
 * events are hashed anew, root and tiles are computed the second way and compared byte for byte, and the tiles,
 * with `read` for those that are published, have to prove that the log that was signed before is the beginning of this one.
 * Throws `checkpoint.invalid` for whatever differs.
 */
export async function verifyStaged(
  bytes: Uint8Array,
  { from, edge, to }: Readonly<{ from: SizedRoot; edge: Edge; to: SizedRoot }>,
  read: (path: string) => Promise<Uint8Array>,
): Promise<Verified> {
  const staging = decodeStaging(bytes);
  const claims = [staging.from === from.size, staging.size === to.size, staging.root === to.root];
  if (claims.includes(false)) throw differs('staging', 'a log of another size or root');
  const previous = rootOfEdge(edge);
  if (hexOf(previous) !== from.root) throw differs('edge', hexOf(previous));

  const staged = new Map(staging.files.map((file) => [file.path, file.bytes]));
  const bundles = entriesBetween(from.size, to.size);
  const leaves = bundles.flatMap((ref) => leavesIn(staged, ref));
  const before = edge[0] ?? [];
  if (!before.every((leaf, at) => sameHash(leaf, leaves[at] ?? NOTHING)))
    throw differs('entries', 'an event that was covered before, altered');
  const second = extend(edge, from.size, leaves.slice(before.length));
  if (hexOf(second.root) !== to.root) throw differs('root', hexOf(second.root));
  compareTiles(staged, second.tiles, bundles.length);
  await proveGrowth(
    { from, to, previous, root: second.root },
    async (path) => staged.get(path) ?? read(path),
  );
  return { edge: second.edge, files: staging.files };
}

const NOTHING: Hash = new Uint8Array(0);

function leavesIn(
  staged: ReadonlyMap<string, Uint8Array>,
  { index, width }: Readonly<{ index: number; width: number }>,
): readonly Hash[] {
  const path = entriesPath(index, width);
  const bytes = staged.get(path);
  if (bytes === undefined) throw differs(path, 'nothing');
  const payloads = decodeEntries(bytes);
  if (payloads.length !== width) throw differs(path, `${payloads.length} entries`);
  return payloads.map(leafOf);
}

function compareTiles(
  staged: ReadonlyMap<string, Uint8Array>,
  expected: ReadonlyMap<string, Uint8Array>,
  bundles: number,
): void {
  for (const [path, tile] of expected) {
    const found = staged.get(path);
    if (found === undefined || Buffer.compare(found, tile) !== 0)
      throw differs(path, 'another tile');
  }
  if (staged.size !== expected.size + bundles)
    throw differs('staging', `${staged.size} files, not ${expected.size + bundles}`);
}

/** Of a log without events nothing has to be proved, and nothing can be. */
async function proveGrowth(
  {
    from,
    to,
    previous,
    root,
  }: Readonly<{ from: SizedRoot; to: SizedRoot; previous: Hash; root: Hash }>,
  read: (path: string) => Promise<Uint8Array>,
): Promise<void> {
  if (from.size === 0) return;
  const proof = await consistencyProof({ from: from.size, to: to.size }, (level, index, width) =>
    read(tilePath(level, index, width)),
  );
  const proved = verifyConsistency({
    from: { size: from.size, root: previous },
    to: { size: to.size, root },
    proof,
  });
  if (!proved) throw differs('tiles', 'no proof that the log only grew');
}

function differs(field: string, found: string): AppError {
  return new AppError('checkpoint.invalid', {
    field,
    found,
    expected: 'what the first computation gave; nothing was signed',
    next: 'the memory or the disk of this machine altered data: check it before the validator is started again',
  });
}
