import { type ArchiveFault, archiveFault } from './archive-fault.ts';
import { type Content, type ReadTar, tarEntries } from './tar-entries.ts';
import { BLOCK_BYTES, readTarHeader } from './tar-header.ts';

/** Archives are padded to whole records, of 20 blocks by default and of 2,048 at the most. */
const MAX_PADDING_BYTES = 1_024 * 1_024;

/** Two blocks of zeros end an archive. */
const END_BLOCKS = 2;

/** Reads an archive piece by piece, in memory that does not grow with it. */
export type TarReader = Readonly<{
  /** The first thing that is wrong, up to this piece; null while all is well. Nothing is asked after a fault. */
  feed: (piece: Uint8Array) => ArchiveFault | null;
  end: () => ReadTar | ArchiveFault;
}>;

/**
 * Reads a tar archive without unpacking it: every header by `tarEntries`, every content by its length. It takes less than
 * other readers do, so that whatever unpacks it later finds exactly what was listed here. Pieces may be cut anywhere.
 */
export function createTarReader(): TarReader {
  const entries = tarEntries();
  const block = new Uint8Array(BLOCK_BYTES);
  let filled = 0;
  let content: OpenContent | null = null;
  let zeros = 0;
  let padding = 0;

  const takeBlock = (): ArchiveFault | null => {
    filled = 0;
    if (block.every((byte) => byte === 0)) {
      zeros += 1;
      return null;
    }
    if (zeros > 0) return archiveFault('after-end', 'an archive that goes on after its end');
    const header = readTarHeader(block);
    if (header.kind === 'fault') return header;
    const taken = entries.take(header);
    if ('kind' in taken) return taken;
    if (taken.bytes > 0) content = openContent(taken);
    return null;
  };
  /** Takes as much of a piece as belongs together; gives how many bytes, or a fault. */
  const take = (piece: Uint8Array): number | ArchiveFault => {
    if (content !== null) {
      const { taken, whole } = content.take(piece);
      if (whole === null) return taken;
      const { done } = content;
      content = null;
      return done?.(whole) ?? taken;
    }
    if (zeros >= END_BLOCKS) {
      padding += piece.length;
      if (padding > MAX_PADDING_BYTES || piece.some((byte) => byte !== 0))
        return archiveFault('after-end', 'more than padding after the end of the archive');
      return piece.length;
    }
    const taken = Math.min(BLOCK_BYTES - filled, piece.length);
    block.set(piece.subarray(0, taken), filled);
    filled += taken;
    return filled < BLOCK_BYTES ? taken : (takeBlock() ?? taken);
  };

  return {
    feed: (piece) => {
      for (let at = 0; at < piece.length; ) {
        const taken = take(piece.subarray(at));
        if (typeof taken !== 'number') return taken;
        at += taken;
      }
      return null;
    },
    end: () =>
      content !== null || filled > 0 || zeros < END_BLOCKS
        ? archiveFault('tar-truncated', 'an archive without its end')
        : entries.end(),
  };
}

type OpenContent = Pick<Content, 'done'> &
  Readonly<{
    /** Takes what of a piece is its own; `whole` is there once all of it came, padding included. */
    take: (piece: Uint8Array) => Readonly<{ taken: number; whole: Uint8Array | null }>;
  }>;

function openContent({ bytes, done }: Content): OpenContent {
  const kept: Uint8Array[] = [];
  let left = bytes;
  let padding = (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
  return {
    done,
    take: (piece) => {
      const own = Math.min(left, piece.length);
      left -= own;
      // The piece's memory is the stream's to use again.
      if (done !== null) kept.push(Uint8Array.from(piece.subarray(0, own)));
      const pad = Math.min(padding, piece.length - own);
      padding -= pad;
      return { taken: own + pad, whole: left + padding === 0 ? Buffer.concat(kept) : null };
    },
  };
}
