export type BodyCollector = {
  /** Copies the piece; false, and nothing is taken, when it would pass the limit. */
  add(piece: Uint8Array): boolean;
  /** Bytes gathered so far. */
  size(): number;
  /** All of them in one array of its own. */
  take(): Uint8Array;
};

const SEGMENT_BYTES = 32_768; // a report on a few hundred miners fits into one

/** Gathers a body by copying: keeping the pieces would cost a hundred bytes for each byte that was sent alone. */
export function createBodyCollector(bytesMax: number): BodyCollector {
  const segments: Uint8Array[] = [];
  let free = new Uint8Array(0); // the unused end of the last segment
  let size = 0;
  return {
    add(piece) {
      if (size + piece.length > bytesMax) return false;
      size += piece.length;
      for (let rest = piece; rest.length > 0; ) {
        if (free.length === 0) {
          free = new Uint8Array(SEGMENT_BYTES);
          segments.push(free);
        }
        const part = rest.subarray(0, free.length);
        free.set(part);
        free = free.subarray(part.length);
        rest = rest.subarray(part.length);
      }
      return true;
    },
    size: () => size,
    take() {
      const body = new Uint8Array(size);
      for (const [index, segment] of segments.entries()) {
        const start = index * SEGMENT_BYTES;
        body.set(segment.subarray(0, size - start), start);
      }
      return body;
    },
  };
}
