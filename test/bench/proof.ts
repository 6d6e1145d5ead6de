import { verifyInclusion } from '#src/merkle/proof.ts';
import { TILE_WIDTH } from '#src/merkle/tile.ts';
import { inclusionProof, type ReadTile } from '#src/merkle/tile-proof.ts';
import { formatTlogProof } from '#src/merkle/tlog-proof.ts';
import { HASH_BYTES, type Hash, leafOf } from '#src/merkle/tree.ts';
import { tileLevels, treeRoot } from '../support/tile-levels.ts';
import { milliseconds, repeat, summarise } from './measure.ts';
import { type Benchmark, plainRow } from './row.ts';

/** Inclusion proofs as `/log/proof/{n}` gives them, from tiles in memory. */
export const proof: Benchmark = {
  name: 'proof',
  summary: 'inclusion proofs in a log of a million events: their bytes and their time',
  measure: async (quick) => {
    const size = quick ? 3_000 : 1_000_000;
    const { leaves, root, read } = inMemoryLog(size);
    const indices = spread(size, quick ? 10 : 1_000);
    const proofs = await Promise.all(
      indices.map(async (index) => ({ index, proof: await inclusionProof({ index, size }, read) })),
    );
    for (const { index, proof } of proofs) {
      const leaf = leaves[index] ?? new Uint8Array();
      if (!verifyInclusion({ leaf, index, size, proof, root }))
        throw new Error(`${index}: no proof`);
    }
    const longest = (bytes: readonly number[]) => summarise([Math.max(...bytes)]);
    const texts = proofs.map(({ index, proof }) =>
      formatTlogProof({ extra: null, index, proof, checkpoint: NO_CHECKPOINT }),
    );
    const some = spread(size, 10);
    const time = await repeat(
      async () =>
        (await milliseconds(async () => {
          for (const index of some) await inclusionProof({ index, size }, read);
        })) / some.length,
      quick ? { warmUps: 0, rounds: 2 } : { warmUps: 20, rounds: 201 },
    );
    const of = `of the longest of ${indices.length.toLocaleString('en-US')} in ${size.toLocaleString('en-US')} events`;
    return [
      plainRow(
        { name: 'proof-hashes', what: `inclusion proof, hashes ${of}`, unit: 'bytes' },
        longest(proofs.map(({ proof }) => proof.length * HASH_BYTES)),
        [{ of: 'value', is: 'at most', bound: 1_024 }],
      ),
      plainRow(
        { name: 'proof-text', what: `tlog-proof before its checkpoint, text ${of}`, unit: 'bytes' },
        longest(texts.map(({ length }) => length)),
        [{ of: 'value', is: 'at most', bound: 1_024 }],
      ),
      plainRow(
        { name: 'proof-time', what: 'inclusion proof from tiles in memory', unit: 'ms' },
        time,
      ),
    ];
  },
};

/** What follows the proof in its file is as long as its signatures are many. */
const NO_CHECKPOINT = new Uint8Array();

/** As many indices from the first to the last. */
function spread(size: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => Math.floor((at * (size - 1)) / (count - 1)));
}

function inMemoryLog(size: number): { leaves: readonly Hash[]; root: Hash; read: ReadTile } {
  const leaves = Array.from({ length: size }, (_, n) => leafOf(Buffer.from(`{"n":${n}}`)));
  const levels = tileLevels(leaves);
  const read: ReadTile = async (level, index, width) => {
    const start = index * TILE_WIDTH;
    return Buffer.concat((levels[level] ?? []).slice(start, start + width));
  };
  return { leaves, root: treeRoot(leaves), read };
}
