import { createHash } from 'node:crypto';
import type { RuntimeDispatchInfo } from '@polkadot/types/cjs/interfaces/index';
import { u8aToHex } from '@polkadot/util/cjs/index';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runtimeCall } from '#src/devchain/calls.ts';
import { eventRecords } from '#src/devchain/events.ts';
import { fromHex, toHex } from '#src/devchain/hex.ts';
import { decode, encode, tuple, vec } from '#src/devchain/scale.ts';
import { u8, u16 } from '#src/devchain/scale-basic.ts';
import type { DevNeuron, DevState } from '#src/devchain/state.ts';
import { storageKey } from '#src/devchain/storage.ts';
import { storageItems } from '#src/devchain/storage-items.ts';
import { totalStake } from '#src/devchain/subnet.ts';
import { account } from '#src/devchain/types.ts';
import { devCall, devEvent } from '../support/dev-arbitraries.ts';
import { blockExtra, codec, fullState, polkadotOf } from '../support/dev-codec.ts';
import { hotkey, UID } from '../support/dev-subnet.ts';

const state = fullState();
const extra = blockExtra();
const polkadot = polkadotOf(codec.metadataV15);

function keyOf(name: string, ...keys: readonly unknown[]): string {
  const item = storageItems().find((item) => `${item.pallet}.${item.name}` === name);
  if (item === undefined) throw new Error(`no item ${name}`);
  return storageKey(item, keys);
}

describe.each([
  ['14', codec.metadataV14],
  ['15', codec.metadataV15],
] as const)('metadata %s', (_version, bytes) => {
  const { registry, metadata, decorated } = polkadotOf(bytes);

  test('is read by polkadot.js to the last byte', () => {
    expect(u8aToHex(metadata.toU8a())).toBe(u8aToHex(bytes));
  });

  test('becomes calls, storage, constants and errors under their usual names', () => {
    expect(Object.keys(decorated.tx)).toEqual(['system', 'subtensorModule', 'commitments']);
    expect(decorated.tx['subtensorModule']).toHaveProperty('commitTimelockedMechanismWeights');
    expect(decorated.query['subtensorModule']).toHaveProperty('lastMechansimStepBlock');
    expect(decorated.query['drand']).toHaveProperty('pulses');
    expect(decorated.consts['system']?.['ss58Prefix']?.toJSON()).toBe(42);
    expect(decorated.consts['commitments']?.['maxFields']?.toJSON()).toBe(3);
    expect(decorated.errors['subtensorModule']).toHaveProperty('SettingWeightsTooFast');
  });

  test('has the types that an adapter builds', () => {
    const hex = (type: string, value: unknown) => registry.createType(type, value).toHex();
    expect(hex('PalletCommitmentsData', { Raw0: '0x' })).toBe('0x01');
    expect(hex('PalletCommitmentsData', { Raw128: `0x${'ab'.repeat(128)}` })).toBe(
      `0x81${'ab'.repeat(128)}`,
    );
    expect(hex('MultiAddress', hotkey('a'))).toMatch(/^0x00[0-9a-f]{64}$/);
    expect(hex('MultiSignature', { Sr25519: `0x${'cd'.repeat(64)}` })).toMatch(/^0x01(cd){64}$/);
    expect(registry.createType('PalletSubtensorAxonInfo').encodedLength).toBe(34);
  });
});

describe('calls and events', () => {
  test('a call comes back from its bytes', () => {
    fc.assert(
      fc.property(devCall, (call) => {
        expect(decode(runtimeCall, codec.encodeCall(call))).toEqual(call);
      }),
    );
  });

  test('a call that names no mechanism is not written for another one than the first', () => {
    const call = {
      call: 'SubtensorModule.commit_weights',
      netuid: 36,
      mecid: 1,
      commitHash: 'ab'.repeat(32),
    } as const;
    expect(() => codec.encodeCall(call)).toThrow('mecid');
  });

  test('the events of a block come back from their bytes', () => {
    fc.assert(
      fc.property(fc.array(devEvent, { maxLength: 5 }), (events) => {
        const value = codec.storageValue(state, keyOf('System.Events'), blockExtra(events));
        expect(decode(eventRecords, fromHex(value ?? ''))).toEqual(events);
      }),
    );
  });

  test('an error that no pallet has is not written as another one', () => {
    const failed = {
      event: 'System.ExtrinsicFailed',
      extrinsic: 0,
      error: { pallet: 'Commitments', name: 'SettingWeightsTooFast' },
    } as const;
    expect(() => codec.storageValue(state, keyOf('System.Events'), blockExtra([failed]))).toThrow(
      'Commitments.SettingWeightsTooFast',
    );
  });
});

