import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Signer } from '../consensus/keys.ts';
import { signRequest } from '../consensus/signed-request.ts';
import { TaskId } from '../events/scalars.ts';
import type { Leases } from '../handlers/evaluation/ports.ts';
import { type Posted, postJson } from './post-json.ts';

/** As long as the existing client waits for the owner; it submits once, this one again until it is taken. */
const OWNER_TIMEOUT_MS = 30_000;

/** The owner takes no more tasks in one claim. */
const MAX_CLAIMED = 40;

/** It becomes part of a path: none that leads elsewhere is taken. */
const EvaluationName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'a name');

/** What of a claim is used: tasks and baselines come from the roster's task set and from our own oracles, never from here. */
const Claimed = z.looseObject({
  tasks: z.array(
    z.looseObject({
      task_evaluation_id: EvaluationName,
      task_id: TaskId,
      run_id: z.string(),
      claim_expires_at: z.string(),
    }),
  ),
});

/** The owner's leases over HTTP, each request signed by this validator's hotkey. `clock` gives milliseconds since 1970. */
export function leaseClient({
  ownerUrl,
  signer,
  clock,
  signal,
  timeoutMs = OWNER_TIMEOUT_MS,
}: Readonly<{
  ownerUrl: string;
  signer: Signer;
  clock: () => number;
  signal: AbortSignal;
  timeoutMs?: number;
}>): Leases {
  const post = (path: string, body: unknown): Promise<Posted> => {
    const url = new URL(path, ownerUrl);
    const text = JSON.stringify(body);
    const timestamp = new Date(clock()).toISOString();
    const request = { method: 'POST', url, body: Buffer.from(text) };
    const headers = signRequest(signer, request, { timestamp, requestId: randomUUID() });
    return postJson(url.href, text, { headers, timeoutMs, retries: 0, signal });
  };
  const evaluationPath = (family: string, evaluation: string, what: string): string =>
    `/v1/families/${family}/task-evaluations/${encodeURIComponent(evaluation)}/${what}`;
  return {
    claim: async ({ family, run }, count) => {
      const batch_size = Math.min(count, MAX_CLAIMED);
      const posted = await post(`/v1/families/${family}/tasks/claim`, { run_id: run, batch_size });
      if (posted.kind !== 'ok') return { kind: 'unavailable', detail: posted.detail };
      const parsed = Claimed.safeParse(posted.body);
      if (!parsed.success) return { kind: 'unavailable', detail: 'the answer is no claim' };
      const own = parsed.data.tasks.filter(({ run_id }) => run_id === run);
      const leases = own.flatMap(({ task_evaluation_id: evaluation, task_id: task, ...rest }) => {
        const expires = expiryOf(rest.claim_expires_at);
        return expires === null ? [] : [{ evaluation, task, expires }];
      });
      return { kind: 'ok', leases };
    },
    giveBack: async (family, evaluation, reason) => {
      const posted = await post(evaluationPath(family, evaluation, 'return'), { reason });
      // Whatever the owner says to it: the lease is not ours any more.
      return posted.kind === 'unavailable' ? posted : { kind: 'ok' };
    },
    submit: async (family, evaluation, body) => {
      const posted = await post(evaluationPath(family, evaluation, 'result'), body);
      if (posted.kind === 'refused') return { kind: 'refused', detail: posted.detail };
      return posted.kind === 'ok' ? { kind: 'ok' } : posted;
    },
  };
}

/** The owner's times are UTC without saying so; null for what is no time. */
function expiryOf(text: string): string | null {
  const ms = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}
