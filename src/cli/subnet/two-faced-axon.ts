import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Signer } from '../../consensus/keys.ts';
import { encodeDocument, SignedDocument, signDocument } from '../../consensus/signed.ts';
import { decode, decodeBytes, encode } from '../../events/ej1.ts';
import { REPORT_TYPE, ReportBody } from '../../events/report.ts';
import { TWO_FACED_RUN } from './plan.ts';

/**
 * The axon of the dishonest validator: it passes everything on to the validator behind it, but in one
 * run every second asker gets another report, signed with the same key.
 */
export async function openTwoFacedAxon(
  behind: string,
  signer: Signer,
): Promise<{ url: string } & AsyncDisposable> {
  let asked = 0;
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    void passOn(`${behind}${path}`, request, response, (body) => {
      if (!path.startsWith(`/v1/consensus/scores/run-${TWO_FACED_RUN}?`)) return body;
      asked++;
      return asked % 2 === 0 ? otherReport(body, signer) : body;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // safe: it listens on a port
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function passOn(
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
  change: (body: Uint8Array) => Uint8Array,
): Promise<void> {
  try {
    const { method = 'GET', headers } = request;
    const sent = method === 'POST' ? await buffer(request) : null;
    const answer = await fetch(url, {
      method,
      body: sent,
      headers: { 'content-type': headers['content-type'] ?? 'application/octet-stream' },
    });
    const body = new Uint8Array(await answer.arrayBuffer());
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'application/json',
    });
    response.end(answer.ok ? change(body) : body);
  } catch {
    // The validator behind is gone: so is this axon, as far as an asker can see.
    response.destroy();
  }
}

/** The same report with everybody but the favourite at zero. */
function otherReport(document: Uint8Array, signer: Signer): Uint8Array {
  const { body } = SignedDocument.parse(decodeBytes(document));
  const report = ReportBody.parse(decode(body));
  const best = Math.max(...Object.values(report.scores));
  const scores = Object.fromEntries(
    Object.entries(report.scores).map(([miner, score]) => [miner, score === best ? score : 0]),
  );
  return encodeDocument(signDocument(REPORT_TYPE, encode({ ...report, scores }), signer));
}
