import { createServer as createHttpsServer } from 'node:https';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

import { describe, expect, test } from 'vitest';

import { createPeerClient } from '#src/runtime/peer-client.ts';
import { openConnection } from '#src/runtime/peer-connection.ts';
import { openCutoff } from '#src/runtime/peer-cutoff.ts';
import { parseTarget } from '#src/runtime/peer-target.ts';

import { listen, serveBytes } from '../support/hostile-servers.ts';
import { loopbackClient, textOf } from '../support/loopback-client.ts';
import { selfSign } from '../support/self-signed.ts';

test('a connection that ends elsewhere than at the classified address is not used', async () => {
  await using server = await serveBytes('HTTP/1.1 200 OK\r\n\r\n');
  const target = parseTarget(server.url);
  if (target.kind === 'refused') throw new Error(target.detail);
  using cutoff = openCutoff();
  // A name stands in for a system that connects to something else than it was told.
  expect(await openConnection(target, ['localhost'], cutoff)).toMatchObject({
    kind: 'refused',
    reason: 'address-forbidden',
  });
});

describe('over TLS', () => {
  const trusted = selfSign('peer.example');
  const lookup = async () => [{ address: '127.0.0.1' }];

  async function fetchOverTls(certificate: { readonly cert: string; readonly key: string }) {
    const https = createHttpsServer(
      certificate,
      (request, response) => void response.end(request.headers.host),
    );
    https.on('tlsClientError', () => {});
    await using server = await listen(https, { scheme: 'https' });
    await using client = createPeerClient({ allowLoopback: true, lookup });
    const outcome = await client.get(`https://peer.example:${server.port}/`);
    return outcome.kind === 'ok' ? textOf(outcome).replace(/:\d+$/, '') : outcome;
  }

  test('the certificate must be trusted and of the name in the URL, whatever the environment says', async () => {
    const defaults = getCACertificates('default');
    const otherName = selfSign('other.example');
    setDefaultCACertificates([...defaults, trusted.cert, otherName.cert]);
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      expect(await fetchOverTls(trusted)).toBe('peer.example');
      expect(await fetchOverTls(otherName)).toMatchObject({
        reason: 'unreachable',
        detail: 'ERR_TLS_CERT_ALTNAME_INVALID',
      });
      expect(await fetchOverTls(selfSign('peer.example'))).toMatchObject({ reason: 'unreachable' });
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      setDefaultCACertificates(defaults);
    }
  });

  test('a server that speaks no TLS is unreachable', async () => {
    await using server = await serveBytes('HTTP/1.1 200 OK\r\n\r\n');
    await using client = loopbackClient();
    expect(await client.get(`https://127.0.0.1:${server.port}/`)).toMatchObject({
      reason: 'unreachable',
    });
  });
});
