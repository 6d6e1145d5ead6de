import type { Head } from '../../events/envelope.ts';
import type { JobRecord } from '../../projectors/ledger-queries.ts';
import type { Route } from '../route.ts';
import { sendText } from '../send-json.ts';
import { type Account, JobQuery } from './get-job.ts';
import { BASE, type LedgerToken, ledgerGet } from './ledger-route.ts';
import { modelCallRow, pendingRow, toolCallRow, wireCost } from './wire-answer.ts';
import { jobIn } from './wire-body.ts';

/** A job with all its calls, and a head of the log that all of it stands before. */
type Statement = Account & Pick<JobRecord, 'tools' | 'models'> & Readonly<{ head: Head }>;

export type GetJobLedgerDeps = LedgerToken &
  Readonly<{ statement: (job: string) => Promise<Statement> }>;

/** GET …/job_ledger?job_id=: every call that was put down to a job. One that nobody opened has none, or some. */
export function getJobLedger({ statement, ...deps }: GetJobLedgerDeps): Route {
  return ledgerGet(spec, deps, async ({ query, res }) => {
    const job = jobIn(query);
    sendText(res, 200, documentOf(job, await statement(job)), 'application/json');
  });
}

function documentOf(
  job: string,
  { opened, tools, models, pending, cost, head }: Statement,
): string {
  const rest = JSON.stringify({
    model_calls: models.map(modelCallRow),
    pending: pending.map(pendingRow),
    opened: opened !== null,
    closed: opened?.closed ?? false,
    cost: wireCost(cost),
    ledger: { size: head.size, hash: head.hash },
  });
  const rows = tools.map(toolCallRow).join(',');
  return `{"job_id":${JSON.stringify(job)},"n_calls":${tools.length},"tool_calls":[${rows}],${rest.slice(1)}`;
}

const spec = {
  path: `${BASE}/job_ledger`,
  summary: 'Every call that was put down to a job, in the order of the log',
  query: JobQuery,
  answers: [
    {
      status: 200,
      description:
        'Its calls of tools and models, its cost, and the head of the log that it was read at',
      contentType: 'application/json',
      schema: null,
      headers: {},
    },
  ],
} as const;
