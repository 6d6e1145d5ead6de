import { afterEach, expect, test, vi } from 'vitest';
import { startDevchain } from '#src/devchain/devchain.ts';
import { devSigner } from '../support/dev-keys.ts';
import { devGenesis, hotkey, UID } from '../support/dev-subnet.ts';
import { until } from '../support/live-until.ts';
import { connectApi, signed } from '../support/polkadot-api.ts';
import { connectRpc } from '../support/rpc-client.ts';

const onDemand = { blockMs: null, finalityLag: 2 };

afterEach(() => vi.restoreAllMocks());

test('polkadot.js connects, works and disconnects without a warning or an error', async () => {
  const spoken = ['warn', 'error'] as const;
  const consoles = spoken.map((name) => vi.spyOn(console, name).mockReturnValue());
  await using chain = await startDevchain(devGenesis(), onDemand);
  await using api = await connectApi(chain.url);
  expect(api.genesisHash.toHex()).toBe(`0x${chain.genesisHash}`);
  expect(api.runtimeVersion.specVersion.toNumber()).toBe(343);
  expect(api.registry.chainSS58).toBe(42);
  await chain.produceBlock();
  await api.rpc.system.health();
  for (const console of consoles) expect(console.mock.calls).toEqual([]);
});

test('a header hashes to what the node says that it does', async () => {
  await using chain = await startDevchain(devGenesis(), onDemand);
  await using api = await connectApi(chain.url);
  await chain.produceBlock(3);
  for (const number of [0, 1, 3]) {
    const hash = await api.rpc.chain.getBlockHash(number);
    const header = await api.rpc.chain.getHeader(hash);
    expect(header.hash.toHex()).toBe(hash.toHex());
    expect(header.number.toNumber()).toBe(number);
  }
});

test('storage is read at the best block, at an old one, by several keys and by entries', async () => {
  await using chain = await startDevchain(devGenesis({ netuid: 7 }), onDemand);
  await using api = await connectApi(chain.url);
  await chain.produceBlock(5);
  const { query } = api;
  expect(Number(await query['system']?.['number']?.())).toBe(5);
  const old = await api.at(await api.rpc.chain.getBlockHash(2));
  expect(Number(await old.query['system']?.['number']?.())).toBe(2);
  expect(Number(await query['subtensorModule']?.['tempo']?.(7))).toBe(9);
  const keys = await query['subtensorModule']?.['keys']?.entries(7);
  expect(keys?.map(([key, value]) => [Number(key.args[1]), value.toHuman()])).toEqual(
    Object.entries(UID).map(([name, uid]) => [uid, hotkey(name)]),
  );
  const [uids, none] = (await query['subtensorModule']?.['uids']?.multi([
    [7, hotkey('a')],
    [7, hotkey('nobody')],
  ])) ?? [undefined, undefined];
  expect(uids?.toHuman()).toBe('1');
  expect(none?.isEmpty).toBe(true);
});

test('a state that is no longer kept is an error, not an old or an empty answer', async () => {
  await using chain = await startDevchain(devGenesis(), { ...onDemand, keepStates: 10 });
  await using api = await connectApi(chain.url);
  await using client = await connectRpc(chain.url);
  await chain.produceBlock(8);
  const hashOf8 = chain.heads().best.hash;
  await chain.produceBlock(12);
  const at = async (number: number) => api.at(await api.rpc.chain.getBlockHash(number));
  // Block 18 is final, and with it ten are kept; a client reads the runtime's version one block before.
  expect(Number(await (await at(10)).query['system']?.['number']?.())).toBe(10);
  vi.spyOn(console, 'error').mockReturnValue();
  await expect(at(9)).rejects.toThrow(/4003.*State already discarded/);
  const { result } = (await client.call('chain_getBlock', `0x${hashOf8}`)) ?? {};
  expect(result).toMatchObject({ block: { header: { number: '0x8' } } });
});

test('the selective metagraph decodes by the metadata that the node itself gives', async () => {
  await using chain = await startDevchain(devGenesis(), onDemand);
  await using api = await connectApi(chain.url);
  await chain.produceBlock();
  const answer = await api.call['subnetInfoRuntimeApi']?.['getSelectiveMechagraph']?.(
    36,
    0,
    [0, 7, 52, 57, 69],
  );
  expect(answer?.toJSON()).toMatchObject({
    netuid: 36,
    block: 1,
    hotkeys: Object.keys(UID).map(hotkey),
    validatorPermit: [true, true, true, true, true, false, false, false],
  });
});

test('heads come as blocks do, and finality behind them', async () => {
  await using chain = await startDevchain(devGenesis(), onDemand);
  await using api = await connectApi(chain.url);
  const best: number[] = [];
  const final: number[] = [];
  await api.rpc.chain.subscribeNewHeads((head) => void best.push(head.number.toNumber()));
  await api.rpc.chain.subscribeFinalizedHeads((head) => void final.push(head.number.toNumber()));
  await chain.produceBlock(4);
  await until('block 2 final', () => final.includes(2));
  expect(best).toEqual([0, 1, 2, 3, 4]);
  expect(final).toEqual([0, 1, 2]);
});

test('a storage subscription tells of a value when it changes, and of nothing else', async () => {
  await using chain = await startDevchain(devGenesis(), onDemand);
  await using api = await connectApi(chain.url);
  const nonces: string[] = [];
  await api.query['system']?.['account']?.(hotkey('a'), (account: { toString: () => string }) => {
    nonces.push(String(JSON.parse(account.toString()).nonce));
  });
  await chain.produceBlock(2);
  const remark = api.tx['system']?.['remark']?.('0x00');
  if (remark === undefined) throw new Error('no System.remark');
  await api.rpc.author.submitExtrinsic(await signed(remark, devSigner('a')));
  await chain.produceBlock(2);
  await until('the nonce', () => nonces.includes('1'));
  expect(nonces).toEqual(['0', '1']);
});

test('a runtime upgrade reaches the client with the next block', async () => {
  await using chain = await startDevchain(devGenesis(), onDemand);
  await using api = await connectApi(chain.url);
  // Of the new metadata it asks for version 14, which has no runtime APIs, and says so.
  for (const name of ['warn', 'info', 'log'] as const) vi.spyOn(console, name).mockReturnValue();
  chain.faults.upgradeRuntime();
  expect(api.runtimeVersion.specVersion.toNumber()).toBe(343);
  await chain.produceBlock();
  await until('the new version', () => api.runtimeVersion.specVersion.toNumber() === 344);
});
