import type { EventOf } from '../../events/define-event.ts';
import type { JobOpened } from '../../events/job.ts';
import type { Route } from '../route.ts';
import { sendJson } from '../send-json.ts';
import { type Account, jobDocument } from './get-job.ts';
import { BASE, type LedgerPosting, ledgerPost, type Ruled, takenOf } from './ledger-route.ts';
import { wireCost } from './wire-answer.ts';
import { jobIn, readJson, termsIn } from './wire-body.ts';

export type PostJobsDeps = LedgerPosting &
  Readonly<{
    open: (terms: EventOf<typeof JobOpened>['data']) => Promise<Ruled>;
    close: (job: string) => Promise<Ruled>;
    account: (job: string) => Promise<Account>;
  }>;

/** POST …/jobs: opens a job; the same again changes nothing, other terms are refused. */
export function postJobs({ open, account, ...deps }: PostJobsDeps): Route {
  return ledgerPost(openSpec, deps, async ({ body, res }) => {
    const terms = termsIn(readJson(body));
    const [fact] = takenOf(await open(terms));
    const status = fact?.again === true ? 200 : 201;
    sendJson(res, status, jobDocument(terms.job, await account(terms.job)));
  });
}

/** POST …/jobs/close: nothing more is put down to a job; its cost is final. */
export function postJobsClose({ close, account, ...deps }: PostJobsDeps): Route {
  return ledgerPost(closeSpec, deps, async ({ body, res }) => {
    const job = jobIn(readJson(body));
    takenOf(await close(job));
    const { calls, cost } = await account(job);
    sendJson(res, 200, { job_id: job, closed: true, calls, cost: wireCost(cost) });
  });
}

const answer = { contentType: 'application/json', schema: null, headers: {} } as const;

const openSpec = {
  path: `${BASE}/jobs`,
  summary: 'Opens a job: what a miner may spend on one turn of a task',
  answers: [
    { ...answer, status: 201, description: 'It is open' },
    { ...answer, status: 200, description: 'It was opened with the same terms before' },
  ],
} as const;

const closeSpec = {
  path: `${BASE}/jobs/close`,
  summary: 'Closes a job for good',
  answers: [
    {
      ...answer,
      status: 200,
      description: 'It is closed: how often tools were called, and its cost',
    },
  ],
} as const;
