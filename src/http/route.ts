import type { Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import type { DocumentName } from './documents.ts';
import { parseRequest } from './parse-request.ts';

/** What a route takes and answers: read by the router, by the request parser and by `openapi.json`. */
export type RouteSpec<Params extends z.ZodObject, Query extends z.ZodObject> = Readonly<{
  /** The path in express form: `/v1/consensus/scores/:run_id`. */
  path: string;
  summary: string;
  params: Params;
  query: Query;
  answers: readonly Answer[];
  /** Statuses of problem documents that this route may give, beside those that every route may. */
  problems: readonly number[];
}>;

/**
 * One successful answer; `schema` is null where the body is not one JSON document. What several routes answer has a
 * name, what one route alone does is described where it is answered.
 */
export type Answer = Readonly<{
  status: number;
  description: string;
  contentType: string;
  schema: DocumentName | z.ZodType | null;
  /** Header fields by name, with what they mean. */
  headers: Readonly<Record<string, string>>;
}>;

/** What a route is sent; `schema` is null where it is not one JSON document. */
export type BodySpec = Readonly<{
  description: string;
  /** The media type that a client must name if it names one. Any is taken where this is a star, slash, star. */
  contentType: string;
  schema: DocumentName | z.ZodType | null;
  maxBytes: number;
}>;

/** A route is read with GET and HEAD, or is sent something with POST: then `body` says what. */
export type Route = RouteSpec<z.ZodObject, z.ZodObject> &
  Readonly<{ handle: RequestHandler }> &
  (Readonly<{ method: 'get'; body: null }> | Readonly<{ method: 'post'; body: BodySpec }>);

/** The parsed request, and what it is answered with. */
export type Exchange<Params, Query> = Readonly<{
  params: Params;
  query: Query;
  req: Request;
  res: Response;
}>;

/** Ties a route's description to what answers it: `answer` runs on parsed input only; what it throws becomes a problem. */
export function defineRoute<Params extends z.ZodObject, Query extends z.ZodObject>(
  spec: RouteSpec<Params, Query>,
  answer: (exchange: Exchange<z.infer<Params>, z.infer<Query>>) => void | Promise<void>,
): Route {
  const handle: RequestHandler = (req, res) => {
    const { params, query } = parseRequest(req, spec);
    return answer({ params, query, req, res });
  };
  return { ...spec, method: 'get', body: null, handle };
}
