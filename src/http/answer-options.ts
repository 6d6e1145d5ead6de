import type { RequestHandler } from 'express';
import { commonHeaders } from './signed-bytes.ts';

/** A day: what a path answers changes with the software alone. */
const PREFLIGHT_SECONDS = 86_400;

/**
 * Answers OPTIONS with the methods of a path, to a browser that asks before a page of another origin
 * sends evidence, or asks with a tag, as well as to people.
 */
export function answerOptions(methods: string): RequestHandler {
  const headers = [
    ...commonHeaders,
    'Allow',
    `${methods}, OPTIONS`,
    'Access-Control-Allow-Methods',
    methods,
    'Access-Control-Allow-Headers',
    'Content-Type, If-None-Match',
    'Access-Control-Max-Age',
    String(PREFLIGHT_SECONDS),
  ];
  return (_req, res) => {
    res.writeHead(204, headers).end();
  };
}