describe('storage', () => {
  const keys = codec.storageKeys(state, '0x');

  test('every key that is listed has a value, and they are sorted, each once', () => {
    expect(keys.length).toBeGreaterThan(storageItems().length);
    expect(keys).toEqual([...new Set(keys)].toSorted());
    for (const key of keys) expect(codec.storageValue(state, key, extra), key).not.toBeNull();
  });

  test('a prefix lists exactly the keys that begin with it, wherever it is cut', () => {
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.nat(100), (key, bytes) => {
        const prefix = key.slice(0, 2 + 2 * bytes);
        const expected = keys.filter((other) => other.startsWith(prefix));
        expect(codec.storageKeys(state, prefix)).toEqual(expected);
      }),
    );
  });

  test('upper-case digits name the same key', () => {
    const key = keyOf('SubtensorModule.Tempo', 36);
    expect(codec.storageValue(state, `0x${key.slice(2).toUpperCase()}`, extra)).toBe('0x0900');
  });

  test.each([
    ['of another subnet', keyOf('SubtensorModule.Tempo', 37)],
    ['of another mechanism', keyOf('SubtensorModule.Weights', 4_096 + 36, UID.a)],
    ['of a uid that does not exist', keyOf('SubtensorModule.Keys', 36, 99)],
    ['of a validator without weights', keyOf('SubtensorModule.Weights', 36, UID.b)],
    ['of a hotkey that is not registered', keyOf('SubtensorModule.Uids', 36, hotkey('nobody'))],
    ['of a hotkey without commitment', keyOf('Commitments.CommitmentOf', 36, hotkey('b'))],
    ['of a neuron without axon', keyOf('SubtensorModule.Axons', 36, hotkey('a'))],
    ['of a round that is not stored', keyOf('Drand.Pulses', 1)],
    ['of a block that is not below', keyOf('System.BlockHash', state.block)],
    ['of an item that the chain has not', `0x${'ab'.repeat(32)}`],
    ['that is too short', '0xab'],
  ])('a key %s has no value', (_name, key) => {
    expect(codec.storageValue(state, key, extra)).toBeNull();
  });

  test('a key whose hash is not that of what it holds has no value', () => {
    const key = keyOf('Drand.Pulses', 1_000);
    expect(codec.storageValue(state, key, extra)).not.toBeNull();
    const digit = key[HASH_AT] === '0' ? '1' : '0';
    const other = `${key.slice(0, HASH_AT)}${digit}${key.slice(HASH_AT + 1)}`;
    expect(codec.storageValue(state, other, extra)).toBeNull();
  });

  test('text that is no hex is refused', () => {
    expect(() => codec.storageValue(state, '0xzz', extra)).toThrow('input.invalid');
    expect(() => codec.storageKeys(state, '0x0')).toThrow('input.invalid');
  });

  test('the values are those of the state', () => {
    const read = (pallet: string, name: string, ...args: readonly unknown[]): unknown =>
      readStorage(state, pallet, name, args);
    expect(read('system', 'number')).toBe(state.block);
    expect(read('system', 'parentHash')).toBe(`0x${extra.parentHash}`);
    expect(read('system', 'blockHash', 2)).toBe(`0x${'2'.padStart(64, '0')}`);
    expect(read('system', 'account', hotkey('a'))).toMatchObject({ nonce: 7 });
    expect(read('timestamp', 'now')).toBe(state.timestampMs);
    expect(read('subtensorModule', 'keys', 36, UID.x)).toBe(hotkey('x'));
    expect(read('subtensorModule', 'uids', 36, hotkey('x'))).toBe(UID.x);
    expect(read('subtensorModule', 'owner', hotkey('x'))).toBe(hotkey('cold x'));
    expect(read('subtensorModule', 'weights', 36, UID.a)).toEqual([[UID.x, 65_535]]);
    expect(read('subtensorModule', 'lastUpdate', 36)).toEqual(
      state.neurons.map(({ lastUpdate }) => lastUpdate),
    );
    expect(read('subtensorModule', 'axons', 36, hotkey('c'))).toMatchObject({ port: 8_091 });
    expect(read('subtensorModule', 'timelockedWeightCommits', 36, 4)).toEqual([
      [hotkey('a'), state.block, `0x${'c0'.repeat(291)}`, state.drand.lastStoredRound + 100],
    ]);
    // Epoch 5 of blocks that begin ten apart, 37 before the first: revealed from 13 to 22.
    expect(read('subtensorModule', 'weightCommits', 36, hotkey('b'))).toEqual([
      [`0x${'d0'.repeat(32)}`, state.block, 13, 22],
    ]);
    expect(read('commitments', 'commitmentOf', 36, hotkey('a'))).toMatchObject({
      deposit: 0,
      block: state.block,
      info: { fields: [{ raw22: expect.any(String) }, { sha256: `0x${'e0'.repeat(32)}` }] },
    });
    expect(read('drand', 'pulses', 1_000)).toEqual({
      round: 1_000,
      randomness: `0x${createHash('sha256').update(Buffer.alloc(48, 0xf0)).digest('hex')}`,
      signature: `0x${'f0'.repeat(48)}`,
    });
    expect(read('drand', 'beaconConfig')).toMatchObject({
      publicKey: `0x${state.params.beacon.publicKey}`,
      genesisTime: state.params.beacon.genesisTime,
      period: state.params.beacon.period,
    });
  });
});

