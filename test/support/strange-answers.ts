import {
  type HostileServer,
  serveAnswer,
  serveBytes,
  serveDrip,
  serveEndless,
  serveGzipBomb,
  serveReset,
  serveSilence,
} from './hostile-servers.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** More than any client of a service takes. */
const OVERSIZE_BYTES = 12 * 1_024 * 1_024;

/** Those that answer never, or not to an end. */
const ENDLESS = new Set(['is silent', 'dribbles its header', 'dribbles its answer']);

/** How long a test waits: for what does not come it is short, and for what does a busy machine may need long. */
export function patienceMs(name: string): number {
  return ENDLESS.has(name) ? 150 : 20_000;
}

/**
 * What a service that was chosen by an operator, and failed, may do instead of answering: each is one server. Whoever
 * asks it has no answer within his own time, and nothing is thrown.
 */
export const STRANGE_ANSWERS: readonly (readonly [string, () => Promise<HostileServer>])[] = [
  ['is silent', serveSilence],
  ['dribbles its header', () => serveDrip('HTTP/1.1 200 OK\r\nx-slow: ')],
  ['dribbles its answer', () => serveDrip('HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{"a":"')],
  ['closes before it answers', () => serveBytes('')],
  ['closes within its answer', () => serveBytes('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{')],
  ['resets the connection', () => serveReset(1_000, 10)],
  ['speaks another protocol', () => serveBytes('220 smtp.example ESMTP\r\n')],
  ['answers without end', () => serveEndless(CHUNKED, CHUNK, OVERSIZE_BYTES)],
  ['inflates a bomb', () => serveGzipBomb(OVERSIZE_BYTES)],
  ['leads elsewhere', () => serveAnswer(307, { location: 'http://127.0.0.1:1/' }, '')],
  ['answers with no JSON', () => serveAnswer(200, JSON_TYPE, '{"a":')],
  ['answers with nothing', () => serveAnswer(200, JSON_TYPE, '')],
  ['answers in another form', () => serveAnswer(200, JSON_TYPE, '[null]')],
  [
    'answers with bytes that are no text',
    () => serveAnswer(200, JSON_TYPE, Buffer.from([0xff, 0xfe])),
  ],
  ['fails', () => serveAnswer(500, JSON_TYPE, '{}')],
  ['does not know the caller', () => serveAnswer(401, JSON_TYPE, '{}')],
];

const SIZE = 64 * 1_024;
const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const CHUNK = Buffer.from(`${SIZE.toString(16)}\r\n${' '.repeat(SIZE)}\r\n`);
