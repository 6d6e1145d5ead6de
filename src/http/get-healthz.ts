import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { sendJson } from './send-json.ts';

/** GET /healthz: the process answers, in the form of the existing services. */
export function getHealthz(): Route {
  return defineRoute(spec, async ({ res }) => sendJson(res, 200, { status: 'ok' }));
}

const spec = {
  path: '/healthz',
  summary: 'The process answers',
  params: NoParams,
  query: NoParams,
  answers: [
    {
      status: 200,
      description: 'It does',
      contentType: 'application/json',
      schema: null,
      headers: {},
    },
  ],
  problems: [],
} as const;
