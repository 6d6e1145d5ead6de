import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { createCodec } from '#src/devchain/codec.ts';
import { startDevchain } from '#src/devchain/devchain.ts';
import { rootOf } from '#src/devchain/trie.ts';
import { readStateProof } from '#src/merkle/state-proof.ts';
import { blockExtra, fullState } from '../support/dev-codec.ts';
import { devGenesis, hotkey } from '../support/dev-subnet.ts';
import { connectRpc } from '../support/rpc-client.ts';

const Header = z.object({ stateRoot: z.string() });
const ReadProof = z.object({ at: z.string(), proof: z.array(z.string()) });

const start = () => startDevchain(devGenesis(), { blockMs: null, finalityLag: 0, keepStates: 20 });
type Rpc = Awaited<ReturnType<typeof connectRpc>>;
const ask = async (client: Rpc, method: string, ...params: unknown[]): Promise<unknown> =>
  (await client.call(method, ...params))?.result;
const bytes = (text: string): Uint8Array => Buffer.from(text.slice(2), 'hex');

/** What the proof of a key shows, in hex; null for nothing. */
async function provedAt(client: Rpc, key: string, at: string): Promise<string | null> {
  const { stateRoot } = Header.parse(await ask(client, 'chain_getHeader', at));
  const { proof } = ReadProof.parse(await ask(client, 'state_getReadProof', [key], at));
  const request = { root: bytes(stateRoot), nodes: proof.map(bytes), key: bytes(key) };
  const state = readStateProof(request, blake2b256);
  if (state.kind === 'fault') throw new Error(`${key}: ${state.found}`);
  expect(state.used).toHaveLength(proof.length);
  return state.kind === 'value' ? `0x${Buffer.from(state.value).toString('hex')}` : null;
}

async function allKeys(client: Rpc, at: string): Promise<readonly string[]> {
  return z.array(z.string()).parse(await ask(client, 'state_getKeysPaged', '0x', 1_000, null, at));
}

const hashAt = async (client: Rpc, number: number): Promise<string> =>
  z.string().parse(await ask(client, 'chain_getBlockHash', number));

describe('the state root of a header', () => {
  test('proves every value of the state, as it was at that block', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    await chain.produceBlock(5);
    const made = { block: 6, fields: [{ kind: 'Raw', bytes: 'ab'.repeat(90) }] } as const;
    chain.amend((state) => ({ ...state, commitments: new Map([[hotkey('a'), made]]) }));
    await chain.produceBlock(7);
    for (const block of [0, 3, 12]) {
      const at = await hashAt(client, block);
      const keys = await allKeys(client, at);
      expect(keys.length).toBeGreaterThan(50);
      for (const key of keys)
        expect(await provedAt(client, key, at)).toBe(
          await ask(client, 'state_getStorage', key, at),
        );
    }
  });

  test('is the one of a state that nobody looked at before', () => {
    const state = fullState();
    const anew = createCodec().trieOf(state, blockExtra());
    const codec = createCodec();
    for (const block of [1, 2, 3]) codec.trieOf({ ...state, block, neurons: [] }, blockExtra());
    expect(rootOf(codec.trieOf(state, blockExtra()))).toEqual(rootOf(anew));
  });

  test('changes with the state, and comes back with it', () => {
    const state = fullState();
    const { trieOf } = createCodec();
    const root = rootOf(trieOf(state, blockExtra()));
    const emptied = { ...state, commitments: new Map(), weights: new Map() };
    const [first, second] = [hotkey('a'), hotkey('b')];
    const others = {
      ...state,
      neurons: state.neurons.toReversed(),
      nonces: new Map([[first, 7]]),
      commitments: new Map([[second, { block: 2, fields: [] }]]),
      usedSpace: new Map([[second, { lastEpoch: 1, used: 2 }]]),
    };
    for (const other of [emptied, others, { ...state, neurons: [] }]) {
      const anew = createCodec().trieOf(other, blockExtra());
      expect(rootOf(anew)).not.toEqual(root);
      expect(rootOf(trieOf(other, blockExtra()))).toEqual(rootOf(anew));
    }
    expect(rootOf(trieOf(state, blockExtra()))).toEqual(root);
  });

  test('proves that nothing stands under a key', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    const at = await hashAt(client, 0);
    for (const key of ['0x', '0xab', `0x${'00'.repeat(40)}`])
      expect(await provedAt(client, key, at)).toBeNull();
  });

  test('is proved as long as the node has the state, and not of a block that is not there', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    await chain.produceBlock(30);
    const of = (at: string) => client.call('state_getReadProof', ['0xab'], at);
    expect((await of(await hashAt(client, 5)))?.error?.message).toMatch(/State already discarded/);
    expect((await of(`0x${'0'.repeat(64)}`))?.error?.code).toBe(4_003);
    expect((await of(await hashAt(client, 29)))?.error).toBeUndefined();
  });
});
