import { randomUUID } from 'node:crypto';
import { STARTED_HEADER } from '../evaluation/job.ts';
import type { Check } from './documents.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { sendText } from './send-json.ts';

export type GetReadyzDeps = Readonly<{
  /** Every thing that must hold; a check that can't be made is one that fails. */
  readiness: () => Promise<readonly Check[]>;
}>;

/** Names this process: whoever sees another name knows that the service was away meanwhile, however shortly. */
const STARTED = randomUUID();

/** GET /readyz: every check, and 503 when one of them fails. */
export function getReadyz({ readiness }: GetReadyzDeps): Route {
  return defineRoute(spec, async ({ res }) => {
    const checks = await readiness();
    const ready = checks.every(({ ok }) => ok);
    const text = JSON.stringify({ ready, checks });
    sendText(res, ready ? 200 : 503, text, 'application/json', [STARTED_HEADER, STARTED]);
  });
}

const answer = {
  contentType: 'application/json',
  schema: 'Readiness',
  headers: { [STARTED_HEADER]: 'Names the process that answers' },
} as const;

const spec = {
  path: '/readyz',
  summary: 'Everything that this validator needs works',
  params: NoParams,
  query: NoParams,
  answers: [
    { ...answer, status: 200, description: 'Every check holds' },
    { ...answer, status: 503, description: 'A check fails; its detail says why' },
  ],
  problems: [],
} as const;
