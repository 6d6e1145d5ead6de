import { describe, expect, test } from 'vitest';
import { FAKE_GENESIS as GENESIS, startFakeNode as startNode } from '../support/fake-node.ts';
import { until } from '../support/live-until.ts';
import { connected, openChain } from '../support/open-chain.ts';
import { quietProcess } from '../support/quiet-process.ts';

const MINUTE_MS = 60_000;

quietProcess();

describe('a connection', () => {
  test('knows the finalised head, and lends an API with the runtime calls of metadata 15', async () => {
    await using node = await startNode({ finalized: 1_234 });
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    expect(connection.head()).toEqual({ known: true, value: 1_234 });
    const link = await connection.withApi(async ({ api, ...link }) => ({
      ...link,
      metagraph: typeof api.call['subnetInfoRuntimeApi']?.['getSelectiveMechagraph'],
    }));
    expect(link).toMatchObject({
      known: true,
      value: { spec: 343, endpoint: node.url, canSign: true, metagraph: 'function' },
    });
  });

  test('is sought again when it is lost, one socket at a time, with the metadata that it has', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    for (let losses = 0; losses < 3; losses++) {
      await connected(connection);
      expect(connection.state()).toMatchObject({ losses, handshakes: losses + 1 });
      node.drop();
      await until('the loss', () => connection.state().losses > losses);
    }
    await connected(connection);
    const metagraph = await connection.withApi(
      async ({ api }) => typeof api.call['subnetInfoRuntimeApi']?.['getSelectiveMechagraph'],
    );
    expect(metagraph).toEqual({ known: true, value: 'function' });
    expect(node).toMatchObject({ handshakes: 4, mostOpen: 1 });
    expect(node.calls.filter((call) => call === 'Metadata_metadata_at_version')).toHaveLength(1);
  });

  test('goes on to the next endpoint when one is lost', async () => {
    await using first = await startNode();
    await using second = await startNode();
    await using connection = openChain([first.url, second.url], GENESIS);
    await connected(connection, first.url);
    first.drop();
    await connected(connection, second.url);
    second.drop();
    await connected(connection, first.url);
    expect([first.handshakes, second.handshakes]).toEqual([2, 1]);
  });

  test('that is closed leaves nothing open, whatever it was doing', async () => {
    await using node = await startNode();
    const before = process.getActiveResourcesInfo().length;
    for (const moment of ['connecting', 'connected'] as const) {
      const connection = openChain([node.url], GENESIS);
      await until(moment, () => connection.state().status === moment);
      const reading = connection.withApi(({ call }) => call('dev_silence', []));
      await connection[Symbol.asyncDispose]();
      expect(await reading).toMatchObject({ known: false, reason: 'unavailable' });
      expect(connection.state()).toMatchObject({ status: 'closed', endpoint: null });
      await until('no open socket', () => node.open === 0);
    }
    await until('no handle', () => process.getActiveResourcesInfo().length <= before);
  });

  test('is closed by its signal', async () => {
    await using node = await startNode();
    const controller = new AbortController();
    await using connection = openChain([node.url], GENESIS, {}, controller.signal);
    await connected(connection);
    controller.abort();
    await until('the end', () => connection.state().status === 'closed' && node.open === 0);
    expect(await connection.withApi(async () => 1)).toMatchObject({
      known: false,
      detail: 'closed',
    });
  });
});

describe('a handshake', () => {
  test('that is answered with HTTP 429 rests its endpoint for 5 minutes, and another one serves', async () => {
    await using busy = await startNode();
    await using idle = await startNode();
    busy.refuseWith = 429;
    await using connection = openChain([busy.url, idle.url], GENESIS);
    const { resting } = await connected(connection, idle.url);
    expect(resting).toMatchObject([
      { endpoint: busy.url, why: expect.stringContaining('HTTP 429') },
    ]);
    const left = (resting[0]?.until ?? 0) - performance.now();
    expect(left).toBeGreaterThan(4.5 * MINUTE_MS);
    expect(left).toBeLessThan(5 * MINUTE_MS + 100);
    idle.drop();
    await until('the next handshake', () => idle.handshakes === 2);
    expect(busy.handshakes).toBe(1);
  });

  test.each([
    [503, /HTTP 503/],
    [200, /HTTP 200/],
  ])('that is answered with HTTP %i is tried again after the back-off', async (status, reason) => {
    await using node = await startNode();
    node.refuseWith = status;
    await using connection = openChain([node.url], GENESIS);
    await until('a few attempts', () => node.handshakes >= 3);
    expect(connection.state().lastError).toMatch(reason);
    expect(connection.state().resting).toEqual([]);
    node.refuseWith = null;
    await connected(connection);
  });

  test('that nobody answers is an outage with its reason', async () => {
    const node = await startNode();
    await node[Symbol.asyncDispose]();
    await using connection = openChain([node.url], GENESIS);
    await until('an attempt', () => connection.state().lastError);
    expect(connection.state().detail).toContain('ECONNREFUSED');
    expect(await connection.withApi(async () => 1)).toMatchObject({
      known: false,
      reason: 'unavailable',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
    expect(connection.head()).toMatchObject({ known: false, reason: 'unavailable' });
  });
});
