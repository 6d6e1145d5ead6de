import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { sendJson } from './send-json.ts';

/** GET /livez: the process answers. What it depends on is asked at `/readyz`, so that an outage elsewhere restarts nothing. */
export function getLivez(): Route {
  return defineRoute(spec, async ({ res }) => sendJson(res, 200, { alive: true }));
}

const spec = {
  path: '/livez',
  summary: 'The process answers',
  params: NoParams,
  query: NoParams,
  answers: [
    {
      status: 200,
      description: 'It does',
      contentType: 'application/json',
      schema: 'Liveness',
      headers: {},
    },
  ],
  problems: [],
} as const;
