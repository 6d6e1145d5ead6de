import type { z } from 'zod';
import { AppError } from '../../errors.ts';
import { requireBearer } from '../bearer.ts';
import { definePostRoute } from '../post-route.ts';
import { NO_LIMIT } from '../rate-limit.ts';
import { defineRoute, type Exchange, type Route } from '../route.ts';
import { NoParams } from '../run-request.ts';
import { MAX_BODY_BYTES } from './wire-body.ts';

/** Where the services that are there already look for it. */
export const BASE = '/v1/internal/eval';

/** What becomes of what is sent: all of it is taken, or nothing. */
export type Ruled =
  | Readonly<{
      kind: 'taken';
      facts: readonly Readonly<{ again: boolean; time: string }>[];
    }>
  | Readonly<{
      kind: 'refused';
      code: 'request.conflict' | 'request.not-found';
      detail: string;
      index: number;
    }>;

/** The services' common token: whoever shows it reads and writes. */
export type LedgerToken = Readonly<{ token: string }>;

/** Who is sent something has to read it, and does so in turn with whoever else has something to do. */
export type LedgerPosting = LedgerToken & Readonly<{ turn: () => Promise<void> }>;

type Described = Readonly<{ path: string; summary: string; answers: Route['answers'] }>;

/** A route that is sent JSON by whoever has the token: he is asked for it before a byte of the body is read. */
export function ledgerPost(
  { path, summary, answers }: Described,
  { token, turn }: LedgerPosting,
  answer: (exchange: Exchange<unknown, unknown> & Readonly<{ body: Uint8Array }>) => Promise<void>,
): Route {
  const body = {
    description: 'JSON',
    contentType: 'application/json',
    schema: null,
    maxBytes: MAX_BODY_BYTES,
  };
  const spec = { path, summary, answers, body, params: NoParams, query: NoParams };
  // Whoever has the token is one of ours; what is too much waits at the ledger's desk.
  return behind(
    token,
    definePostRoute({ ...spec, problems: [401, 404, 409, 422] }, NO_LIMIT, async (exchange) => {
      await turn();
      return answer(exchange);
    }),
  );
}

/** A route that is read by whoever has the token. */
export function ledgerGet<Query extends z.ZodObject>(
  described: Described & Readonly<{ query: Query }>,
  { token }: LedgerToken,
  answer: (exchange: Exchange<unknown, z.infer<Query>>) => Promise<void>,
): Route {
  const spec = { ...described, params: NoParams, problems: [401, 404, 422] };
  return behind(token, defineRoute(spec, answer));
}

/** The facts that were taken; throws what a refusal is answered with. */
export function takenOf(ruled: Ruled): Extract<Ruled, { kind: 'taken' }>['facts'] {
  if (ruled.kind === 'taken') return ruled.facts;
  const { code, detail, index } = ruled;
  throw new AppError(code, { detail, field: String(index), reason: 'refused' });
}

function behind(token: string, route: Route): Route {
  const handle: Route['handle'] = (req, res, next) => {
    requireBearer(req, token);
    return route.handle(req, res, next);
  };
  return { ...route, handle };
}
