import type { Request, Response } from 'express';
import type { Route } from './route.ts';
import { sendText } from './send-json.ts';

/** A request that is let in; `leave` when it is over. */
export type LetIn = Readonly<{ kind: 'entered'; leave: () => void }>;

/** In the existing services' form: a status with a detail. */
export type TurnedAway = Readonly<{ kind: 'refused'; status: number; detail: unknown }>;

/**
 * A route that is asked for nothing but its headers first: who is turned away is answered before a byte of the body is
 * read, and his connection ends, because the rest of the request is still coming.
 */
export function guardedRoute(
  route: Route,
  admit: (req: Request) => Promise<LetIn | TurnedAway> | LetIn | TurnedAway,
): Route {
  const handle = async (...[req, res, next]: Parameters<Route['handle']>): Promise<void> => {
    const admitted = await admit(req);
    if (admitted.kind === 'refused') return turnAway(res, admitted);
    try {
      // Whoever left meanwhile would be waited for in vain.
      if (!res.destroyed && !req.destroyed) await route.handle(req, res, next);
    } finally {
      admitted.leave();
    }
  };
  return { ...route, handle };
}

function turnAway(res: Response, { status, detail }: TurnedAway): void {
  const close = ['Connection', 'close'];
  sendText(res, status, JSON.stringify({ detail }), 'application/json', close);
}
