import { type ClientRequest, type IncomingMessage, request as startRequest } from 'node:http';
import type { Socket } from 'node:net';

import { createBodyCollector } from './peer-body.ts';
import type { Cutoff } from './peer-cutoff.ts';
import { type FetchOutcome, quote, type Refused, refused } from './peer-outcome.ts';
import { describeCause, type Target } from './peer-target.ts';

export type ExchangeLimits = {
  readonly bodyBytes: number;
  readonly headerBytes: number;
  readonly headersTimeoutMs: number;
  readonly ratePeriodMs: number;
  readonly rateBytesPerPeriod: number;
};

/** `cut`: of a body that is larger, its beginning is taken instead of nothing. */
type BodyLimits = ExchangeLimits & { readonly cut?: boolean };

/** What is asked of a peer: to give something, or to take these bytes. */
export type PeerRequest = { readonly headers: Readonly<Record<string, string>> } & (
  | { readonly method: 'GET' }
  | { readonly method: 'POST'; readonly body: Uint8Array; readonly contentType: string }
);

const INTERIM_RESPONSES_MAX = 8; // 1xx responses: an honest server sends none, or one 103

/**
 * Sends one request over a connection that is used for nothing else and reads the response within the limits. There is
 * no agent: no pool, no proxy from the environment, no connection that another peer's response could linger on. A peer
 * may answer before it has taken the whole body; one that takes none of it costs the headers time-out.
 */
export function exchange(
  socket: Socket,
  target: Target,
  sent: PeerRequest,
  limits: BodyLimits,
  cutoff: Cutoff,
): Promise<FetchOutcome> {
  return new Promise((resolve) => {
    const settle = (outcome: FetchOutcome): void => {
      resolve(outcome);
      request.destroy(); // drops what was read but not yet parsed
      socket.destroy();
    };
    const stopHeadersTimer = cutoff.cutAfter(
      limits.headersTimeoutMs,
      refused('timeout', `no response headers within ${limits.headersTimeoutMs} ms`),
    );
    const request = startRequest({
      createConnection: () => socket,
      method: sent.method,
      path: target.path,
      headers: {
        ...sent.headers,
        host: target.host,
        accept: '*/*',
        'accept-encoding': 'identity',
        connection: 'close',
        'user-agent': 'eirel',
        ...(sent.method === 'POST' ? bodyHeaders(sent) : {}),
      },
      maxHeaderSize: limits.headerBytes,
      insecureHTTPParser: false, // spelled out because a command-line option could otherwise turn it on
    });
    request.on('error', (cause) => settle(explainFailure(cause)));
    cutoff.onCut(settle);
    refuseInterim(request, settle);
    request.on('response', (response) => {
      stopHeadersTimer();
      const refusal = judgeHeaders(response, limits);
      if (refusal === null) readBody(response, socket, limits, cutoff, settle);
      else settle(refusal);
    });
    request.end(sent.method === 'POST' ? sent.body : undefined);
  });
}

function bodyHeaders({ body, contentType }: Extract<PeerRequest, { method: 'POST' }>) {
  return { 'content-type': contentType, 'content-length': body.length };
}

/** Endless interim responses and protocol upgrades would otherwise keep the connection without ever being a response. */
function refuseInterim(request: ClientRequest, settle: (refusal: Refused) => void): void {
  let interim = 0;
  request.on('information', () => {
    interim += 1;
    if (interim > INTERIM_RESPONSES_MAX) {
      settle(refused('malformed-response', `more than ${INTERIM_RESPONSES_MAX} interim responses`));
    }
  });
  request.on('upgrade', () => {
    settle(refused('malformed-response', 'the peer switched protocols unasked'));
  });
}

