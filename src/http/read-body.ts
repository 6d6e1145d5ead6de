import type { IncomingMessage } from 'node:http';

/** What came of reading a body; `broken` when the client left or its time was up. */
export type ReadBody =
  | Readonly<{ kind: 'read'; bytes: Uint8Array }>
  | Readonly<{ kind: 'too-large' }>
  | Readonly<{ kind: 'broken' }>;

/** Most bodies without an announced length are smaller. */
const FIRST_BYTES = 4_096;

/** Memory that is taken on a client's word alone. */
const MAX_FIRST_BYTES = 65_536;

/**
 * The body of a request, if it has at most `maxBytes`. It is copied into one piece of memory: keeping
 * the pieces as they came would cost a hundred bytes for each byte that was sent alone. How long it
 * may take is the server's limit on a whole request.
 */
export function readBody(req: IncomingMessage, maxBytes: number): Promise<ReadBody> {
  const announced = req.headers['content-length'];
  if (Number(announced ?? 0) > maxBytes) return Promise.resolve({ kind: 'too-large' });
  if (req.destroyed) return Promise.resolve({ kind: 'broken' });
  const first = Math.min(Number(announced ?? FIRST_BYTES), maxBytes, MAX_FIRST_BYTES);
  return new Promise((resolve) => {
    let buffer = Buffer.alloc(first);
    let length = 0;
    const settle = (outcome: ReadBody): void => {
      req.off('data', take);
      resolve(outcome);
    };
    const take = (chunk: Buffer): void => {
      const end = length + chunk.length;
      if (end > maxBytes) return settle({ kind: 'too-large' });
      if (end > buffer.length) {
        const larger = Buffer.alloc(Math.min(maxBytes, Math.max(end, 2 * buffer.length)));
        larger.set(buffer);
        buffer = larger;
      }
      buffer.set(chunk, length);
      length = end;
    };
    req.on('data', take);
    req.once('end', () => settle({ kind: 'read', bytes: buffer.subarray(0, length) }));
    req.once('error', () => settle({ kind: 'broken' }));
    // Of a request that was read to its end this comes later, and means nothing any more.
    req.once('close', () => settle({ kind: 'broken' }));
  });
}
