import type { Request, RequestHandler } from 'express';
import type { Metrics } from './metrics.ts';

/** One line of the access log. `target` is the client's own text, so it is hostile. */
export type RequestLog = Readonly<{
  method: string;
  /** Path and query as they were asked for, cut to `TARGET_MAX` characters. */
  target: string;
  /** The pattern of the route that answered. */
  route: string;
  status: number;
  durationMs: number;
  /** The client's address; null when its connection was gone before. */
  remote: string | null;
  /** The client left before the answer was whole. */
  aborted: boolean;
  /** The error behind a status of 500 or more, null otherwise. It is shown nowhere else. */
  error: unknown;
}>;

export type LogRequestsDeps = Readonly<{
  log: (request: RequestLog) => void;
  metrics: Pick<Metrics, 'requestAnswered'>;
}>;

/** Characters of a target in the log: every path that is answered fits. */
const TARGET_MAX = 256;

/** Logs and counts each request once its answer is out, or its connection is gone. */
export function logRequests({ log, metrics }: LogRequestsDeps): RequestHandler {
  return (req, res, next) => {
    const start = performance.now();
    const remote = req.socket.remoteAddress ?? null;
    res.once('close', () => {
      const route = routeOf(req);
      const error: unknown = res.locals['error'] ?? null;
      metrics.requestAnswered(route, res.statusCode);
      log({
        method: req.method,
        target: req.originalUrl.slice(0, TARGET_MAX),
        route,
        status: res.statusCode,
        durationMs: performance.now() - start,
        remote,
        aborted: !res.writableFinished,
        error,
      });
    });
    next();
  };
}

/** Paths that no route has are one, so that a client can't make labels. */
const UNKNOWN_ROUTE = 'unknown';

function routeOf(req: Request): string {
  // safe: the router sets `route` to the route that it matched, and leaves it unset otherwise
  const route = req.route as { path: string } | undefined;
  return route?.path ?? UNKNOWN_ROUTE;
}
