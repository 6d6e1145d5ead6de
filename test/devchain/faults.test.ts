import { describe, expect, test } from 'vitest';
import { type Devchain, type DevchainOptions, startDevchain } from '#src/devchain/devchain.ts';
import { faultHelp } from '#src/devchain/faults.ts';
import { devGenesis } from '../support/dev-subnet.ts';
import { until } from '../support/live-until.ts';
import { connectRpc } from '../support/rpc-client.ts';

const start = (options: Partial<DevchainOptions> = {}): Promise<Devchain> =>
  startDevchain(devGenesis(), { blockMs: null, finalityLag: 2, ...options });

describe('connections', () => {
  test('are all dropped at once, and taken again after that', async () => {
    await using chain = await start();
    await using first = await connectRpc(chain.url);
    await using second = await connectRpc(chain.url);
    expect(chain.connections()).toEqual({ open: 2, handshakes: 2 });
    chain.faults.dropConnections();
    await Promise.all([first.closed(), second.closed()]);
    await until('no connection', () => chain.connections().open === 0);
    await using third = await connectRpc(chain.url);
    expect((await third.call('system_chain'))?.result).toBe('eirel development chain');
  });

  test('drop before the call is carried out, before the answer, or after it', async () => {
    await using chain = await start();
    const outcome = async (time: 'before-call' | 'before-answer' | 'after-answer') => {
      await using client = await connectRpc(chain.url);
      chain.faults.dropOnCall('dev_produceBlocks', time);
      const answer = await client.call('dev_produceBlocks');
      await client.closed();
      return [answer?.result ?? null, chain.heads().best.number];
    };
    expect(await outcome('before-call')).toEqual([null, 0]);
    expect(await outcome('before-answer')).toEqual([null, 1]);
    expect(await outcome('after-answer')).toEqual([2, 2]);
    await using client = await connectRpc(chain.url);
    expect(await client.call('dev_produceBlocks')).toMatchObject({ result: 3 });
  });

  test('end with a restart, which forgets what waited in the pool and keeps the blocks', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    await chain.produceBlock(2);
    await client.call('dev_restart');
    await client.closed();
    await using again = await connectRpc(chain.url);
    expect((await again.call('author_pendingExtrinsics'))?.result).toEqual([]);
    expect(chain.heads().best.number).toBe(2);
  });

  test('stay open but say nothing while the node is mute', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    const { result: heads } = (await client.call('chain_subscribeNewHeads')) ?? {};
    chain.faults.mute();
    const unanswered = client.call('dev_produceBlocks');
    await until('the block', () => chain.heads().best.number === 1);
    expect(chain.connections().open).toBe(1);
    chain.faults.dropConnections();
    expect(await unanswered).toBeNull();
    expect(client.notified(heads)).toHaveLength(1);
    chain.faults.unmute();
    await using again = await connectRpc(chain.url);
    expect((await again.call('system_name'))?.result).toBe('eirel devchain');
  });
});

describe('handshakes', () => {
  test('are refused with 429', async () => {
    await using chain = await start();
    chain.faults.refuseHandshakes('429');
    await expect(connectRpc(chain.url)).rejects.toThrow('429');
    chain.faults.refuseHandshakes('429', 0);
    await using client = await connectRpc(chain.url);
    expect(chain.connections()).toEqual({ open: 1, handshakes: 2 });
    expect(client.messages).toEqual([]);
  });

  test('are reset', async () => {
    await using chain = await start();
    chain.faults.refuseHandshakes('reset');
    await expect(connectRpc(chain.url)).rejects.toThrow(/ECONNRESET|hang up/);
  });

  test('are refused in a share that a seed repeats', async () => {
    const outcomes = async (seed: string): Promise<boolean[]> => {
      await using chain = await start();
      chain.faults.refuseHandshakes('429', 0.5, seed);
      const taken: boolean[] = [];
      for (let attempt = 0; attempt < 24; attempt += 1) {
        const client = await connectRpc(chain.url).catch(() => null);
        taken.push(client !== null);
        await client?.[Symbol.asyncDispose]();
      }
      return taken;
    };
    const first = await outcomes('one');
    expect(new Set(first).size).toBe(2);
    expect(await outcomes('one')).toEqual(first);
    expect(await outcomes('two')).not.toEqual(first);
  });
});

