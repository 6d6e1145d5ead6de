import { createHash } from 'node:crypto';
import { bnToU8a, compactToU8a, u8aConcat, u8aToHex } from '@polkadot/util/cjs/index';
import { xxhashAsHex } from '@polkadot/util-crypto/cjs/index';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readMetagraph } from '#src/chain/metagraph.ts';
import { callRuntime } from '#src/chain/reads.ts';
import {
  FINNEY,
  finneyMetagraph,
  finneyNode,
  hasFixtures,
  readFixture,
  readFixtureJson,
} from '../support/finney-fixture.ts';
import { valueOf } from '../support/known-value.ts';

describe.skipIf(!hasFixtures)('Finney netuid 1, from the fixtures beside the project', () => {
  test('all 1024 neurons are decoded, and their figures are the recorded ones', async () => {
    await using node = await finneyNode();
    const { neurons } = valueOf(await readMetagraph(node.api, FINNEY));
    const recorded = recordedSubnet();

    expect(neurons).toHaveLength(1_024);
    expect(neurons.every(({ uid }, index) => uid === index)).toBe(true);
    const digests = {
      hotkeys: digest(neurons.map(({ hotkey }) => hotkey)),
      coldkeys: digest(neurons.map(({ coldkey }) => coldkey)),
      validatorPermit: digest(neurons.map(({ permit }) => permit)),
      lastUpdate: digest(neurons.map(({ lastUpdate }) => lastUpdate)),
      incentives: digest(neurons.map(({ incentive }) => incentive)),
      blockAtRegistration: digest(neurons.map(({ registeredAt }) => registeredAt)),
      totalStake: digest(neurons.map(({ stake }) => Number(stake))),
    };
    const { columns, ...others } = recorded;
    expect(digests).toEqual(columns);

    expect(uidsWhere(neurons, ({ permit }) => permit)).toEqual(others.permittedUids);
    expect(
      neurons.flatMap(({ uid, incentive }) => (incentive > 0 ? [[uid, incentive]] : [])),
    ).toEqual([[395, 65_535]]);
    expect(others.incumbentUid).toBe(395);
    const validators = others.permittedUids.map((uid) => neurons[uid]);
    expect(validators.map((neuron) => [neuron?.hotkey, neuron?.stake, neuron?.active])).toEqual(
      others.validators.map(({ hotkey, total, active }) => [hotkey, total, active]),
    );
    // Two hold a permit and are asleep, the incumbent among them.
    expect(uidsWhere(neurons, ({ active }) => active)).toHaveLength(10);
  });

  test('827 axons are served, each under the address that the older API gives as well', async () => {
    await using node = await finneyNode();
    const { neurons } = valueOf(await readMetagraph(node.api, FINNEY));
    expect(neurons.filter(({ axon }) => axon !== null)).toHaveLength(827);
    expect(neurons[0]?.axon).toBe('http://192.222.59.109:6028');
    expect(neurons[1_023]?.axon).toBeNull();

    await using older = await finneyNode({ call: () => fixtureHex('neurons_lite') });
    const answer = await callRuntime(
      ['neuronInfoRuntimeApi', 'getNeuronsLite'],
      [1],
      FINNEY,
      older,
    );
    const axons = OlderNeurons.parse(valueOf(answer)).map(({ axonInfo: { ip, port } }) =>
      ip === 0 ? null : `http://${dotted(ip)}:${port}`,
    );
    expect(neurons.map(({ axon }) => axon)).toEqual(axons);
  });

  test('the rules of the subnet are the recorded ones', async () => {
    await using node = await finneyNode();
    const { neurons: _, ...subnet } = valueOf(await readMetagraph(node.api, FINNEY));
    expect(subnet).toEqual({
      block: FINNEY.block,
      blockHash: FINNEY.blockHash,
      ownerHotkey: '5HCFWvRqzSHWRPecN7q8J6c7aKQnrCZTMHstPv39xL1wgDHh',
      hyperparameters: {
        tempo: 99,
        kappa: 32_767,
        minAllowedWeights: 1,
        weightsVersion: 21_706n,
        weightsRateLimit: 100,
        activityCutoff: 5_000,
        maxValidators: 128,
        commitReveal: true,
        revealPeriod: 1,
        stakeThreshold: 0n,
      },
    });
  });

  test('the metagraph costs one runtime call, one storage query and two versions of the runtime', async () => {
    await using node = await finneyNode();
    valueOf(await readMetagraph(node.api, FINNEY));
    expect(node.requests.toSorted()).toEqual([
      'chain_getHeader',
      'state_call',
      // Which runtime wrote the state, and which one answers the call.
      'state_getRuntimeVersion',
      'state_getRuntimeVersion',
      'state_queryStorageAt',
    ]);
  });

  test('a validator counts as active in the last block of its cutoff, and not in the next one', async () => {
    const lastUpdate = 6_852_572; // of uid 24, whose flag is set
    const activeWith = async (cutoff: number): Promise<boolean | undefined> => {
      await using node = await finneyNode({
        storage: (key) => (key === ACTIVITY_CUTOFF_OF_1 ? u16(cutoff) : null),
      });
      return valueOf(await readMetagraph(node.api, FINNEY)).neurons[24]?.active;
    };
    expect(await activeWith(FINNEY.block - lastUpdate)).toBe(true);
    expect(await activeWith(FINNEY.block - lastUpdate - 1)).toBe(false);
  });

  test('another answer than the one asked for is refused', async () => {
    await using node = await finneyNode();
    const other = { ...FINNEY, block: FINNEY.block + 1 };
    expect(await readMetagraph(node.api, other)).toMatchObject({
      reason: 'malformed',
      detail: 'metagraph: it is of block 6852690, not 6852691',
    });
    expect(await readMetagraph(node.api, { ...FINNEY, netuid: 2 })).toMatchObject({
      reason: 'malformed',
      detail: 'metagraph: it is of subnet 1, not 2',
    });
    await using state = await finneyNode({ call: () => fixtureHex('subnet_state') });
    expect(await readMetagraph(state.api, FINNEY)).toMatchObject({ reason: 'malformed' });
  });

  test('a cut, a longer and an absent answer are three unknowns', async () => {
    await using cut = await finneyNode({
      call: () => fixtureHex('selective_mechagraph').slice(0, -2),
    });
    expect(await readMetagraph(cut.api, FINNEY)).toMatchObject({ reason: 'malformed' });
    await using longer = await finneyNode({
      call: () => `${fixtureHex('selective_mechagraph')}00`,
    });
    expect(await readMetagraph(longer.api, FINNEY)).toMatchObject({
      reason: 'malformed',
      detail: expect.stringContaining('the layout drifted'),
    });
    await using absent = await finneyNode({ call: () => '0x00' });
    expect(await readMetagraph(absent.api, FINNEY)).toEqual({
      known: false,
      reason: 'empty',
      detail: 'block 6852690 has no subnet 1',
    });
  });

  test('columns of different lengths are refused by name', async () => {
    // The first hotkey is gone, its column counts 1023: the layout is right, and no uid any more is.
    await using node = await finneyNode({
      call: (_method, args) =>
        finneyMetagraph(args, (field, bytes) => (field === 52 ? withoutFirst(bytes) : bytes)),
    });
    expect(await readMetagraph(node.api, FINNEY)).toMatchObject({
      reason: 'malformed',
      detail: 'metagraph: hotkeys has 1023 entries for 1024 neurons',
    });
  });

  test('a node without metadata V15 says what to do', async () => {
    await using node = await finneyNode({ metadataVersion: 14 });
    expect(await readMetagraph(node.api, FINNEY)).toMatchObject({
      reason: 'malformed',
      detail: expect.stringContaining('use a node that serves V15'),
    });
  });

  test('answers of older runtimes, which decode into wrong numbers, are refused', async () => {
    const ofOlder = async (recording: string, call: readonly [string, string], args: unknown[]) => {
      await using node = await finneyNode({ call: () => legacy(recording) });
      return await callRuntime(call, args, FINNEY, node);
    };
    const drifted = { reason: 'malformed', detail: expect.stringContaining('the layout drifted') };
    expect(
      await ofOlder(
        'get_subnet_hyperparameters',
        ['subnetInfoRuntimeApi', 'getSubnetHyperparams'],
        [23],
      ),
    ).toMatchObject(drifted);
    expect(
      await ofOlder('neurons_lite', ['neuronInfoRuntimeApi', 'getNeuronsLite'], [23]),
    ).toMatchObject({ reason: 'malformed' });
    // Of two specs later, whose layout did not move: what is right is not refused.
    expect(
      await ofOlder(
        'get_neuron_for_pubkey_and_subnet',
        ['neuronInfoRuntimeApi', 'getNeuron'],
        [14, 29],
      ),
    ).toMatchObject({ known: true });
  });
});

