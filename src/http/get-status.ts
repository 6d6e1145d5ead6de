import type { Status } from './documents.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { sendJson } from './send-json.ts';

export type GetStatusDeps = Readonly<{ status: () => Promise<Status> }>;

/** GET /v1/status: who this validator is and where it stands. */
export function getStatus({ status }: GetStatusDeps): Route {
  return defineRoute(spec, async ({ res }) => sendJson(res, 200, await status()));
}

const spec = {
  path: '/v1/status',
  summary: 'Who this validator is and where it stands',
  params: NoParams,
  query: NoParams,
  answers: [
    {
      status: 200,
      description: 'Identity, mode, log, newest finalised block and runs',
      contentType: 'application/json',
      schema: 'Status',
      headers: {},
    },
  ],
  problems: [],
} as const;
