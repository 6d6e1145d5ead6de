import type { Response } from 'express';
import { commonHeaders } from './signed-bytes.ts';

/** Answers with a value that holds for this moment only, so nobody may keep it. */
export function sendJson(res: Response, status: number, value: unknown): void {
  sendText(res, status, JSON.stringify(value), 'application/json');
}

/** As `sendJson`, with text of another type; `more` are further header fields, flat. */
export function sendText(
  res: Response,
  status: number,
  text: string | Uint8Array,
  contentType: string,
  more: readonly string[] = [],
): void {
  res
    .writeHead(status, [
      ...commonHeaders,
      'Cache-Control',
      'no-store',
      'Content-Type',
      contentType,
      'Content-Length',
      String(Buffer.byteLength(text)),
      ...more,
    ])
    .end(text);
}
