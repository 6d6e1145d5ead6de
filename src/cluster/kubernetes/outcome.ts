import { ApiException } from '@kubernetes/client-node';
import { z } from 'zod';

/** How a request to the cluster ended. What is not done is expected now and then, and a value. */
export type Outcome<T> =
  | Readonly<{ kind: 'done'; value: T }>
  | Refused
  | Readonly<{ kind: 'unavailable'; detail: string; retryAfterMs: number | null }>;

/** The cluster understood, and does not do it: for want of quota, or for good. */
type Refused = Readonly<{
  kind: 'refused';
  status: number;
  reason: string;
  quota: boolean;
  detail: string;
}>;

const Status = z.looseObject({
  reason: z.string().catch(''),
  message: z.string().catch(''),
});

/** A longer wait than this is left to the next reconcile. */
const MAX_RETRY_AFTER_SECONDS = 30;

/**
 * Makes one request and tells how it ended. Only the server's own words go into a detail: the client's messages hold
 * headers and whole bodies.
 */
export async function outcomeOf<T>(request: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { kind: 'done', value: await request() };
  } catch (error) {
    return error instanceof ApiException
      ? answered(error)
      : { kind: 'unavailable', detail: causeOf(error), retryAfterMs: null };
  }
}

function answered(error: ApiException<unknown>): Exclude<Outcome<never>, { kind: 'done' }> {
  const { code: status } = error;
  const { reason, message } = statusOf(error.body);
  const detail = message === '' ? `status ${status}` : message;
  // A patch that the schema does not know comes as a 500, and would do so for ever.
  const transient = status >= 500 && !message.includes('failed to create typed patch object');
  if (transient || status === 429 || status === 408)
    return { kind: 'unavailable', detail, retryAfterMs: retryAfterOf(error.headers) };
  const quota = status === 403 && message.includes('exceeded quota');
  return { kind: 'refused', status, reason, quota, detail };
}

function statusOf(body: unknown): z.infer<typeof Status> {
  try {
    const status = Status.safeParse(typeof body === 'string' ? JSON.parse(body) : body);
    if (status.success) return status.data;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  // A proxy's page, or nothing: the status alone says it.
  return { reason: '', message: '' };
}

function retryAfterOf(headers: Readonly<Record<string, string>>): number | null {
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return seconds >= 0 && seconds <= MAX_RETRY_AFTER_SECONDS ? seconds * 1_000 : null;
}

/** What is at the bottom of a failed request: a code of the system where there is one. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown fault';
  if (error.cause instanceof Error) return causeOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