describe('runtime APIs', () => {
  const call = (method: string, args: string, upgraded = extra): string =>
    codec.callApi(state, method, args, upgraded);
  const metagraph = (args: string, at = state) => {
    const type = 'Option<PalletSubtensorRpcInfoMetagraphSelectiveMetagraph>';
    const answer = codec.callApi(at, 'SubnetInfoRuntimeApi_get_selective_mechagraph', args, extra);
    return polkadot.registry.createType(type, fromHex(answer)).toJSON();
  };

  test('the metagraph has the fields that were asked for, and no other', () => {
    // Hotkeys, permits and total stake.
    const answer = metagraph('0x2400000c340039004500');
    const { neurons, params } = state;
    expect(answer).toMatchObject({
      netuid: 36,
      hotkeys: neurons.map(({ hotkey }) => hotkey),
      validatorPermit: neurons.map(({ permit }) => permit),
      totalStake: neurons.map((neuron) => Number(totalStake(neuron, params))),
    });
    const known = Object.values(answer ?? {}).filter((value) => value !== null);
    expect(known).toHaveLength(4);
  });

  test('each field is the state’s own', () => {
    const told = {
      ...state,
      lastStepBlock: 2,
      blocksSinceLastStep: 1,
      neurons: state.neurons.map((neuron, uid) => ({
        ...neuron,
        alphaStake: BigInt(100 + uid),
        taoStake: BigInt(200 + uid),
        registeredAt: 300 + uid,
        lastUpdate: 400 + uid,
        incentive: 500 + uid,
        consensus: 600 + uid,
        dividends: 700 + uid,
        emission: BigInt(800 + uid),
        active: uid % 2 === 0,
      })),
    };
    const { params, neurons, block } = told;
    const column = (read: (neuron: DevNeuron) => unknown): unknown => neurons.map(read);
    expect(metagraph(allFields(74), told)).toMatchObject({
      ownerHotkey: params.ownerHotkey,
      ownerColdkey: params.ownerColdkey,
      block,
      tempo: params.tempo,
      lastStep: 2,
      blocksSinceLastStep: 1,
      kappa: params.kappa,
      minAllowedWeights: params.minAllowedWeights,
      maxWeightsLimit: 65_535,
      weightsVersion: Number(params.weightsVersionKey),
      weightsRateLimit: params.weightsSetRateLimit,
      activityCutoff: params.activityCutoff,
      maxValidators: params.maxAllowedValidators,
      numUids: neurons.length,
      immunityPeriod: params.immunityPeriod,
      commitRevealWeightsEnabled: params.commitRevealEnabled,
      commitRevealPeriod: params.revealPeriodEpochs,
      bondsMovingAvg: params.bondsMovingAverage,
      hotkeys: column(({ hotkey }) => hotkey),
      coldkeys: column(({ coldkey }) => coldkey),
      active: column(({ active }) => active),
      validatorPermit: column(({ permit }) => permit),
      lastUpdate: column(({ lastUpdate }) => lastUpdate),
      emission: column(({ emission }) => Number(emission)),
      dividends: column(({ dividends }) => dividends),
      incentives: column(({ incentive }) => incentive),
      consensus: column(({ consensus }) => consensus),
      blockAtRegistration: column(({ registeredAt }) => registeredAt),
      alphaStake: column(({ alphaStake }) => Number(alphaStake)),
      taoStake: column(({ taoStake }) => Number(taoStake)),
      totalStake: column((neuron) => Number(totalStake(neuron, params))),
      axons: column(({ axon }) => expect.objectContaining({ port: axon?.port ?? 0 })),
      validators: neurons.flatMap(({ permit }, uid) => (permit ? [uid] : [])),
      commitments: [[hotkey('a'), expect.any(Array)]],
    });
  });

  test('an index that the runtime does not know is passed over', () => {
    expect(metagraph('0x24000004ffff')).toMatchObject({ netuid: 36, hotkeys: null });
  });

  test('there is no metagraph of another subnet or mechanism', () => {
    expect(metagraph('0x25000000')).toBeNull();
    expect(metagraph('0x24000100')).toBeNull();
  });

  test('total stake counts root stake for its weight of 2^64', () => {
    const neuron = { alphaStake: 5n, taoStake: 1_000n };
    expect(totalStake(neuron, { taoWeight: 1n << 63n })).toBe(505n);
  });

  test('an account that sent nothing has nonce 0', () => {
    const nonceOf = (name: string): string =>
      call('AccountNonceApi_account_nonce', toHex(encode(account, hotkey(name))));
    expect([nonceOf('a'), nonceOf('nobody')]).toEqual(['0x07000000', '0x00000000']);
  });

  test('metadata is offered in versions 14 and 15, and of no other', () => {
    expect(call('Metadata_metadata_versions', '0x')).toBe('0x080e0000000f000000');
    const at = (version: string) => call('Metadata_metadata_at_version', version);
    const opaque = (bytes: Uint8Array) => polkadot.registry.createType('Bytes', [...bytes]).length;
    expect(fromHex(at('0x0e000000')).length).toBe(1 + 4 + opaque(codec.metadataV14));
    expect(at('0x0f000000').endsWith(u8aToHex(codec.metadataV15).slice(2))).toBe(true);
    expect(at('0x10000000')).toBe('0x00');
  });

  test('after an upgrade the metadata names the new version', () => {
    const answer = call('Metadata_metadata_at_version', '0x0f000000', {
      ...extra,
      specVersion: 344,
    });
    const upgraded = polkadotOf(fromHex(answer).subarray(5));
    const version = upgraded.decorated.consts['system']?.['version']?.toJSON();
    expect(version).toMatchObject({ specName: 'node-subtensor', specVersion: 344 });
  });

  test('the metadata names the chain’s own block time', () => {
    const fast = polkadotOf(codec.metadata(15, { specVersion: 343, slotMs: 250 }));
    expect(fast.decorated.consts['aura']?.['slotDuration']?.toJSON()).toBe(250);
  });

  test('a call costs nothing', () => {
    const info = polkadot.registry.createType<RuntimeDispatchInfo>(
      'RuntimeDispatchInfo',
      fromHex(call('TransactionPaymentApi_query_info', '0x040000000000')),
    );
    expect(info.partialFee.toNumber()).toBe(0);
  });

  test.each([
    ['an unknown method', 'SubnetInfoRuntimeApi_get_all_metagraphs', '0x'],
    ['arguments that end early', 'AccountNonceApi_account_nonce', '0x00'],
    ['arguments that go on', 'Metadata_metadata_versions', '0x00'],
  ])('%s is refused', (_name, method, args) => {
    expect(() => call(method, args)).toThrow('input.invalid');
  });
});

/** Arguments for the metagraph of netuid 36, with as many fields from the first on. */
function allFields(count: number): string {
  const fields = Array.from({ length: count }, (_, index) => index);
  return toHex(encode(tuple(u16, u8, vec(u16)), [36, 0, fields]));
}

/** The first digit of the hash of a key's first part. */
const HASH_AT = 66;

function readStorage(
  state: DevState,
  pallet: string,
  name: string,
  args: readonly unknown[],
): unknown {
  const { registry, decorated } = polkadot;
  const entry = decorated.query[pallet]?.[name];
  if (entry === undefined) throw new Error(`no item ${pallet}.${name}`);
  const { type } = entry.meta;
  const key = registry.createType('StorageKey', [entry, [...args]]).toHex();
  const value = codec.storageValue(state, key, extra);
  const scale = registry.createLookupType(type.isMap ? type.asMap.value : type.asPlain);
  return value === null ? null : registry.createType(scale, fromHex(value)).toJSON();
}
