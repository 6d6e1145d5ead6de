import { z } from 'zod';
import { AppError } from '../errors.ts';
import { TILE_WIDTH, tilePath } from '../merkle/tile.ts';
import { inclusionProof, type ReadTile } from '../merkle/tile-proof.ts';
import { formatTlogProof } from '../merkle/tlog-proof.ts';
import { HASH_BYTES } from '../merkle/tree.ts';
import { NOTE_TYPE } from './get-log-checkpoint.ts';
import { answerTooMany } from './problem.ts';
import { notPublished, type PublishedLog, type PublishedLogDeps } from './published-log.ts';
import { createRateLimit } from './rate-limit.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams, wholeNumber } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

/**
 * GET /log/proof/{n}: that event `n` is in the log, as one file for a verifier who is offline (C2SP
 * tlog-proof), over the newest checkpoint. A convenience: anybody can make it from the tiles.
 */
export function getLogProof({ publishedLog }: PublishedLogDeps): Route {
  const limit = createRateLimit(LIMITS);
  return defineRoute(spec, async ({ params: { n }, req, res }) => {
    const checkpoint = publishedLog.checkpoint();
    if (checkpoint === null || n >= checkpoint.size) {
      throw notPublished('n', String(n), checkpoint?.size ?? null);
    }
    const waitSeconds = limit.admit(req.socket.remoteAddress ?? '');
    if (waitSeconds !== null) return answerTooMany(req, res, waitSeconds);
    const { size, note } = checkpoint;
    const proof = await inclusionProof({ index: n, size }, tilesOf(publishedLog));
    const bytes = formatTlogProof({ extra: null, index: n, proof, checkpoint: note });
    sendDocument(req, res, byteDocument(bytes, 'revalidate', NOTE_TYPE));
  });
}

/** To make a proof takes some 2 ms: at the overall rate a fifth of a core. Whoever needs many makes them from the tiles. */
const LIMITS = {
  perNetwork: { burst: 100, perSecond: 20 },
  overall: { burst: 200, perSecond: 100 },
} as const;

/**
 * The published tiles. Where the log grew meanwhile a full tile may stand in the place of a partial one,
 * which is its beginning. One that is not there at all is a fault of this validator.
 */
function tilesOf({ file }: PublishedLog): ReadTile {
  const read = async (path: string): Promise<Uint8Array | null> => {
    const found = await file(path);
    return found === null ? null : found.read();
  };
  return async (level, index, width) => {
    const path = tilePath(level, index, width);
    const bytes = (await read(path)) ?? (await read(tilePath(level, index, TILE_WIDTH)));
    if (bytes === null) throw new AppError('file.unreadable', { path, reason: 'missing' });
    return bytes.subarray(0, width * HASH_BYTES);
  };
}

const spec = {
  path: '/log/proof/:n',
  summary: 'That an event is in the log, over its newest checkpoint',
  params: z.strictObject({ n: wholeNumber(0, Number.MAX_SAFE_INTEGER) }),
  query: NoParams,
  answers: [
    {
      status: 200,
      description: 'C2SP tlog-proof: index, inclusion proof, checkpoint',
      contentType: 'text/plain',
      schema: null,
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404, 429],
} as const;
