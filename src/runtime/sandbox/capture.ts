import type { Readable } from 'node:stream';

/** The beginning of a stream as text. */
export type Capture = Readonly<{ text: string; truncated: boolean }>;

/** A program may go on writing for so many times what is kept; then nobody reads any more, and writing ends it. */
const IGNORED_FACTOR = 64;

/**
 * Reads a stream to its end and keeps its first bytes: what comes after them is dropped as it arrives. Bytes that are
 * no UTF-8 are replaced.
 */
export function captureUpTo(stream: Readable, maxBytes: number): Promise<Capture> {
  const kept: Buffer[] = [];
  let size = 0;
  return new Promise((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      const room = maxBytes - size;
      if (room > 0) kept.push(chunk.subarray(0, room));
      size += chunk.length;
      if (size > IGNORED_FACTOR * maxBytes) stream.destroy();
    });
    const settle = (): void =>
      resolve({ text: Buffer.concat(kept).toString('utf8'), truncated: size > maxBytes });
    // A broken pipe ends what was said, as its end does.
    stream.once('error', settle);
    stream.once('close', settle);
  });
}
