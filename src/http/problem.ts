import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { AppError, type ErrorCode } from '../errors.ts';
import { type Members, membersOf, type Problem } from './problem-document.ts';
import { commonHeaders } from './signed-bytes.ts';

type Kind = Readonly<{
  name: string;
  status: number;
  title: string;
  retryAfterSeconds?: number;
  /** Further header fields, flat. */
  headers?: readonly string[];
}>;

/** Sealed scores open at a block; asking more often than blocks come is no use. */
const BLOCK_SECONDS = 12;

/** What does not answer is being restarted or reconnected, with back-offs of this order. */
const OUTAGE_SECONDS = 5;

/** A large answer takes a good connection less. */
const BUSY_SECONDS = 1;

const invalid: Kind = { name: 'input.invalid', status: 400, title: 'The request is not valid' };
const notFound: Kind = { name: 'request.not-found', status: 404, title: 'Nothing here' };
const tooEarly: Kind = {
  name: 'request.too-early',
  status: 425,
  title: 'Sealed until a later block',
  retryAfterSeconds: BLOCK_SECONDS,
};
const unavailable: Kind = {
  name: 'server.unavailable',
  status: 503,
  title: 'What this answer needs does not answer now',
  retryAfterSeconds: OUTAGE_SECONDS,
};
const fault: Kind = { name: 'server.fault', status: 500, title: 'The validator failed to answer' };
const wrongMethod: Kind = {
  name: 'request.method',
  status: 405,
  title: 'The method is not allowed',
};
const unwantedBody: Kind = { name: 'request.body', status: 400, title: 'The request has a body' };
const tooLarge: Kind = { name: 'request.too-large', status: 413, title: 'The body is too large' };
const wrongType: Kind = {
  name: 'request.type',
  status: 415,
  title: 'The body is of another type than this route takes',
};
const tooMany: Kind = {
  name: 'request.too-many',
  status: 429,
  title: 'Too many requests',
};
const unproven: Kind = {
  name: 'evidence.invalid',
  status: 422,
  title: 'The evidence proves nothing',
};
const unauthorized: Kind = {
  name: 'request.unauthorized',
  status: 401,
  title: 'Not for whoever asks',
  headers: ['WWW-Authenticate', 'Bearer'],
};
const forbidden: Kind = {
  name: 'request.forbidden',
  status: 403,
  title: 'Not for whoever asks',
};
const conflict: Kind = {
  name: 'request.conflict',
  status: 409,
  title: 'The request contradicts what is there',
};
const malformed: Kind = {
  name: 'request.invalid',
  status: 422,
  title: 'What is sent is not of the form that is taken',
};
const full: Kind = {
  name: 'server.full',
  status: 503,
  title: 'As much waits to be stored as may wait',
  retryAfterSeconds: BUSY_SECONDS,
};
const busy: Kind = {
  name: 'server.busy',
  status: 503,
  title: 'Too many large answers are under way',
  retryAfterSeconds: BUSY_SECONDS,
};

/** Errors whose cause a client may know. Every other error is a fault of ours, and that is all it says. */
const kinds: Partial<Record<ErrorCode, Kind>> = {
  'input.invalid': invalid,
  'request.not-found': notFound,
  'request.too-early': tooEarly,
  'evidence.invalid': unproven,
  'log.full': full,
  'log.unavailable': unavailable,
  'request.conflict': conflict,
  'request.forbidden': forbidden,
  'request.too-many': tooMany,
  'request.invalid': malformed,
  'request.unauthorized': unauthorized,
  'chain.unavailable': unavailable,
};

/** The last handler of all: an error becomes a problem document; one that is ours is left for the access log. */
export const answerError: ErrorRequestHandler = (error: unknown, req, res, _next) => {
  const { kind, members } = explain(error);
  if (kind.status >= 500) res.locals['error'] = error;
  // With the head sent, a broken connection is the one honest answer left.
  if (res.headersSent) res.destroy();
  else send(req, res, kind, members);
};

/** Answers any path that no route has. */
export const answerUnknownPath: RequestHandler = (req, res) => {
  const detail = 'No route has this path; /openapi.json lists them.';
  send(req, res, notFound, { detail, reason: 'unknown-path' });
};

