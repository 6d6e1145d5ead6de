import { openApiOf } from './openapi.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

/** GET /openapi.json: the description of `routes` and of itself, from the schemas that they parse with. */
export function getOpenapi(routes: readonly Route[]): Route {
  const self = defineRoute(spec, async ({ req, res }) => sendDocument(req, res, document));
  const text = JSON.stringify(openApiOf([...routes, self]));
  const document = byteDocument(Buffer.from(text), 'revalidate');
  return self;
}

const spec = {
  path: '/openapi.json',
  summary: 'This description',
  params: NoParams,
  query: NoParams,
  answers: [
    {
      status: 200,
      description: 'OpenAPI 3.1',
      contentType: 'application/json',
      schema: 'OpenApi',
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [],
} as const;
