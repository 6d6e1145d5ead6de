import type { Request, Response } from 'express';
import type { z } from 'zod';
import { parseRequest } from './parse-request.ts';
import { answerTooLarge, answerTooMany, answerWrongType } from './problem.ts';
import type { RateLimit } from './rate-limit.ts';
import { readBody } from './read-body.ts';
import type { BodySpec, Exchange, Route, RouteSpec } from './route.ts';

/**
 * As `defineRoute`, for what is sent. What costs least is refused first: who sends too often, then a
 * wrong type and a length that is too large, before a byte of the body is read.
 */
export function definePostRoute<Params extends z.ZodObject, Query extends z.ZodObject>(
  spec: RouteSpec<Params, Query> & Readonly<{ body: BodySpec }>,
  limit: RateLimit,
  answer: (
    exchange: Exchange<z.infer<Params>, z.infer<Query>> & Readonly<{ body: Uint8Array }>,
  ) => Promise<void>,
): Route {
  const handle = async (req: Request, res: Response): Promise<void> => {
    const { body: expected } = spec;
    const waitSeconds = limit.admit(req.socket.remoteAddress ?? '');
    if (waitSeconds !== null) return answerTooMany(req, res, waitSeconds);
    if (!isOfType(req, expected)) return answerWrongType(req, res, expected.contentType);
    const { params, query } = parseRequest(req, spec);
    const read = await readBody(req, expected.maxBytes);
    switch (read.kind) {
      case 'read':
        return answer({ params, query, body: read.bytes, req, res });
      case 'too-large':
        return answerTooLarge(req, res, expected.maxBytes);
      case 'broken':
        // Node has told the client (408) where there was somebody to tell.
        res.destroy();
    }
  };
  return { ...spec, method: 'post', handle };
}

/** A body without a type is judged by its bytes alone; a compressed one is never inflated. */
function isOfType({ headers }: Request, { contentType }: BodySpec): boolean {
  const encoding = headers['content-encoding'] ?? 'identity';
  const [named = ''] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const type = named.trim();
  return (
    encoding === 'identity' && (type === '' || contentType === ANY_TYPE || type === contentType)
  );
}

const ANY_TYPE = '*/*';