function judgeHeaders(
  { statusCode = 0, headers }: IncomingMessage,
  { bodyBytes, cut = false }: BodyLimits,
): Refused | null {
  if (statusCode < 200 || statusCode > 599) {
    return refused('malformed-response', `${statusCode} is not a final status`);
  }
  if (statusCode >= 300 && statusCode < 400) {
    const refusal = refused(
      'redirected',
      `status ${statusCode} to ${quote(headers.location ?? 'nowhere')}`,
    );
    return headers.location === undefined ? refusal : { ...refusal, location: headers.location };
  }
  const contentEncoding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (contentEncoding !== 'identity') {
    return refused('encoding-refused', `content-encoding ${quote(contentEncoding)}`);
  }
  const transferEncoding = headers['transfer-encoding']?.toLowerCase() ?? 'chunked';
  if (transferEncoding !== 'chunked') {
    return refused('encoding-refused', `transfer-encoding ${quote(transferEncoding)}`);
  }
  const announcedBytes = Number(headers['content-length'] ?? 0);
  if (announcedBytes > bodyBytes && !cut) {
    return tooLarge(`${announcedBytes} bytes are announced`, bodyBytes);
  }
  return null;
}

function readBody(
  response: IncomingMessage,
  socket: Socket,
  limits: BodyLimits,
  cutoff: Cutoff,
  settle: (outcome: FetchOutcome) => void,
): void {
  const collector = createBodyCollector(limits.bodyBytes);
  const startBytes = socket.bytesRead;
  let periodStart = 0;
  let pieces = 0;

  const fetched = () => ({
    kind: 'ok' as const,
    status: response.statusCode ?? 0,
    contentType: response.headers['content-type'] ?? null,
    body: collector.take(),
  });
  response.on('data', (chunk: Buffer) => {
    pieces += 1;
    const piecesMax = PIECES_FREE + collector.size() / PIECE_BYTES_MIN;
    const wireBytesMax = FRAMING_FREE_BYTES + 2 * collector.size();
    if (!collector.add(chunk)) {
      if (!limits.cut) return settle(tooLarge('the body goes on', limits.bodyBytes));
      collector.add(chunk.subarray(0, limits.bodyBytes - collector.size()));
      settle({ ...fetched(), cut: true });
    } else if (pieces > piecesMax || socket.bytesRead - startBytes > wireBytesMax) {
      settle(refused('malformed-response', 'the framing outweighs the body'));
    }
  });
  response.on('end', () => {
    if (!response.complete) {
      return settle(refused('truncated', `the connection ended after ${collector.size()} bytes`));
    }
    settle(fetched());
  });
  response.on('error', (cause) => settle(explainFailure(cause)));

  // The first period is the grace: nothing is asked of the peer before it is over.
  cutoff.every(limits.ratePeriodMs, () => {
    const receivedBytes = collector.size() - periodStart;
    periodStart = collector.size();
    if (receivedBytes < limits.rateBytesPerPeriod) {
      const detail = `${receivedBytes} body bytes in ${limits.ratePeriodMs} ms, expected ${limits.rateBytesPerPeriod}`;
      settle(refused('too-slow', detail));
    }
  });
}

// Chunk sizes and extensions are not body, and each chunk, however small, costs as much to handle as a large one. Past
// a free allowance, which also covers what was read but not yet parsed, an honest server is far from either bound.
const FRAMING_FREE_BYTES = 131_072; // then as much framing as body
const PIECES_FREE = 1_024;
const PIECE_BYTES_MIN = 64; // on average; a network packet carries several hundred

function tooLarge(what: string, bodyBytes: number): Refused {
  return refused('body-too-large', `${what}, at most ${bodyBytes} are accepted`);
}

/** The refusal for a failure of parser or socket, which is always the peer's doing or the network's. */
function explainFailure(cause: Error): Refused {
  const code = describeCause(cause);
  if (code === 'HPE_HEADER_OVERFLOW') {
    return refused('headers-too-large', 'the response headers exceed the limit');
  }
  if (code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE') {
    return refused('malformed-response', code);
  }
  return refused('truncated', `the connection ended before the response did: ${code}`);
}
