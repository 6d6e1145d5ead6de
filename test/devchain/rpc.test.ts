import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { type Devchain, startDevchain } from '#src/devchain/devchain.ts';
import { devSigner } from '../support/dev-keys.ts';
import { devGenesis } from '../support/dev-subnet.ts';
import { until } from '../support/live-until.ts';
import { connectApi, signed } from '../support/polkadot-api.ts';
import { connectRpc } from '../support/rpc-client.ts';

const start = () => startDevchain(devGenesis(), { blockMs: null, finalityLag: 0 });
const call = (id: unknown, method: string, params: unknown = []) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
});

describe('the protocol', () => {
  test.for([
    ['no JSON', '{', -32_700],
    ['a number', '7', -32_600],
    ['an empty batch', '[]', -32_600],
    ['another version', '{"jsonrpc":"1.0","id":null,"method":"system_name"}', -32_600],
    ['no method', '{"jsonrpc":"2.0","id":null}', -32_600],
  ] as const)('answers %s with its error', async ([, text, code]) => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    client.sendText(text);
    expect((await client.message(({ id }) => id === null))?.error?.code).toBe(code);
  });

  test('answers an unknown method and wrong parameters with theirs', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    expect((await client.call('system_nonsense'))?.error?.code).toBe(-32_601);
    expect((await client.call('__proto__'))?.error?.code).toBe(-32_601);
    expect((await client.call('chain_getHeader', 'x'))?.error?.code).toBe(-32_602);
    expect((await client.call('state_getStorage'))?.error?.code).toBe(-32_602);
    expect((await client.call('state_getKeysPaged', '0x', 1_001))?.error?.code).toBe(4_002);
    expect((await client.call('state_call', 'No_such_method', '0x'))?.error?.code).toBe(4_003);
  });

  test('answers a batch in one message, and each call by its id', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    client.sendText(
      JSON.stringify([call(7, 'system_name'), call('x', 'system_nonsense'), 3, { method: 1 }]),
    );
    const batch = await client.message((message) => Array.isArray(message));
    expect(batch).toMatchObject([
      { id: 7, result: 'eirel devchain' },
      { id: 'x', error: { code: -32_601 } },
      { id: null, error: { code: -32_600 } },
      { id: null, error: { code: -32_600 } },
    ]);
  });

  test('lists every method that polkadot.js looks for, subscriptions too', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    const { result } = (await client.call('rpc_methods')) ?? {};
    expect(result).toMatchObject({
      methods: expect.arrayContaining([
        'author_submitAndWatchExtrinsic',
        'author_unwatchExtrinsic',
        'chain_subscribeFinalizedHeads',
        'chain_unsubscribeFinalizedHeads',
        'state_subscribeRuntimeVersion',
        'state_subscribeStorage',
      ]),
    });
  });
});

describe('blocks', () => {
  test('are found by number, by several numbers, and not where there are none', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    await chain.produceBlock(2);
    const best = `0x${chain.heads().best.hash}`;
    const genesis = `0x${chain.genesisHash}`;
    expect((await client.call('chain_getBlockHash'))?.result).toBe(best);
    expect((await client.call('chain_getBlockHash', [0, '0x2', 3]))?.result).toEqual([
      genesis,
      best,
      null,
    ]);
    expect((await client.call('chain_getHeader', `0x${'0'.repeat(64)}`))?.result).toBeNull();
    expect((await client.call('state_getStorage', '0x', `0x${'0'.repeat(64)}`))?.error?.code).toBe(
      4_003,
    );
  });

  test('of a retracted branch are forgotten once finality has passed them', async () => {
    await using chain = await startDevchain(devGenesis(), { blockMs: null, finalityLag: 3 });
    await using client = await connectRpc(chain.url);
    await chain.produceBlock(2);
    const retracted = `0x${chain.heads().best.hash}`;
    chain.faults.reorg(1);
    expect((await client.call('chain_getHeader', retracted))?.result).not.toBeNull();
    await chain.produceBlock(3);
    expect(chain.heads().finalized.number).toBe(3);
    expect((await client.call('chain_getHeader', retracted))?.result).toBeNull();
  });
});

