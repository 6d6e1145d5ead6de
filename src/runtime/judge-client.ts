import { judgeCalls, verdictOf } from '../evaluation/judge-contract.ts';
import type { Judge } from '../handlers/evaluation/ports.ts';
import { postJson } from './post-json.ts';

/** As often as the existing client asks a judge that is busy again. */
const RETRIES = 2;
const RETRY_MS = 1_000;

/**
 * A judge over HTTP, by the contract of `eiretes`: a comparison, the metrics and the outcome, one after the other. A
 * judge that does not answer each of them in its form gives no verdict at all.
 */
export function judgeClient({
  url,
  timeoutMs,
  retryMs = RETRY_MS,
}: Readonly<{
  /** EIREL_JUDGE_SERVICE_URL, without a path. */
  url: string;
  timeoutMs: number;
  retryMs?: number;
}>): Judge {
  return {
    name: `eiretes ${new URL(url).host}`.slice(0, 128),
    ask: async (question, signal) => {
      const calls: { path: string; request: unknown; response: unknown }[] = [];
      for (const { path, body } of judgeCalls(question)) {
        const options = { headers: {}, timeoutMs, retries: RETRIES, retryMs, signal };
        const posted = await postJson(`${url}${path}`, JSON.stringify(body), options);
        if (posted.kind !== 'ok')
          return { kind: 'unavailable', detail: `${path}: ${posted.detail}` };
        calls.push({ path, request: body, response: posted.body });
      }
      const verdict = verdictOf(
        question,
        calls.map(({ response }) => response),
      );
      if (verdict.kind !== 'ok') return { kind: 'unavailable', detail: verdict.detail };
      return { kind: 'ok', verdict: verdict.verdict, calls };
    },
  };
}
