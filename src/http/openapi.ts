import { z } from 'zod';
import { type DocumentName, documents } from './documents.ts';
import type { Answer, BodySpec, Route } from './route.ts';

/** The version of this interface: its first part changes when a client must. */
const API_VERSION = '1.0.0';

/** Problems that any request may meet: it is wrong, we failed, or what we need did. */
const EVERY_ROUTE = [400, 500, 503];

/** Problems that what is sent may meet: too much, of another type, or too often. */
const EVERY_POST = [413, 415, 429];

/** The OpenAPI 3.1 document of the routes. */
export function openApiOf(routes: readonly Route[]) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'EIREL',
      version: API_VERSION,
      description:
        'Paths answer GET and HEAD, those that are sent something POST, all of them OPTIONS; other methods get 405. Signed documents are EJ1 and checked as bytes, without trust in who serves them.',
    },
    paths: pathsOf(routes),
    components: {
      schemas: Object.fromEntries(
        Object.entries(documents).map(([name, schema]) => [name, jsonSchema(schema)]),
      ),
    },
  };
}

/** `/scores/:run_id` in express is `/scores/{run_id}` in OpenAPI, and so is `/tile/*tile`. */
export function openApiPath(path: string): string {
  return path.replaceAll(/[:*]([a-z_]+)/g, '{$1}');
}

function pathsOf(routes: readonly Route[]) {
  const paths: Record<string, Record<string, ReturnType<typeof operation>>> = {};
  for (const route of routes) {
    const path = openApiPath(route.path);
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return paths;
}

function operation({ summary, params, query, body, answers, problems }: Route) {
  const possible = [...EVERY_ROUTE, ...(body === null ? [] : EVERY_POST), ...problems];
  const statuses = [...new Set(possible)].filter(
    (status) => !answers.some((answer) => answer.status === status),
  );
  return {
    summary,
    parameters: [...parameters('path', params), ...parameters('query', query)],
    ...(body === null ? {} : { requestBody: requestBody(body) }),
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
    content: content(contentType, schema),
  };
}

function requestBody({ description, contentType, schema, maxBytes }: BodySpec) {
  return {
    description: `${description}; at most ${maxBytes} bytes`,
    required: true,
    content: content(contentType, schema),
  };
}

function content(contentType: string, schema: Answer['schema']) {
  if (schema === null) return { [contentType]: { schema: { type: 'string' } } };
  return {
    [contentType]: { schema: typeof schema === 'string' ? reference(schema) : jsonSchema(schema) },
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
