import { describe, expect, test } from 'vitest';

import { PEER_LIMITS } from '#src/runtime/peer-client.ts';

import { serveAnswer, serveHeld, serveSilence } from '../support/hostile-servers.ts';
import { loopbackClient } from '../support/loopback-client.ts';

describe('many requests at once', () => {
  test('one peer never has more than its share in flight, and every waiting request gets its turn', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on('warning', note);
    await using server = await serveHeld();
    await using client = loopbackClient();
    await using probe = loopbackClient();
    const { signal } = new AbortController();
    const outcomes = Array.from({ length: 20 }, () => client.get(server.url, { signal }));
    await server.arrived(PEER_LIMITS.perPeerConcurrency);
    // A request that was sent after all others has arrived: what is not here by now was held back by the client.
    const probed = probe.get(server.url);
    await server.arrived(PEER_LIMITS.perPeerConcurrency + 1);
    expect(server.heldCount()).toBe(PEER_LIMITS.perPeerConcurrency + 1);
    server.release();
    for (const outcome of await Promise.all([...outcomes, probed]))
      expect(outcome).toMatchObject({ kind: 'ok', status: 200 });
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  test('all peers together stay within the total', async () => {
    await using first = await serveHeld();
    await using second = await serveHeld();
    await using client = loopbackClient({ totalConcurrency: 3 });
    await using probe = loopbackClient();
    const outcomes = [first, second, first, second, first].map(({ url }) => client.get(url));
    await Promise.all([first.arrived(2), second.arrived(1)]);
    const probed = [probe.get(first.url), probe.get(second.url)];
    await Promise.all([first.arrived(3), second.arrived(2)]);
    expect(first.heldCount() + second.heldCount()).toBe(3 + 2);
    first.release();
    second.release();
    for (const outcome of await Promise.all([...outcomes, ...probed]))
      expect(outcome).toMatchObject({ kind: 'ok' });
  });

  test('beyond the queue a peer is busy, at once, while another peer is served', async () => {
    await using server = await serveHeld();
    await using other = await serveAnswer(200, {}, 'x');
    await using client = loopbackClient({ perPeerConcurrency: 1, perPeerWaiting: 1 });
    const accepted = [client.get(server.url), client.get(server.url)];
    expect(await client.get(server.url)).toMatchObject({ reason: 'peer-busy' });
    expect(await client.get(other.url)).toMatchObject({ kind: 'ok' });
    server.release();
    for (const outcome of await Promise.all(accepted))
      expect(outcome).toMatchObject({ kind: 'ok' });
  });

  test('the whole queue is bounded too', async () => {
    await using server = await serveHeld();
    await using client = loopbackClient({ totalConcurrency: 1, totalWaiting: 1 });
    const accepted = [client.get(server.url), client.get(server.url)];
    expect(await client.get('http://127.0.0.1:8080/')).toMatchObject({ reason: 'peer-busy' });
    server.release();
    await Promise.all(accepted);
  });

  test('a failed request gives its place back', async () => {
    await using server = await serveSilence();
    await using client = loopbackClient({ perPeerConcurrency: 1, headersTimeoutMs: 20 });
    const outcomes = await Promise.all([1, 2, 3].map(() => client.get(server.url)));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: 'timeout' });
    expect(server.connectionCount()).toBe(3);
  });
});
