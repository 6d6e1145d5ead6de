import { z } from 'zod';
import { type DocumentName, documents } from './documents.ts';
import type { Answer, Route } from './route.ts';

/** The version of this interface: its first part changes when a client must. */
const API_VERSION = '1.0.0';

/** Problems that any GET may meet: it is wrong, we failed, or what we need did. */
const EVERY_ROUTE = [400, 500, 503];

/** The OpenAPI 3.1 document of the routes. */
export function openApiOf(routes: readonly Route[]) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'EIREL validator',
      version: API_VERSION,
      description:
        'Read only: every path answers GET and HEAD, other methods get 405. Signed documents are EJ1 and checked as bytes, without trust in who serves them.',
    },
    paths: Object.fromEntries(
      routes.map((route) => [openApiPath(route.path), { get: operation(route) }]),
    ),
    components: {
      schemas: Object.fromEntries(
        Object.entries(documents).map(([name, schema]) => [name, jsonSchema(schema)]),
      ),
    },
  };
}

/** `/scores/:run_id` in express is `/scores/{run_id}` in OpenAPI. */
export function openApiPath(path: string): string {
  return path.replaceAll(/:([a-z_]+)/g, '{$1}');
}

function operation({ summary, params, query, answers, problems }: Route) {
  const statuses = [...new Set([...EVERY_ROUTE, ...problems])].filter(
    (status) => !answers.some((answer) => answer.status === status),
  );
  return {
    summary,
    parameters: [...parameters('path', params), ...parameters('query', query)],
    responses: Object.fromEntries([
      ...answers.map((answer) => [String(answer.status), response(answer)]),
      ...(answers.some(({ headers }) => 'ETag' in headers) ? [['304', notModified]] : []),
      ...statuses.map((status) => [String(status), problemResponse]),
    ]),
  };
}

function parameters(place: 'path' | 'query', schema: z.ZodObject) {
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path',
    schema: jsonSchema(field),
  }));
}

function response({ description, contentType, schema, headers }: Omit<Answer, 'status'>) {
  return {
    description,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, description]) => [
        name,
        { description, schema: { type: 'string' } },
      ]),
    ),
    content: {
      [contentType]: { schema: schema === null ? { type: 'string' } : reference(schema) },
    },
  };
}

const notModified = { description: 'The client has these bytes: If-None-Match named their tag' };

const problemResponse = response({
  description: 'A problem document (RFC 9457)',
  contentType: 'application/problem+json',
  schema: 'Problem',
  headers: {},
});

function reference(name: DocumentName) {
  return { $ref: `#/components/schemas/${name}` };
}

/** What a parsed value looks like: a number in a query is described as one, though it arrives as text. */
function jsonSchema(schema: z.ZodType) {
  const { $schema: _dialect, ...described } = z.toJSONSchema(schema, { io: 'output' });
  return described;
}
