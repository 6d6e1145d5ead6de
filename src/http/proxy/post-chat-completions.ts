import type { Request, Response } from 'express';
import { AppError } from '../../errors.ts';
import { bearerOf } from '../bearer.ts';
import { guardedRoute, type LetIn, type TurnedAway } from '../guarded-route.ts';
import { definePostRoute } from '../post-route.ts';
import { NO_LIMIT } from '../rate-limit.ts';
import type { Route } from '../route.ts';
import { NoParams } from '../run-request.ts';
import { sendJson } from '../send-json.ts';
import { commonHeaders } from '../signed-bytes.ts';

/** What a call of a model is answered with: a document, the parts of a stream, or why there is none. */
export type ChatAnswer =
  | Readonly<{ kind: 'answer'; document: unknown }>
  | Readonly<{ kind: 'stream'; parts: AsyncIterable<Uint8Array> }>
  | Readonly<{ kind: 'refused'; status: number; detail: string }>
  /** The caller's own time is over; the call goes on without it. */
  | Readonly<{ kind: 'waited' }>;

export type PostChatCompletionsDeps<Seen> = Readonly<{
  /** Whether this credential may call for this job. */
  admits: (credential: string | null, job: string) => boolean;
  /** Lets a request for an open job in, within the share of its miner, with what was seen of the job. */
  enter: (job: string) => Promise<(LetIn & Readonly<{ seen: Seen }>) | TurnedAway>;
  complete: (
    asked: Readonly<{
      body: unknown;
      job: string;
      callerBudgetUsd: number | null;
      seen: Seen;
      /** Aborts when the caller hangs up. */
      left: AbortSignal;
    }>,
  ) => Promise<ChatAnswer>;
}>;

/** A prompt of 250,000 words. */
const MAX_CHAT_BYTES = 2 * 1_024 * 1_024;

/**
 * POST /v1/chat/completions, for a job: with a `payload` in the form of the existing services, else in that of OpenAI,
 * as a stream where that is asked for. Who has no token of the job, and not the services' own, gets 401, and who asks
 * for too much at once 429, before the body is read.
 */
export function postChatCompletions<Seen>({
  admits,
  enter,
  complete,
}: PostChatCompletionsDeps<Seen>): Route {
  const entries = new WeakMap<Request, Readonly<{ seen: Seen }>>();
  const route = definePostRoute(spec, NO_LIMIT, async ({ req, res, body }) => {
    const [job, callerBudgetUsd] = [jobOf(req), budgetOf(req)];
    const entry = entries.get(req);
    if (job === null || callerBudgetUsd === undefined || entry === undefined)
      throw new TypeError('a request was let in by other headers');
    const left = leavingOf(res);
    const answer = await complete({
      body: jsonOf(body),
      job,
      callerBudgetUsd,
      seen: entry.seen,
      left,
    });
    switch (answer.kind) {
      case 'answer':
        return sendJson(res, 200, answer.document);
      case 'stream':
        return sendStream(res, answer.parts);
      case 'waited':
        return refuse(res, 502, 'provider upstream error (timeout)');
      case 'refused':
        return refuse(res, answer.status, answer.detail);
    }
  });
  return guardedRoute(route, async (req) => {
    const job = jobOf(req);
    if (job === null) return turnedAway(400, 'missing job id header');
    if (!admits(bearerOf(req), job)) return turnedAway(401, 'invalid provider proxy token');
    if (budgetOf(req) === undefined) return turnedAway(400, 'invalid run budget header');
    const entered = await enter(job);
    if (entered.kind === 'entered') entries.set(req, entered);
    return entered;
  });
}

function turnedAway(status: number, detail: string): TurnedAway {
  return { kind: 'refused', status, detail };
}

/** Aborts when the caller hangs up before it is answered. */
function leavingOf(res: Response): AbortSignal {
  const left = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) left.abort();
  });
  if (res.destroyed) left.abort();
  return left.signal;
}

/** A header that comes once and has a text. */
function jobOf({ headers }: Pick<Request, 'headers'>): string | null {
  const job = headers['x-eirel-job-id'];
  return typeof job === 'string' && /^[\x21-\x7e]{1,128}$/.test(job) ? job : null;
}

/** More than any job has, in USD: a limit beyond it is none. */
const NO_LIMIT_USD = 1_000_000;

/** The caller's own limit, in USD; null where it sets none, undefined where it is no amount. */
function budgetOf({ headers }: Pick<Request, 'headers'>): number | null | undefined {
  const text = headers['x-eirel-run-budget-usd'];
  if (text === undefined) return null;
  const usd =
    typeof text === 'string' && /^[0-9]{1,9}(\.[0-9]{1,9})?$/.test(text) ? Number(text) : -1;
  if (usd < 0) return undefined;
  return usd < NO_LIMIT_USD ? usd : null;
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (cause) {
    throw new AppError('input.invalid', { field: 'body', expected: 'JSON' }, { cause });
  }
}

function refuse(res: Response, status: number, detail: string): void {
  sendJson(res, status, { detail });
}

async function sendStream(res: Response, parts: AsyncIterable<Uint8Array>): Promise<void> {
  res.writeHead(200, [
    ...commonHeaders,
    'Cache-Control',
    'no-store',
    'Content-Type',
    'text/event-stream',
  ]);
  for await (const part of parts) {
    if (res.destroyed) return;
    if (!res.write(part)) await drainedOrGone(res);
  }
  res.end();
}

/** Leaves no listener behind: a stream has thousands of parts. */
function drainedOrGone(res: Response): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      res.off('drain', done).off('close', done);
      resolve();
    };
    res.once('drain', done).once('close', done);
  });
}

const spec = {
  path: '/v1/chat/completions',
  summary: 'One call of a model, for a job, within its budget',
  params: NoParams,
  query: NoParams,
  body: {
    description:
      "`{provider, model, payload}` in the form of the existing services, or OpenAI's chat completion; a model's name may begin with `provider:`",
    contentType: 'application/json',
    schema: null,
    maxBytes: MAX_CHAT_BYTES,
  },
  answers: [
    {
      status: 200,
      description: 'The answer in the form in which it was asked for, or its stream',
      contentType: 'application/json',
      schema: null,
      headers: {},
    },
  ],
  problems: [401, 403, 404, 429, 502],
} as const;
