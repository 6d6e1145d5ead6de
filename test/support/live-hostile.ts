import { devSigner, hotkeyOf, MINERS } from '#src/cli/subnet/cast.ts';
import { buildReport } from '#src/consensus/report.ts';
import { encodeDocument, type SignedDocument, signDocument } from '#src/consensus/signed.ts';
import { encode } from '#src/events/ej1.ts';
import { REPORT_TYPE, type RejectionReason, type ReportBody } from '#src/events/report.ts';
import {
  type HostileServer,
  serveAnswer,
  serveBytes,
  serveDeepJson,
  serveDrip,
  serveEndless,
  serveGzipBomb,
  serveHttp,
} from './hostile-servers.ts';
import type { LiveRun } from './live-run.ts';

const MEBIBYTE = 1_024 * 1_024;
const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';

/** A voter that misbehaves in one way, and the one reason for which it is to be refused. */
export type HostilePeer = Readonly<{ name: string; reason: RejectionReason; axon: string }>;

type Network = Readonly<{ genesis: () => string; netuid: number }>;

/** An axon's URL has no path. */
const axonOf = ({ url }: HostileServer): string => url.replace(/\/$/, '');

/**
 * Voters that are hostile on the wire, in the content of their report, and in the address that they
 * register. `run` and `genesis` tell which run and chain it is when they are asked.
 */
export async function openHostilePeers(run: () => LiveRun, network: Network) {
  await using opened = new AsyncDisposableStack();
  const endless = opened.use(
    await serveEndless(`${OK}\r\n`, new Uint8Array(65_536).fill(32), 1_024 * MEBIBYTE),
  );
  const trap = opened.use(await serveAnswer(200, {}, 'what a redirect leads to'));
  const servers: [string, RejectionReason, HostileServer][] = [
    ['slow drip', 'too-slow', await serveDrip(`${OK}\r\n`)],
    ['1 GiB body', 'body-too-large', endless],
    [
      '1 GiB announced',
      'body-too-large',
      await serveBytes(`${OK}content-length: 1073741824\r\n\r\n`, { keepOpen: true }),
    ],
    ['gzip bomb', 'encoding-refused', await serveGzipBomb(128 * MEBIBYTE)],
    ['100,000 arrays', 'body-too-large', await serveDeepJson(100_000)],
    ['20,000 arrays', 'not-canonical', await serveDeepJson(20_000)],
    ['redirect to loopback', 'redirected', await serveAnswer(302, { location: trap.url }, '')],
    [
      'redirect to link-local',
      'redirected',
      await serveAnswer(307, { location: 'http://169.254.169.254/latest/meta-data/' }, ''),
    ],
    [
      'endless headers',
      'headers-too-large',
      await serveBytes(`${OK}x: ${'x'.repeat(65_536)}\r\n\r\n`),
    ],
    ['cut short', 'truncated', await serveBytes(`${OK}content-length: 100\r\n\r\n{`)],
    ['no HTTP', 'malformed-response', await serveBytes('SSH-2.0-OpenSSH_9.9\r\n')],
    ['server error', 'status', await serveAnswer(500, {}, '')],
  ];
  for (const [name, reason, document] of documents(run, network)) {
    servers.push([name, reason, await serveReport(() => document(devSigner(name).hotkey))]);
  }
  for (const [, , server] of servers) opened.use(server);
  const peers: HostilePeer[] = [
    ...servers.map(([name, reason, server]) => ({ name, reason, axon: axonOf(server) })),
    { name: 'link-local axon', reason: 'address-forbidden', axon: 'http://169.254.169.254:80' },
    { name: 'mapped axon', reason: 'address-forbidden', axon: 'http://[::ffff:10.0.0.1]:8080' },
  ];
  const kept = opened.move();
  return {
    peers,
    /** What of its gibibyte the endless server was rid of. */
    endlessBytes: endless.sentBytes,
    trapped: trap.connectionCount,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

type Document = (hotkey: string) => Uint8Array | string;

/** Reports that are wrong in one thing, each well signed unless it is the signature. */
function documents(
  run: () => LiveRun,
  { genesis, netuid }: Network,
): readonly (readonly [string, RejectionReason, Document])[] {
  const [miner] = MINERS;
  const honest = (hotkey: string): Omit<ReportBody, 'v' | 'unit'> => ({
    genesis: genesis(),
    netuid,
    family: run().family,
    run: run().run,
    roster: run().roster,
    snapshotBlock: run().phases.snapshot,
    hotkey,
    scores: { [hotkeyOf(miner)]: 999_999_999 },
  });
  const signed = (name: string, body: string): SignedDocument =>
    signDocument(REPORT_TYPE, body, devSigner(name));
  const changed =
    (name: string, changes: Partial<ReportBody>): Document =>
    (hotkey) =>
      encodeDocument(signed(name, buildReport({ ...honest(hotkey), ...changes })));
  /** The body with other text where the score stands: what no encoder of ours would write. */
  const scored =
    (name: string, text: string): Document =>
    (hotkey) =>
      encodeDocument(signed(name, buildReport(honest(hotkey)).replace('999999999', text)));
  const crowd = (count: number): Record<string, number> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [hotkeyLike(index), 1]));
  return [
    ['another run', 'wrong-run', changed('another run', { run: 'run-999' })],
    ['another family', 'wrong-family', changed('another family', { family: 'other' })],
    ['another netuid', 'wrong-netuid', changed('another netuid', { netuid: 1 })],
    ['another network', 'wrong-network', changed('another network', { genesis: '0'.repeat(64) })],
    ['another roster', 'wrong-roster', changed('another roster', { roster: '0'.repeat(64) })],
    ['another snapshot', 'wrong-snapshot', changed('another snapshot', { snapshotBlock: 1 })],
    ['a stolen report', 'wrong-hotkey', () => changed('v2', {})(hotkeyOf('v2'))],
    [
      'a forged report',
      'bad-signature',
      (hotkey) => encodeDocument({ ...signed('v2', buildReport(honest(hotkey))), hotkey }),
    ],
    ['NaN', 'not-canonical', scored('NaN', 'NaN')],
    ['1e999', 'not-canonical', scored('1e999', '1e999')],
    ['a negative score', 'score-out-of-range', scored('a negative score', '-1')],
    ['above one', 'score-out-of-range', scored('above one', '1000000001')],
    ['a score twice', 'not-canonical', scored('a score twice', `999999999,"${hotkeyOf(miner)}":0`)],
    ['257 miners', 'too-many-miners', changed('257 miners', { scores: crowd(257) })],
    ['10,000 miners', 'body-too-large', changed('10,000 miners', { scores: crowd(10_000) })],
    ['no report', 'schema', () => encode({ hello: 'world' })],
  ];
}

/** Like a hotkey, and different for each index; the checksum of a scored miner is nobody's concern. */
function hotkeyLike(index: number): string {
  const digits = String(index)
    .padStart(47, '0')
    .replaceAll(/[0-9]/g, (digit) => 'ABCDEFGHJK'[Number(digit)] ?? '');
  return `5${digits}`;
}

/** Answers for its own report alone, as a validator does that holds nothing of others. */
function serveReport(document: () => Uint8Array | string): Promise<HostileServer> {
  return serveHttp((request, response) => {
    const asked = request.url?.startsWith('/v1/consensus/scores/') ?? false;
    response.writeHead(asked ? 200 : 404, { 'content-type': 'application/json' });
    response.end(asked ? document() : '');
  });
}
