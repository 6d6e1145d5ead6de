import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '#src/chain/connection-limits.ts';
import { wait } from '#src/runtime/clock.ts';
import { FAKE_GENESIS as GENESIS, startFakeNode as startNode } from '../support/fake-node.ts';
import { until } from '../support/live-until.ts';
import { connected, openChain } from '../support/open-chain.ts';
import { quietProcess } from '../support/quiet-process.ts';

quietProcess();

describe('a read', () => {
  test('that gets no answer within the deadline of a call is unknown, and the socket stays', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS, { callTimeoutMs: 1_000 });
    await connected(connection);
    node.muted = true;
    expect(await connection.withApi(({ api }) => api.rpc.state.getKeysPaged('0x', 1))).toEqual({
      known: false,
      reason: 'unavailable',
      detail: expect.stringMatching(/state_getKeysPaged, found: no answer within 1000 ms/),
    });
    expect(connection.state()).toMatchObject({ status: 'connected', losses: 0 });
  });

  test('that takes longer than its own deadline is unknown', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    const never = new Promise<never>(() => {});
    expect(await connection.withApi(() => never, { timeoutMs: 50 })).toMatchObject({
      known: false,
      detail: 'the read was not done within 50 ms',
    });
  });

  test('has no longer by default than two calls that get no answer', async () => {
    await using node = await startNode();
    const waits: number[] = [];
    const { signal } = new AbortController();
    await using connection = openChain([node.url], GENESIS, {}, signal, (ms, ended) => {
      waits.push(ms);
      return wait(ms, ended);
    });
    await connected(connection);
    waits.length = 0;
    await connection.withApi(() => Promise.resolve());
    expect(waits[0]).toBe(2 * DEFAULT_LIMITS.callTimeoutMs);
  });

  test('under way when the connection is lost is unknown', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    node.answers.set('state_call', () => node.drop());
    const answer = await connection.withApi(({ api }) =>
      Promise.resolve(api.call['core']?.['version']?.()),
    );
    expect(answer).toMatchObject({ known: false, reason: 'unavailable' });
  });

  test('that the node answers with an error is unknown', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    expect(await connection.withApi(({ call }) => call('state_nothing', []))).toEqual({
      known: false,
      reason: 'unavailable',
      detail: `${node.url}: -32601: Method not found`,
    });
  });

  test.each([-32_700, -32_600, -32_602])(
    'that the node answers with code %i is unknown: a node calls malformed what it likes',
    async (code) => {
      await using node = await startNode();
      await using connection = openChain([node.url], GENESIS);
      await connected(connection);
      node.failures.set('chain_getFinalizedHead', { code, message: 'No' });
      expect(await connection.withApi(({ api }) => api.rpc.chain.getFinalizedHead())).toEqual({
        known: false,
        reason: 'unavailable',
        detail: `${node.url}: ${code}: No`,
      });
    },
  );

  test('tells what a node wrote in one short line', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    const message = `\u001b[2Jfirst\n${'long '.repeat(10_000)}`;
    node.failures.set('state_nothing', { code: -32_000, message });
    const answer = await connection.withApi(({ call }) => call('state_nothing', []));
    const detail = answer.known ? '' : answer.detail;
    expect(detail).toContain('-32000: [2Jfirst long');
    expect(detail.length).toBeLessThan(400);
  });

  test('may handle an error of the node itself, code and data included', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    const refusal = { code: 1_010, message: 'Invalid Transaction', data: 'Custom error: 6' };
    node.failures.set('author_submitExtrinsic', refusal);
    const answer = await connection.withApi(({ call }) =>
      call('author_submitExtrinsic', ['0x00']).catch((error: unknown) => error),
    );
    expect(answer).toMatchObject({ known: true, value: { code: 1_010, data: 'Custom error: 6' } });
  });

  test('that throws a fault of the program throws it on: it is no outage', async () => {
    const fault = new TypeError('undefined is not a function');
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    await expect(connection.withApi(() => Promise.reject(fault))).rejects.toBe(fault);
    const synchronous = (): Promise<never> => {
      throw fault;
    };
    await expect(connection.withApi(synchronous)).rejects.toBe(fault);
  });

  test('cannot subscribe to anything that would outlive it', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    const methods = await connection.withApi(async ({ api }) => Object.keys(api.rpc.chain));
    expect(methods).toMatchObject({ known: true, value: expect.arrayContaining(['getHeader']) });
    expect(JSON.stringify(methods)).not.toMatch(/subscribe/i);
  });
});

