import { type ClientRequest, type IncomingMessage, request as startRequest } from 'node:http';
import {
  ANSWER_LIMITS,
  type Answered,
  answerReader,
  unaryAnswer,
} from '../evaluation/answer-stream.ts';
import { JOB_ID_HEADER, JOB_TOKEN_HEADER } from '../evaluation/job.ts';
import type { InvokeMiner, TurnRequest, TurnResult } from '../handlers/evaluation/ports.ts';
import { wait } from './clock.ts';

/** What a miner may send before its answer: an honest one has under 1 KiB. */
const MAX_HEADER_BYTES = 16_384;

/** Between an answer of a server that is not there yet and the second question. */
const RETRY_MS = 1_000;

/** What stands before a service that restarts says so; everything else is the service's own word. */
const PASSING = new Set([502, 503, 504]);

const STREAM_PATH = '/v1/agent/infer/stream';
const UNARY_PATH = '/v1/agent/infer';

type Ending = TurnResult extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'ms'>
    : never
  : never;
type Reply =
  | Readonly<{ kind: 'status'; status: number }>
  | Readonly<{ kind: 'ended'; ending: Ending }>;

/**
 * Asks a miner's runtime over HTTP, and nobody else: no redirect is followed, no proxy asked, no connection kept. Two
 * questions at most: a service that is not there yet (502, 503, 504) is asked again after a second, one that knows no
 * stream (404) without it. `now` is a clock that only goes forward, in milliseconds.
 */
export function minerClient({
  now,
  retryMs = RETRY_MS,
}: Readonly<{ now: () => number; retryMs?: number }>): InvokeMiner {
  return async (asked) => {
    const started = now();
    const deadline = AbortSignal.timeout(asked.timeoutMs);
    const signal = AbortSignal.any([asked.signal, deadline]);
    const contact = { made: false };
    const ending = await askTwice(asked, retryMs, contact, signal);
    const ms = Math.max(0, Math.round(now() - started));
    if (asked.signal.aborted) return { kind: 'aborted', ms, detail: 'the question was given up' };
    if (deadline.aborted && ending.kind !== 'completed')
      return {
        kind: contact.made ? 'too-late' : 'unreachable',
        ms,
        detail: `no answer within ${asked.timeoutMs} ms`,
      };
    return { ...ending, ms } as TurnResult; // safe: an ending is a result without its time
  };
}

/** Whether anything listened at all: who never took the question did not answer it late. */
type Contact = { made: boolean };

async function askTwice(
  asked: TurnRequest,
  retryMs: number,
  contact: Contact,
  signal: AbortSignal,
): Promise<Ending> {
  const first = await ask(asked, STREAM_PATH, contact, signal);
  if (first.kind === 'ended') return first.ending;
  if (first.status !== 404 && !PASSING.has(first.status)) return refusedBy(first.status);
  if (first.status !== 404) await wait(retryMs, signal);
  const path = first.status === 404 ? UNARY_PATH : STREAM_PATH;
  const second = await ask(asked, path, contact, signal);
  return second.kind === 'ended' ? second.ending : refusedBy(second.status);
}

function refusedBy(status: number): Ending {
  return { kind: 'failed', detail: `the runtime answers ${status}` };
}

/** One question. Whatever goes wrong with the connection is an ending. */
function ask(
  asked: TurnRequest,
  path: string,
  contact: Contact,
  signal: AbortSignal,
): Promise<Reply> {
  return new Promise((resolve) => {
    const body = Buffer.from(asked.body);
    const url = new URL(path, asked.url);
    const request: ClientRequest = startRequest(url, {
      method: 'POST',
      agent: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      signal,
      headers: {
        'content-type': 'application/json',
        'content-length': body.length,
        accept: path === STREAM_PATH ? 'application/x-ndjson' : 'application/json',
        'accept-encoding': 'identity',
        connection: 'close',
        [JOB_ID_HEADER]: asked.job,
        [JOB_TOKEN_HEADER]: asked.token,
      },
    });
    const settle = (reply: Reply): void => {
      resolve(reply);
      request.destroy();
    };
    let connected = false;
    request.on('socket', (socket) =>
      socket.once('connect', () => (contact.made = connected = true)),
    );
    // Who took the question and hung up has answered it: else hanging up would buy time, and another try.
    request.on('error', (error) =>
      settle(ended({ kind: connected ? 'failed' : 'unreachable', detail: textOf(error) })),
    );
    request.on('upgrade', () =>
      settle(ended({ kind: 'malformed', detail: 'an upgrade, unasked' })),
    );
    request.on('response', (response) => {
      if (response.statusCode !== 200)
        return settle({ kind: 'status', status: response.statusCode ?? 0 });
      const encoding = response.headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity')
        return settle(ended({ kind: 'malformed', detail: 'an encoding that was not asked for' }));
      readInto(response, path === STREAM_PATH ? streamed() : whole(), settle);
    });
    request.end(body);
  });
}

/** Takes the pieces of a body, and says what it was when that is clear, or when it ends. */
type Taker = Readonly<{ push: (piece: Uint8Array) => Answered | null; end: () => Answered }>;

function readInto(response: IncomingMessage, taker: Taker, settle: (reply: Reply) => void): void {
  response.on('data', (piece: Buffer) => {
    const answered = takenBy(() => taker.push(piece));
    if (answered !== null) settle(ended(answered));
  });
  response.on('end', () => {
    if (response.complete) settle(ended(takenBy(() => taker.end())));
    else settle(ended({ kind: 'failed', detail: 'the connection ended in the answer' }));
  });
  response.on('error', (error) => settle(ended({ kind: 'failed', detail: textOf(error) })));
}

/** What reading gave. An answer that a reader of ours fails on is one that nobody can read: it must not end the process. */
function takenBy<T>(read: () => T): T | Answered {
  try {
    return read();
  } catch (error) {
    return { kind: 'malformed', detail: error instanceof Error ? textOf(error) : String(error) };
  }
}

function streamed(): Taker {
  return answerReader();
}

function whole(): Taker {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  return {
    push: (piece) => {
      bytes += piece.length;
      pieces.push(piece);
      return bytes > ANSWER_LIMITS.totalBytes
        ? { kind: 'too-large', detail: `more than ${ANSWER_LIMITS.totalBytes} bytes` }
        : null;
    },
    end: () => unaryAnswer(Buffer.concat(pieces)),
  };
}

function ended(ending: Ending): Reply {
  return { kind: 'ended', ending };
}

function textOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
