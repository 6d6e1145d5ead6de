import type { Request, Response } from 'express';
import type { z } from 'zod';
import { bearerOf } from '../bearer.ts';
import { guardedRoute, type LetIn, type TurnedAway } from '../guarded-route.ts';
import { definePostRoute } from '../post-route.ts';
import { NO_LIMIT } from '../rate-limit.ts';
import type { Route } from '../route.ts';
import { NoParams } from '../run-request.ts';
import { sendJson } from '../send-json.ts';

/** What a request shows of its sender; null for what it does not show. */
export type ShownCredentials = Readonly<{
  bearer: string | null;
  job: string | null;
  maxRequests: string | null;
}>;

/** An answer as the existing services give it: a document, or a status with a detail. */
export type RouteAnswer =
  | Readonly<{ kind: 'answer'; status: number; body: unknown }>
  | Readonly<{ kind: 'refused'; status: number; detail: unknown }>;

export type ToolRouteSpec<Body> = Readonly<{
  path: string;
  summary: string;
  /** What is sent, in a sentence. */
  takes: string;
  schema: z.ZodType<Body>;
  maxBytes: number;
  /** Statuses that it may refuse with beside those of every tool. */
  problems: readonly number[];
}>;

export type ToolRouteDeps<Caller> = Readonly<{
  /** Decided before a byte of the body is read. */
  authorize: (shown: ShownCredentials) => Readonly<{ kind: 'caller'; caller: Caller }> | TurnedAway;
  /** Lets a call in, within what its caller may have at once; decided before the body, too. */
  enter: (caller: Caller) => Promise<LetIn | TurnedAway> | LetIn;
}>;

/** Faults of a body that are told: whoever made one made the others for the same reason. */
const MAX_FAULTS = 8;

/**
 * One call of a tool: POST with a JSON body. Refusals have the existing services' form, `{"detail": …}`, and so have
 * faults of the body (422): a list of `{loc, msg, type}`.
 */
export function toolRoute<Body, Caller>(
  spec: ToolRouteSpec<Body>,
  { authorize, enter }: ToolRouteDeps<Caller>,
  call: (caller: Caller, body: Body) => Promise<RouteAnswer>,
): Route {
  const callers = new WeakMap<Request, Caller>();
  const route = definePostRoute(
    { ...described(spec), params: NoParams, query: NoParams },
    NO_LIMIT,
    async ({ req, res, body }) => {
      const caller = callers.get(req);
      if (caller === undefined) throw new Error('a call without a caller was let in');
      const parsed = parseBody(body, spec.schema);
      if (parsed.kind === 'refused') return answer(res, parsed);
      answer(res, await call(caller, parsed.body));
    },
  );
  return guardedRoute(route, (req) => {
    const authorized = authorize(credentialsOf(req));
    if (authorized.kind === 'refused') return authorized;
    callers.set(req, authorized.caller);
    return enter(authorized.caller);
  });
}

/** For calls of the validator itself, which are not shared out. */
export const FREE_ENTRY: ToolRouteDeps<null>['enter'] = () => ({
  kind: 'entered',
  leave: () => undefined,
});

/** What a request shows of its sender. */
export function credentialsOf(req: Pick<Request, 'headers'>): ShownCredentials {
  return {
    bearer: bearerOf(req),
    job: headerOf(req, 'x-eirel-job-id'),
    maxRequests: headerOf(req, 'x-eirel-max-requests'),
  };
}

/** Answers in the existing services' form. */
export function answer(res: Response, given: RouteAnswer): void {
  if (given.kind === 'answer') sendJson(res, given.status, given.body);
  else sendJson(res, given.status, { detail: given.detail });
}

function headerOf({ headers }: Pick<Request, 'headers'>, name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
}

type ParsedBody<Body> =
  | Readonly<{ kind: 'body'; body: Body }>
  | Extract<RouteAnswer, Readonly<{ kind: 'refused' }>>;

function parseBody<Body>(bytes: Uint8Array, schema: z.ZodType<Body>): ParsedBody<Body> {
  const parsed = schema.safeParse(jsonOf(bytes));
  if (parsed.success) return { kind: 'body', body: parsed.data };
  const detail = parsed.error.issues.slice(0, MAX_FAULTS).map(({ path, message, code }) => ({
    loc: ['body', ...path.map(String)],
    msg: message,
    type: code,
  }));
  return { kind: 'refused', status: 422, detail };
}

/** Undefined, which no schema takes, for what is no JSON in UTF-8. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // Why it is none is the client's own business.
    return undefined;
  }
}

function described<Body>({ path, summary, takes, maxBytes, problems }: ToolRouteSpec<Body>) {
  return {
    path,
    summary,
    body: { description: takes, contentType: 'application/json', schema: null, maxBytes },
    answers: [
      {
        status: 200,
        description: 'What came of the call, after it was attested',
        contentType: 'application/json',
        schema: null,
        headers: {},
      },
    ],
    problems: [400, 401, 403, 404, 422, 429, ...problems],
  } as const;
}
