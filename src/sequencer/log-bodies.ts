import { AppError } from '../errors.ts';
import type { Head } from '../events/envelope.ts';
import { NO_LEAF } from '../events/hash.ts';
import { TILE_WIDTH } from '../merkle/tile.ts';
import { createTree, type Hash, hexOf, leafOf, sameHash } from '../merkle/tree.ts';
import type { SizedRoot } from './sized-root.ts';

/** A copy of a log, anybody's: the payloads of bundle `index`, at least `width` of them, or null where it has none. */
export type ReadBodies = (index: number, width: number) => Promise<readonly Uint8Array[] | null>;

/** The events of a log of which every one was found under the root that was signed. */
export type LogBodies = SizedRoot &
  Readonly<{
    leaves: readonly Hash[];
    /** The payloads of bundle `index`. Throws `checkpoint.invalid` where the copy gives others than before. */
    bundle: (index: number) => Promise<readonly Uint8Array[]>;
    /** Where the log stands after its first `size` events. */
    headAt: (size: number) => Head;
  }>;

/**
 * Reads a whole copy of a log and finds its root: it is the log, byte for byte, or it is refused. The copy is read
 * a second time when its bodies are used, so what is kept in memory is 32 bytes an event. Throws
 * `checkpoint.invalid`, with the bundle that ends too soon, or that the root is another one.
 */
export async function authenticateBodies(
  read: ReadBodies,
  { size, root }: SizedRoot,
  onProgress: (events: number) => void = () => undefined,
): Promise<LogBodies> {
  const tree = createTree();
  const leaves: Hash[] = [];
  for (let index = 0; leaves.length < size; index++) {
    for (const payload of await readWhole(read, index, size)) {
      const leaf = leafOf(payload);
      leaves.push(leaf);
      tree.append(leaf);
    }
    onProgress(leaves.length);
  }
  const found = hexOf(tree.root());
  if (found !== root)
    throw new AppError('checkpoint.invalid', {
      field: 'root',
      found,
      expected: `${root} over ${size} events, which was signed`,
    });
  return {
    size,
    root,
    leaves,
    bundle: async (index) => {
      const payloads = await readWhole(read, index, size);
      const same = payloads.every((payload, at) =>
        sameHash(leafOf(payload), leaves[index * TILE_WIDTH + at] ?? NOTHING),
      );
      if (!same) throw unusable(index, 'other events than when it was read before');
      return payloads;
    },
    headAt: (at) => {
      const last = at === 0 ? undefined : leaves[at - 1];
      return { size: at, hash: last === undefined ? NO_LEAF : hexOf(last) };
    },
  };
}

/** For each bundle the first copy that has all of it. Whether it is right, the root says in the end. */
export function firstBodies(copies: readonly ReadBodies[]): ReadBodies {
  return async (index, width) => {
    for (const read of copies) {
      const payloads = await read(index, width);
      if (payloads !== null && payloads.length >= width) return payloads;
    }
    return null;
  };
}

const NOTHING: Hash = new Uint8Array(0);

/** The payloads of a bundle as far as the log of that size goes. */
async function readWhole(
  read: ReadBodies,
  index: number,
  size: number,
): Promise<readonly Uint8Array[]> {
  const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
  const payloads = await read(index, width);
  if (payloads === null) throw unusable(index, 'nothing');
  if (payloads.length < width) throw unusable(index, `${payloads.length} events`);
  return payloads.slice(0, width);
}

function unusable(index: number, found: string): AppError {
  return new AppError('checkpoint.invalid', {
    field: `bundle ${index}`,
    found,
    expected: 'the events that were signed; another copy may have them',
  });
}
