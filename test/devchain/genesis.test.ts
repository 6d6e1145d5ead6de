import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Genesis, readGenesis } from '#src/devchain/genesis.ts';
import { genesisState } from '#src/devchain/runtime.ts';
import { devGenesis, hotkey } from '../support/dev-subnet.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'genesis-'));
});
afterAll(() => rm(directory, { recursive: true }));

const neuron = (name: string) => ({ hotkey: hotkey(name), coldkey: hotkey(`cold ${name}`) });
const smallest = { beacon: { seed: 'ab'.repeat(32) }, neurons: [neuron('a')] };

async function read(content: string): Promise<Genesis> {
  const path = join(directory, 'genesis.json');
  await writeFile(path, content);
  return readGenesis(path);
}

describe('readGenesis', () => {
  test('what a file leaves out is as on mainnet', async () => {
    expect(await read(JSON.stringify(smallest))).toMatchObject({
      netuid: 36,
      slotMs: 12_000,
      beacon: { genesisTime: 1_692_803_367, period: 3 },
      owner: null,
      hyperparameters: {
        tempo: 360,
        kappa: 32_767,
        commitRevealEnabled: true,
        commitRevealVersion: 4,
        maxSpace: 3_100,
      },
      neurons: [{ alphaStake: '0', taoStake: '0', permit: false, axon: null }],
    });
  });

  test.each<[string, object, string]>([
    [
      'a number for stake',
      { neurons: [{ ...neuron('a'), alphaStake: 5 }] },
      'neurons.0.alphaStake',
    ],
    ['a hotkey twice', { neurons: [neuron('a'), neuron('a')] }, 'neurons.1.hotkey'],
    [
      'an address with a wrong checksum',
      { neurons: [{ ...neuron('a'), hotkey: `${'5'.repeat(48)}` }] },
      'neurons.0.hotkey',
    ],
    [
      'an axon by name',
      { neurons: [{ ...neuron('a'), axon: 'http://a.example:1' }] },
      'neurons.0.axon',
    ],
    ['no neuron', { neurons: [] }, 'neurons'],
    ['an unknown hyperparameter', { hyperparameters: { temp: 3 } }, 'hyperparameters'],
    [
      'a tempo of zero, which has no epochs',
      { hyperparameters: { tempo: 0 } },
      'hyperparameters.tempo',
    ],
    [
      'a beacon that starts after the chain',
      { genesisTimeMs: 999, beacon: { seed: 'ab'.repeat(32), genesisTime: 1 } },
      'beacon.genesisTime',
    ],
    ['a seed that is too short', { beacon: { seed: 'ab' } }, 'beacon.seed'],
    ['the root subnet', { netuid: 0 }, 'netuid'],
  ])('%s is refused by the name of its field', async (_name, change, field) => {
    await expect(read(JSON.stringify({ ...smallest, ...change }))).rejects.toMatchObject({
      code: 'input.invalid',
      details: { faults: [{ field, expected: expect.any(String) }] },
    });
  });

  test('text that is no JSON is refused', async () => {
    await expect(read('{')).rejects.toMatchObject({ code: 'input.invalid' });
  });

  test('a file that is not there is unreadable, not invalid', async () => {
    await expect(readGenesis(join(directory, 'none'))).rejects.toMatchObject({
      code: 'file.unreadable',
    });
  });
});

describe('genesisState', () => {
  test('uid 0 is the owner where none is named, and has a permit without stake', () => {
    const { params, neurons } = genesisState(devGenesis());
    expect(params.ownerHotkey).toBe(hotkey('owner'));
    expect(neurons.map(({ permit }) => permit)).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test('an owner that is named needs no uid', () => {
    const owner = { hotkey: hotkey('elsewhere'), coldkey: hotkey('cold elsewhere') };
    const { params, neurons } = genesisState(devGenesis({ owner }));
    expect(params).toMatchObject({ ownerHotkey: owner.hotkey, ownerColdkey: owner.coldkey });
    expect(neurons[0]?.permit).toBe(false);
  });

  test('the beacon is at the round of the chain’s own time', () => {
    const { drand } = genesisState(
      devGenesis({ genesisTimeMs: (1_692_803_367 + 3 * 999) * 1_000 }),
    );
    expect(drand).toMatchObject({ lastStoredRound: 1_000, oldestStoredRound: 1_000 });
  });

  test('another seed is another beacon', () => {
    const keyOf = (seed: string) =>
      genesisState(Genesis.parse({ ...devGenesis(), beacon: { seed } })).params.beacon.publicKey;
    expect(keyOf('ab'.repeat(32))).toMatch(/^[0-9a-f]{192}$/);
    expect(keyOf('ab'.repeat(32))).not.toBe(keyOf('ac'.repeat(32)));
  });
});