/** Answers every method but those that a path has. */
export function answerWrongMethod(allowed: string): RequestHandler {
  return (req, res) => {
    const detail = `${req.method} is not answered here; ${allowed} are.`;
    send(req, res, wrongMethod, { detail }, ['Allow', allowed]);
  };
}

/** Refuses a request with a body, and the connection on which the rest of that body would come. */
export const refuseBody: RequestHandler = (req, res, next) => {
  const { 'content-length': length, 'transfer-encoding': encoding } = req.headers;
  if (encoding === undefined && (length === undefined || length === '0')) next();
  else send(req, res, unwantedBody, { detail: 'No body is taken here.' }, CLOSE);
};

const CLOSE = ['Connection', 'close'];

/** Answers a body of more than `maxBytes`, and ends the connection on which the rest of it would come. */
export function answerTooLarge(req: Request, res: Response, maxBytes: number): void {
  send(req, res, tooLarge, { detail: `At most ${maxBytes} bytes are taken.` }, CLOSE);
}

/** Answers a body that is of another media type than `expected`, or compressed. */
export function answerWrongType(req: Request, res: Response, expected: string): void {
  send(req, res, wrongType, { detail: `This route takes ${expected}, uncompressed.`, expected });
}

/** Why a witness does not cosign, by the status that C2SP tlog-witness has for it. */
const uncosigned = {
  400: { name: 'witness.malformed', status: 400, title: 'Not a request to cosign' },
  403: { name: 'witness.unsigned', status: 403, title: 'The log did not sign this checkpoint' },
  404: { name: 'witness.unknown-log', status: 404, title: 'Not a log that is witnessed here' },
  422: { name: 'witness.inconsistent', status: 422, title: 'The proof does not verify' },
} as const satisfies Record<number, Kind>;

/** Answers a request to cosign that is refused for another reason than a conflict. */
export function answerUncosigned(
  req: Request,
  res: Response,
  { status, detail }: Readonly<{ status: keyof typeof uncosigned; detail: string }>,
): void {
  send(req, res, uncosigned[status], { detail });
}

/** Answers who sends too often. */
export function answerTooMany(req: Request, res: Response, retryAfterSeconds: number): void {
  const detail = `Send again in ${retryAfterSeconds} s.`;
  send(req, res, { ...tooMany, retryAfterSeconds }, { detail });
}

/** Answers a request for a large body while as many as allowed are under way. */
export function answerBusy(req: Request, res: Response): void {
  send(req, res, busy, { detail: 'Ask again in a moment.' });
}

function explain(error: unknown): { kind: Kind; members: Members } {
  // The router throws this for a path segment that can't be decoded; its text is the client's.
  if (error instanceof URIError) {
    const details = { field: 'path', expected: 'percent-encoded UTF-8' };
    return { kind: invalid, members: membersOf(details) };
  }
  const kind = error instanceof AppError ? kinds[error.code] : undefined;
  if (error instanceof AppError && kind !== undefined && kind.status < 500) {
    return { kind, members: membersOf(error.details) };
  }
  return {
    kind: kind ?? fault,
    members: { detail: 'The cause is in the log of the validator, for its operator.' },
  };
}

/** The longest path of a sensible request; a longer one is named by its beginning. */
const INSTANCE_MAX = 256;

function send(
  req: Request,
  res: Response,
  { name, status, title, retryAfterSeconds, headers: own = [] }: Kind,
  members: Members,
  headers: readonly string[] = [],
): void {
  const problem: Problem = {
    type: `tag:eirel.network,2026:${name}`,
    title,
    status,
    instance: (req.originalUrl.split('?', 1)[0] ?? '/').slice(0, INSTANCE_MAX),
    ...members,
  };
  const body = JSON.stringify(problem);
  res
    .writeHead(status, [
      ...commonHeaders,
      'Cache-Control',
      'no-store',
      'Content-Type',
      'application/problem+json',
      'Content-Length',
      String(Buffer.byteLength(body)),
      ...(retryAfterSeconds === undefined ? [] : ['Retry-After', String(retryAfterSeconds)]),
      ...own,
      ...headers,
    ])
    .end(body);
}
