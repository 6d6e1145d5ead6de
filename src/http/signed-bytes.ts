import type { Request, Response } from 'express';
import { sha256 } from '../events/hash.ts';

/** A body that is complete, with its header fields laid out once: serving it costs no more than a constant. */
export type ByteDocument = Readonly<{
  bytes: Uint8Array;
  /** Quoted, strong: SHA-256 of the bytes, because a signature over the same body may differ. */
  etag: string;
  /** Flat list of names and values, as `writeHead` takes it. */
  headers: string[];
  notModifiedHeaders: string[];
}>;

/**
 * How long a client may keep a document: for ever where it can't change, for a minute, or not without asking again;
 * `private`: for ever, but nothing that stands between.
 */
export type Caching = 'immutable' | 'private' | 'brief' | 'revalidate';

/** Header fields of every answer: bodies are what they say they are, and a page of any origin may audit. */
export const commonHeaders: readonly string[] = [
  'X-Content-Type-Options',
  'nosniff',
  'Access-Control-Allow-Origin',
  '*',
];

/** One year, the longest that RFC 9111 caches are known to honour. */
const IMMUTABLE_SECONDS = 31_536_000;

/** For what changes a few times in the life of a log. */
const BRIEF_SECONDS = 60;

const cacheControl: Readonly<Record<Caching, string>> = {
  immutable: `public, max-age=${IMMUTABLE_SECONDS}, immutable`,
  private: `private, max-age=${IMMUTABLE_SECONDS}, immutable`,
  brief: `public, max-age=${BRIEF_SECONDS}`,
  revalidate: 'public, no-cache',
};

/** Lays out bytes, signed or encoded before, for `sendDocument`: JSON unless another type is named. */
export function byteDocument(
  bytes: Uint8Array,
  caching: Caching,
  contentType = 'application/json',
): ByteDocument {
  const etag = `"${sha256(bytes)}"`;
  const notModifiedHeaders = [
    ...commonHeaders,
    'ETag',
    etag,
    'Cache-Control',
    cacheControl[caching],
  ];
  const headers = [
    ...notModifiedHeaders,
    'Content-Type',
    contentType,
    'Content-Length',
    String(bytes.length),
  ];
  return { bytes, etag, headers, notModifiedHeaders };
}

/** Answers with the document, or with 304 when the client says that it has these bytes (RFC 9110 section 13.1.2). */
export function sendDocument(req: Request, res: Response, document: ByteDocument): void {
  const ifNoneMatch = req.headers['if-none-match'];
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, document.etag)) {
    res.writeHead(304, document.notModifiedHeaders).end();
    return;
  }
  res.writeHead(200, document.headers).end(document.bytes);
}

/** The comparison is weak, as If-None-Match asks: a proxy that compressed the body marks our tag with `W/`. */
function matches(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((listed) => {
    const tag = listed.trim();
    return tag === '*' || tag === etag || tag === `W/${etag}`;
  });
}
