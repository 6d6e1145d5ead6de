import { z } from 'zod';
import { AppError } from '../errors.ts';

/** The parts of a request that a client chooses: path segments, decoded, and the raw target with its query. */
export type RawRequest = Readonly<{ params: Readonly<Record<string, unknown>>; url: string }>;

/**
 * Checks path segments and query against a route's schemas. An unknown or repeated query parameter is
 * an error, because a misspelt one would otherwise be answered as if it were absent. Throws
 * `input.invalid` with field, value and expectation.
 */
export function parseRequest<Params extends z.ZodObject, Query extends z.ZodObject>(
  req: RawRequest,
  schemas: Readonly<{ params: Params; query: Query }>,
): { params: z.infer<Params>; query: z.infer<Query> } {
  const params = parsePart(schemas.params, req.params);
  const query = parsePart(schemas.query, readQuery(req.url, schemas.query));
  return { params, query };
}

function readQuery(url: string, schema: z.ZodObject): Record<string, string> {
  const start = url.indexOf('?');
  const query: Record<string, string> = {};
  if (start < 0) return query;
  const known = Object.keys(schema.shape);
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    if (!known.includes(name)) throw invalid(name, value, expectOneOf(known));
    if (Object.hasOwn(query, name)) throw invalid(name, value, 'this parameter at most once');
    query[name] = value;
  }
  return query;
}

function expectOneOf(known: readonly string[]): string {
  return known.length === 0 ? 'no query parameter' : `one of the parameters ${known.join(', ')}`;
}

function parsePart<Schema extends z.ZodObject>(
  schema: Schema,
  part: Readonly<Record<string, unknown>>,
): z.infer<Schema> {
  const parsed = schema.safeParse(part);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = String(issue?.path[0] ?? 'request');
  throw invalid(field, part[field], issue?.message ?? z.prettifyError(parsed.error));
}

function invalid(field: string, value: unknown, expected: string): AppError {
  return new AppError('input.invalid', { field, value, expected });
}