describe('a client can use up', () => {
  test('its subscriptions, but no more than that', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    const open = async () => client.call('chain_subscribeNewHeads');
    const first = await open();
    for (let more = 1; more < 64; more += 1) expect((await open())?.error).toBeUndefined();
    expect((await open())?.error?.message).toMatch(/Too many subscriptions/);
    expect((await client.call('chain_unsubscribeNewHeads', first?.result))?.result).toBe(true);
    expect((await client.call('chain_unsubscribeNewHeads', first?.result))?.result).toBe(false);
    expect((await open())?.error).toBeUndefined();
  });

  test('the connections, and then is told so', async () => {
    await using chain = await start();
    const clients = await Promise.all(Array.from({ length: 100 }, () => connectRpc(chain.url)));
    await expect(connectRpc(chain.url)).rejects.toThrow('429');
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    await until('no connection', () => chain.connections().open === 0);
    await using client = await connectRpc(chain.url);
    expect(client.messages).toEqual([]);
  });

  test('the size of a message, and then its connection', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    client.sendText(' '.repeat(1024 * 1024 + 1));
    expect(await client.closed()).toBe(1009);
    await using other = await connectRpc(chain.url);
    other.sendText(JSON.stringify(Array(101).fill(call(1, 'system_name'))));
    expect((await other.message(() => true))?.error?.code).toBe(-32_600);
  });

  test('the node only as long as it reads what it asked for', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    client.pause();
    const metadata = Array.from({ length: 100 }, (_, id) => call(id, 'state_getMetadata'));
    for (let sent = 0; sent < 20; sent += 1) client.sendText(JSON.stringify(metadata));
    await until('the end of the connection', () => chain.connections().open === 0);
    await using other = await connectRpc(chain.url);
    expect((await other.call('system_name'))?.error).toBeUndefined();
  });
});

test('nothing that a client sends breaks the node', { timeout: 60_000 }, async () => {
  await using chain = await start();
  const { methods, param } = await hostileCalls(chain);
  const warnings: unknown[] = [];
  const heard = (warning: unknown): number => warnings.push(warning);
  process.on('warning', heard);
  const property = fc.asyncProperty(methods, param, async (method, params) => {
    await using client = await connectRpc(chain.url);
    const answer = await client.call(method, ...params);
    // Whatever it subscribed to is read once more.
    await chain.produceBlock();
    expect(answer?.error?.code).not.toBe(-32_603);
    expect(answer).not.toBeNull();
  });
  await fc.assert(property, { numRuns: 1_000 });
  process.off('warning', heard);
  expect(warnings).toEqual([]);
});

/** Calls of every method with what it might take for its own: bytes, keys and extrinsics with a fault in them. */
async function hostileCalls(chain: Devchain) {
  await using client = await connectRpc(chain.url);
  await using api = await connectApi(chain.url);
  const listed = z.object({ methods: z.array(z.string()) });
  const { methods } = listed.parse((await client.call('rpc_methods'))?.result);
  const paged = await client.call('state_getKeysPaged', '0x', 1_000);
  const keys = z.array(z.string()).parse(paged?.result);
  const commit = api.tx['commitments']?.['setCommitment']?.(36, { fields: [{ Raw1: '0x61' }] });
  if (commit === undefined) throw new Error('no call to make');
  const extrinsic = await signed(commit, devSigner('a'));
  const bytes = fc
    .uint8Array({ maxLength: 200 })
    .map((array) => `0x${Buffer.from(array).toString('hex')}`);
  const nearly = (texts: readonly string[]) =>
    fc
      .tuple(
        fc.constantFrom(...texts),
        fc.nat({ max: 150 }),
        fc.uint8Array({ maxLength: 4 }),
        fc.boolean(),
      )
      .map(([text, at, array, whole]) => {
        const [from, to] = [2 + 2 * at, 2 + 2 * (at + array.length)];
        const middle = Buffer.from(array).toString('hex');
        return text.slice(0, from) + middle + (whole ? text.slice(to) : '');
      });
  const param = fc.oneof(
    bytes,
    nearly(keys),
    fc.array(nearly(keys), { maxLength: 5 }),
    nearly([extrinsic]),
    fc.constant(`0x${chain.genesisHash}`),
    fc.constantFrom('SubnetInfoRuntimeApi_get_selective_metagraph', 'Metadata_metadata_at_version'),
    fc.nat(),
    fc.jsonValue(),
  );
  return { methods: fc.constantFrom(...methods), param: fc.array(param, { maxLength: 3 }) };
}

test('a page in a browser cannot command the chain', async () => {
  await using chain = await start();
  const foreign = new WebSocket(chain.url, { headers: { origin: 'https://page.example' } });
  const [error] = (await once(foreign, 'error')) as [Error]; // safe: that is what the event carries
  expect(error.message).toMatch(/ECONNRESET|hang up/);
  expect(chain.connections().open).toBe(0);
});

test('an address that others could reach is refused, and so is one that is taken', async () => {
  const options = { blockMs: null, finalityLag: 0 };
  await expect(startDevchain(devGenesis(), { ...options, host: '0.0.0.0' })).rejects.toThrow(
    'a development chain obeys everybody',
  );
  await using chain = await start();
  const port = Number(new URL(chain.url).port);
  await expect(startDevchain(devGenesis(), { ...options, port })).rejects.toThrow('EADDRINUSE');
});