describe('an upgrade of the runtime', () => {
  test('gives later reads a link of the new one, with its runtime calls, on the same socket', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    node.upgrade(344);
    const link = await until('the new link', async () => {
      const answer = await connection.withApi(async (link) => link);
      return answer.known && answer.value.spec === 344 ? answer.value : null;
    });
    expect(link.api.call['subnetInfoRuntimeApi']?.['getSelectiveMechagraph']).toBeTypeOf(
      'function',
    );
    expect(link.api.runtimeVersion.specVersion.toNumber()).toBe(344);
    expect(connection.state()).toMatchObject({ handshakes: 1, losses: 0 });
  });

  test('lets a read under way finish with the link that it has', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    const { promise: upgraded, resolve } = Promise.withResolvers<void>();
    const reading = connection.withApi(async ({ api, spec, call }) => {
      await upgraded;
      return [spec, api.runtimeVersion.specVersion.toNumber(), await call('system_chain', [])];
    });
    node.upgrade(344);
    await until('the new link', async () => {
      const answer = await connection.withApi(async ({ spec }) => spec);
      return answer.known && answer.value === 344;
    });
    resolve();
    expect(await reading).toEqual({ known: true, value: [343, 343, 'Fake'] });
  });

  test('that comes twice while it is being loaded ends at the second one', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    node.upgrade(344);
    node.upgrade(345);
    await until('the last runtime', async () => {
      const answer = await connection.withApi(async ({ spec }) => spec);
      return answer.known && answer.value === 345;
    });
    expect(connection.state().losses).toBe(0);
  });

  test('whose metadata is of another version is not read with: the node is left', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    const version = { specVersion: 344, apis: [['0x37e397fc7c91f5e4', 2]] };
    node.send(
      JSON.stringify({
        jsonrpc: '2.0',
        method: 'state_runtimeVersion',
        params: { subscription: 'sub-state_runtimeVersion', result: version },
      }),
    );
    await until('the loss', () => connection.state().losses === 1);
    expect(connection.state().lastError).toMatch(/runtime 344 is not to be had/);
  });
});

describe('signed extensions that polkadot.js does not know', () => {
  /** Renames a signed extension, by one of the same length. */
  const renamed = (from: string, to: string) => (metadata: Uint8Array) => {
    const text = Buffer.from(metadata).toString('latin1');
    expect(text).toContain(from);
    return Buffer.from(text.replaceAll(from, to), 'latin1');
  };

  test.each([['nothing', 'CheckNonZeroSender', 'CheckNonZeroBender']])(
    'with %s in them leave signing as it is',
    async (_name, from, to) => {
      await using node = await startNode({ forge: renamed(from, to) });
      await using connection = openChain([node.url], GENESIS);
      await connected(connection);
      expect(await connection.withApi(async ({ cannotSign }) => cannotSign)).toEqual({
        known: true,
        value: null,
      });
    },
  );

  test.each([
    ['content in the extrinsic', 'CheckNonce', 'CheckNunce'],
    ['content in the signed payload', 'CheckGenesis', 'CheckGenesys'],
    ['content in both', 'CheckMortality', 'CheckMorbidity'],
  ])('with %s make signing impossible', async (_name, from, to) => {
    await using node = await startNode({ forge: renamed(from, to) });
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    const answer = await connection.withApi(async ({ canSign, cannotSign }) => ({
      canSign,
      cannotSign,
    }));
    expect(answer).toEqual({
      known: true,
      value: { canSign: false, cannotSign: expect.stringContaining(to) },
    });
  });
});