/** `ActivityCutoff` of netuid 1. */
const ACTIVITY_CUTOFF_OF_1 = [
  xxhashAsHex('SubtensorModule', 128),
  xxhashAsHex('ActivityCutoff', 128).slice(2),
  '0100',
].join('');

const Digest = z.object({ sha256OfJson: z.string() }).transform(({ sha256OfJson }) => sha256OfJson);

const Recorded = z.object({
  hotkeys: Digest,
  coldkeys: Digest,
  validatorPermit: Digest,
  lastUpdate: Digest,
  incentives: Digest,
  blockAtRegistration: Digest,
  totalStake: Digest,
  permittedUids: z.array(z.int()),
  incumbentUid: z.int(),
  validators_detail: z.array(
    z.object({ hotkey: z.string(), total: z.coerce.bigint(), active: z.boolean() }),
  ),
});

function recordedSubnet() {
  const { permittedUids, incumbentUid, validators_detail, ...columns } = Recorded.parse(
    readFixtureJson('metagraph-343/selective_mechagraph.expected.json'),
  );
  return { permittedUids, incumbentUid, validators: validators_detail, columns };
}

const OlderNeurons = z.array(z.object({ axonInfo: z.object({ ip: z.int(), port: z.int() }) }));

const Legacy = z.object({
  items: z.array(z.object({ recording: z.string(), result: z.unknown() })),
});

/** The first recording of this name. */
function legacy(recording: string): string {
  const { items } = Legacy.parse(readFixtureJson('legacy/recordings.json'));
  return z.string().parse(items.find((item) => item.recording === recording)?.result);
}

function fixtureHex(name: 'neurons_lite' | 'subnet_state' | 'selective_mechagraph'): string {
  return u8aToHex(readFixture(`metagraph-343/${name}.netuid1.block6852690.scale`));
}

function digest(values: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('hex');
}

function uidsWhere<N extends { readonly uid: number }>(
  neurons: readonly N[],
  holds: (neuron: N) => boolean,
): number[] {
  return neurons.filter(holds).map(({ uid }) => uid);
}

function dotted(ip: number): string {
  return [24, 16, 8, 0].map((shift) => (ip >>> shift) & 255).join('.');
}

function u16(value: number): string {
  return u8aToHex(bnToU8a(value, { bitLength: 16, isLe: true }));
}

/** A column of 1024 accounts without its first one: option byte, length of two bytes, 32 bytes each. */
function withoutFirst(column: Uint8Array): Uint8Array {
  return u8aConcat([1], compactToU8a(1_023), column.subarray(3 + 32));
}
