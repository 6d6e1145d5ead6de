import { z } from 'zod';
import { createBulkGate } from './bulk-gate.ts';
import { answerBusy } from './problem.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams, wholeNumber } from './run-request.ts';
import { sendText } from './send-json.ts';

export type GetEventsDeps = Readonly<{
  /** The log's name: the `source` of its events. */
  logSource: string;
  /** Stored payloads from index `from`: at most `limit`, and no more than make up `maxBytes` if it can stop there. */
  events: (from: number, limit: number, maxBytes: number) => Promise<EventsPage>;
}>;

export type EventsPage = Readonly<{
  /** Consecutive from the index that was asked for; none when it lies beyond the last event. */
  payloads: readonly Uint8Array[];
  /** Events of the log. */
  size: number;
}>;

const MAX_EVENTS = 1_000;

/** As much as a peer's HTTP client takes in one response. */
export const MAX_EVENTS_BYTES = 2 * 1024 * 1024;

/**
 * GET /v1/log/events: the log as it is stored, one event a line. The bytes are those that the hash
 * chain is over; EJ1 has no newline outside an escape. What may not be read yet is stored sealed.
 */
export function getEvents({ logSource, events }: GetEventsDeps): Route {
  const gate = createBulkGate();
  return defineRoute(spec, async ({ query, req, res }) => {
    if (!gate.enter(res, MAX_EVENTS_BYTES)) {
      answerBusy(req, res);
      return;
    }
    const { from = 0, limit = MAX_EVENTS } = query;
    const { payloads, size } = await events(from, limit, MAX_EVENTS_BYTES);
    const { body, count } = joinLines(payloads, limit);
    sendText(res, 200, body, 'application/x-ndjson', [
      'Access-Control-Expose-Headers',
      'Eirel-Log-Source, Eirel-Log-Size, Eirel-Log-Next',
      'Eirel-Log-Source',
      logSource,
      'Eirel-Log-Size',
      String(size),
      'Eirel-Log-Next',
      String(from + count),
    ]);
  });
}

/** Whole lines within the limits; an event is far smaller than the body, so a page is never stuck empty. */
function joinLines(
  payloads: readonly Uint8Array[],
  limit: number,
): { body: Uint8Array; count: number } {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  let count = 0;
  for (const payload of payloads.slice(0, limit)) {
    bytes += payload.length + NEWLINE.length;
    if (bytes > MAX_EVENTS_BYTES) break;
    parts.push(payload, NEWLINE);
    count += 1;
  }
  return { body: Buffer.concat(parts), count };
}

const NEWLINE = Buffer.from('\n');

const spec = {
  path: '/v1/log/events',
  summary: 'The log: stored events, one a line',
  params: NoParams,
  query: z.strictObject({
    from: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
    limit: wholeNumber(1, MAX_EVENTS).optional(),
  }),
  answers: [
    {
      status: 200,
      description: `At most ${MAX_EVENTS} events and ${MAX_EVENTS_BYTES} bytes, from the index \`from\``,
      contentType: 'application/x-ndjson',
      schema: null,
      headers: {
        'Eirel-Log-Source': "The log's name: the `source` of its events",
        'Eirel-Log-Size': 'Events of the log',
        'Eirel-Log-Next': 'The `from` of the next page',
      },
    },
  ],
  problems: [503],
} as const;
