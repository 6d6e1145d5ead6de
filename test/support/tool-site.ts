import { jobToken } from '#src/evaluation/job.ts';
import { createJobGate, type GateLimits, type JobGate } from '#src/handlers/job-gate.ts';
import { createReservations } from '#src/handlers/reservations.ts';
import { authorizeCaller } from '#src/handlers/tools/authorize-caller.ts';
import type { Caller, CallToolDeps } from '#src/handlers/tools/call-tool.ts';
import { createJobDesk } from '#src/handlers/tools/job-desk.ts';
import { httpApp } from '#src/http/http-app.ts';
import { createServiceMetrics } from '#src/http/metrics.ts';
import type { Route } from '#src/http/route.ts';
import type { ToolRouteDeps } from '#src/http/tools/tool-route.ts';
import { ask, type Reply, serveOnLoopback } from '../http/client.ts';
import { type FakeLedger, fakeLedger } from './fake-ledger.ts';

export const JOB = 'task-eval=task-001;deployment=11111111-2222-3333-4444-555555555555';
export const SECRETS = {
  serviceToken: 'a-service-token-of-the-tests',
  jobKey: 'a-job-key-of-the-tests',
};

/** What a miner shows. */
export const MINER = {
  authorization: `Bearer ${jobToken(SECRETS.jobKey, JOB)}`,
  'x-eirel-job-id': JOB,
};

/** What the validator shows. */
export const VALIDATOR = {
  authorization: `Bearer ${SECRETS.serviceToken}`,
  'x-eirel-job-id': JOB,
};

/** A tool as it is served, over a ledger in memory in which the job is open. */
export type ToolSite = AsyncDisposable & {
  readonly url: string;
  readonly ledger: FakeLedger;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>;
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
};

export type SiteParts = {
  readonly calls: CallToolDeps;
  readonly admission: ToolRouteDeps<Caller>;
  readonly gate: JobGate;
  readonly ledger: FakeLedger;
};

/** Serves the routes of a tool on loopback. */
export async function toolSite(
  service: string,
  routesOf: (parts: SiteParts) => readonly Route[],
  gateLimits: Partial<GateLimits> = {},
): Promise<ToolSite> {
  const ledger = fakeLedger();
  ledger.open(JOB);
  let made = 0;
  const calls: CallToolDeps = {
    desk: createJobDesk({
      ledger,
      reservations: createReservations(),
      nowMs: () => Date.now(),
    }),
    ledger,
    newCall: () => `call-${++made}`,
    elapsedMs: () => performance.now(),
  };
  const limits = { atOnce: 32, burst: 10_000, perSecond: 10_000, ...gateLimits };
  const gate = createJobGate(limits, { elapsedMs: () => performance.now() });
  const admission: ToolRouteDeps<Caller> = {
    enter: ({ job }) => gate.enterOpen(job, calls.desk.whyClosed),
    authorize: (shown) => {
      const caller = authorizeCaller(shown, SECRETS, service);
      return 'kind' in caller ? caller : { kind: 'caller', caller };
    },
  };
  const metrics = createServiceMetrics();
  const app = httpApp(routesOf({ calls, admission, gate, ledger }), { metrics, log: () => {} });
  const served = await serveOnLoopback(app);
  return {
    url: served.url,
    ledger,
    post: (path, body, headers = MINER) =>
      ask(served.url, path, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    get: (path, headers = MINER) => ask(served.url, path, { headers }),
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}