describe('answers', () => {
  test('of a method wait while others overtake them', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    chain.faults.delayAnswers('system_name', 50);
    const slow = client.call('system_name');
    await client.call('system_chain');
    expect(client.messages).toHaveLength(1);
    expect((await slow)?.result).toBe('eirel devchain');
  });

  test('of a method are errors until that ends', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    chain.faults.failCalls('chain_getHeader', 4_003, 'Client error: overloaded');
    expect((await client.call('chain_getHeader'))?.error).toEqual({
      code: 4_003,
      message: 'Client error: overloaded',
    });
    chain.faults.failCalls('chain_getHeader', 0);
    expect((await client.call('chain_getHeader'))?.result).toMatchObject({ number: '0x0' });
  });

  test('of the metagraph are empty, short, cut or missing, and whole again after a reset', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    // netuid 36, mechanism 0, the one field 52: hotkeys
    const read = async (): Promise<string> =>
      String(
        (
          await client.call(
            'state_call',
            'SubnetInfoRuntimeApi_get_selective_mechagraph',
            '0x240000043400',
          )
        )?.result,
      );
    const whole = await read();
    const spoiled = new Map<string, string>();
    for (const kind of ['empty', 'shrunken', 'malformed', 'missing'] as const) {
      chain.faults.spoilMetagraph(kind);
      spoiled.set(kind, await read());
    }
    chain.faults.reset();
    expect(await read()).toBe(whole);
    const neuronBytes = 32;
    expect(whole.length - (spoiled.get('shrunken')?.length ?? 0)).toBe(4 * 2 * neuronBytes);
    expect(whole.length - (spoiled.get('empty')?.length ?? 0)).toBe(8 * 2 * neuronBytes);
    expect(whole.startsWith(spoiled.get('malformed') ?? '-')).toBe(true);
    expect(spoiled.get('missing')).toBe('0x00');
  });

  test('to the next submission are a refusal, and only to that', async () => {
    await using chain = await start();
    await using client = await connectRpc(chain.url);
    chain.faults.rejectNextSubmission('Custom error: 6');
    expect((await client.call('author_submitExtrinsic', '0x00'))?.error).toEqual({
      code: 1_010,
      message: 'Invalid Transaction',
      data: 'Custom error: 6',
    });
    expect((await client.call('author_submitExtrinsic', '0x00'))?.error?.code).toBe(1_001);
  });
});

test('blocks come at their pace, and stop and go on when told', async () => {
  await using chain = await start({ blockMs: 2, finalityLag: 0 });
  await until('three blocks', () => chain.heads().finalized.number >= 3);
  chain.faults.stopBlocks();
  const stopped = chain.heads().best.number;
  await using client = await connectRpc(chain.url);
  await client.call('dev_delayAnswers', 'system_name', 20);
  await client.call('system_name');
  expect(chain.heads().best.number).toBe(stopped);
  chain.faults.resumeBlocks();
  await until('a block', () => chain.heads().best.number > stopped);
});

test('what root could do is done from the next block on', async () => {
  await using chain = await start();
  chain.amend((state) => ({ ...state, params: { ...state.params, kappa: 7 } }));
  expect(chain.stateAt('best').params.kappa).toBe(32_767);
  await chain.produceBlock();
  expect(chain.stateAt('best').params.kappa).toBe(7);
  expect(chain.stateAt(0).params.kappa).toBe(32_767);
});

test('every fault is a method for other processes, which the help names', async () => {
  await using chain = await start();
  await using client = await connectRpc(chain.url);
  for (const name of Object.keys(chain.faults)) {
    expect(faultHelp()).toContain(`dev_${name}`);
    const { error } = (await client.call(`dev_${name}`, ...Array(9).fill({}))) ?? {};
    expect(error?.code, name).toBe(-32_602);
  }
});

test('a parameter that is wrong is named, in process and over the wire', async () => {
  await using chain = await start();
  await using client = await connectRpc(chain.url);
  expect(() => chain.faults.delayAnswers('nonsense', -1)).toThrow(/a method such as/);
  const { error } = (await client.call('dev_delayAnswers', 'nonsense', -1)) ?? {};
  expect(error).toMatchObject({ code: -32_602, data: expect.stringContaining('a method such as') });
});
