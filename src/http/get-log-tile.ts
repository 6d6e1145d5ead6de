import { z } from 'zod';
import { AppError } from '../errors.ts';
import { entriesPath, parseTilePath, TILE_WIDTH, tilePath } from '../merkle/tile.ts';
import { HASH_BYTES } from '../merkle/tree.ts';
import { createBulkGate } from './bulk-gate.ts';
import { answerBusy } from './problem.ts';
import { notPublished, type PublishedLogDeps } from './published-log.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

/**
 * GET /log/tile/…: hashes and entries of the log (C2SP tlog-tiles), the same bytes for ever. No path of a
 * client's reaches the disk: it is parsed, and what it stands for is looked up by the path that follows
 * from that. What the newest checkpoint does not cover is not published, though it may lie there already.
 */
export function getLogTile({ publishedLog }: PublishedLogDeps): Route {
  const gate = createBulkGate();
  return defineRoute(spec, async ({ req, res }) => {
    // As it was asked for: in the decoded parameter an encoded slash would look like a real one.
    const asked = req.path.slice('/log/'.length);
    const tile = parseTilePath(asked);
    const size = publishedLog.checkpoint()?.size ?? null;
    if (tile === null || size === null || !covers(size, tile)) {
      throw notPublished('tile', asked, size);
    }
    const { index, width } = tile;
    const path =
      tile.kind === 'tile' ? tilePath(tile.level, index, width) : entriesPath(index, width);
    const file = await publishedLog.file(path);
    if (file === null) throw notPublished('tile', asked, size);
    // Whoever caches a tile does so for a year.
    const isWhole = tile.kind === 'tile' ? file.size === width * HASH_BYTES : file.size > 0;
    if (!isWhole) throw new AppError('file.unreadable', { path, bytes: file.size });
    if (!gate.enter(res, file.size)) return answerBusy(req, res);
    const bytes = await file.read();
    if (bytes === null) throw notPublished('tile', asked, size);
    sendDocument(req, res, byteDocument(bytes, 'immutable', 'application/octet-stream'));
  });
}

/** Whether a log of that size has these hashes, or these entries. */
function covers(size: number, tile: NonNullable<ReturnType<typeof parseTilePath>>): boolean {
  const level = tile.kind === 'tile' ? tile.level : 0;
  return tile.index * TILE_WIDTH + tile.width <= Math.floor(size / TILE_WIDTH ** level);
}

const spec = {
  path: '/log/tile/*tile',
  summary: 'Hashes (`<level>/<index>`) and events (`entries/<index>`) of the log',
  params: z.strictObject({ tile: z.array(z.string()).describe('As C2SP tlog-tiles: 0/x001/067') }),
  query: NoParams,
  answers: [
    {
      status: 200,
      description: 'A tile or a bundle of entries, partial where `.p/<width>` says so',
      contentType: 'application/octet-stream',
      schema: null,
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404],
} as const;
