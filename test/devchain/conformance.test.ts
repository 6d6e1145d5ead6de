import type { Vec } from '@polkadot/types/cjs/index';
import type { EventRecord } from '@polkadot/types/cjs/interfaces/index';
import { stringCamelCase, u8aToHex } from '@polkadot/util/cjs/index';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { callEntries, runtimeCall } from '#src/devchain/calls.ts';
import { eventEntries } from '#src/devchain/events.ts';
import { fromHex, toHex } from '#src/devchain/hex.ts';
import { decode, encode, vec } from '#src/devchain/scale.ts';
import { bytes, u16 } from '#src/devchain/scale-basic.ts';
import type { DevCall, DevData, DevEvent } from '#src/devchain/state.ts';
import { storageKey } from '#src/devchain/storage.ts';
import { storageItems } from '#src/devchain/storage-items.ts';
import { devCalls, devEvents } from '../support/dev-arbitraries.ts';
import { blockExtra, codec, fullState, type Polkadot, polkadotOf } from '../support/dev-codec.ts';
import { hasFixtures, readFixture, readFixtureJson } from '../support/finney-fixture.ts';
import { surface15Of, surfaceOf } from '../support/metadata-surface.ts';

const Calls = z.object({ calls: z.array(z.object({ name: z.string(), hex: z.string() })) });
type Calls = z.infer<typeof Calls>;
const StorageKeys = z.object({
  keys: z.array(
    z.object({
      item: z.string(),
      args: z.array(z.union([z.number(), z.string()])).default([]),
      key: z.string().optional(),
      hashers: z.array(z.string()).default([]),
    }),
  ),
});
const SigningPayload = z.object({
  era: z.object({ current: z.number(), period: z.number(), hex: z.string() }),
  nonce: z.number(),
  tip: z.number(),
  specVersion: z.number(),
  transactionVersion: z.number(),
  genesis: z.string(),
  blockHash: z.string(),
  call: z.string(),
  payload: z.string(),
});

/** The indexes of the metagraph's fields. */
const ALL_FIELDS = Array.from({ length: 74 }, (_, index) => index);

const NO_CALLS: Calls = { calls: [] };

const items = storageItems();
const ours = { 14: polkadotOf(codec.metadataV14), 15: polkadotOf(codec.metadataV15) };
const finneyOf = (version: 14 | 15): Polkadot =>
  polkadotOf(readFixture(`metadata/finney-spec343.v${version}.scale`));

/**
 * The development chain against Finney's own metadata (spec 343): what an adapter sends, reads and decodes
 * is the same byte for byte. The recordings lie beside the project; without them this is skipped.
 */
describe.skipIf(!hasFixtures)('as on Finney', () => {
  const finney = hasFixtures ? { 14: finneyOf(14), 15: finneyOf(15) } : ours;

  describe.each([14, 15] as const)('metadata %i', (version) => {
    const mine = surfaceOf(ours[version].metadata);
    const genuine = surfaceOf(finney[version].metadata);
    const pallets = Object.entries(mine.pallets);
    const entries = (kind: 'calls' | 'events' | 'errors' | 'constants' | 'storage') =>
      pallets.flatMap(([pallet, surface]) =>
        Object.entries(surface[kind]).map(([name, entry]) => ({
          name: `${pallet}.${name}`,
          entry,
          genuine: genuine.pallets[pallet]?.[kind][name],
        })),
      );

    test.each(pallets)('pallet %s has its index', (name, { index }) => {
      expect(index).toBe(genuine.pallets[name]?.index);
    });

    test.each(entries('calls'))('call $name: index, arguments', ({ entry, genuine }) => {
      expect(entry).toEqual(genuine);
    });

    test.each(entries('events'))('event $name: index, fields', ({ entry, genuine }) => {
      expect(entry).toEqual(genuine);
    });

    test.each(entries('errors'))('error $name: index', ({ entry, genuine }) => {
      expect(entry).toEqual(genuine);
    });

    test.each(entries('storage'))('storage $name: hashers, types, default', (item) => {
      // Finney's beacon is quicknet, the development chain's is its own.
      const own = item.name === 'Drand.BeaconConfig' ? { fallback: expect.any(String) } : {};
      expect(item.entry).toEqual({ ...z.looseObject({}).parse(item.genuine), ...own });
    });

    test.each(entries('constants'))('constant $name', ({ name, entry, genuine }) => {
      if (name !== 'System.Version') return expect(entry).toEqual(genuine);
      // Of the runtime APIs the development chain lists those that it has.
      const versionOf = ({ decorated }: Polkadot): unknown => ({
        ...z.looseObject({}).parse(decorated.consts['system']?.['version']?.toJSON()),
        apis: null,
      });
      expect(versionOf(ours[version])).toEqual(versionOf(finney[version]));
    });

    test('the signed extensions are the same, in the same order', () => {
      expect(mine.extensions).toEqual(genuine.extensions);
      expect(mine.extrinsicVersion).toBe(genuine.extrinsicVersion);
    });
  });

  describe('metadata 15', () => {
    const mine = surface15Of(ours[15].metadata);
    const genuine = surface15Of(finney[15].metadata);
    const methods = Object.entries(mine.apis).flatMap(([api, methods]) =>
      Object.entries(methods).map(
        ([name, method]) => [`${api}.${name}`, method, genuine.apis[api]?.[name]] as const,
      ),
    );

    test.each(methods)('runtime API %s: arguments, answer', (_name, method, genuine) => {
      expect(method).toEqual(genuine);
    });

    test('addresses, calls and signatures of extrinsics have the same types', () => {
      expect(mine.extrinsic).toEqual(genuine.extrinsic);
    });
  });

  test.each(Object.keys(devCalls))('%s: three encoders give the same bytes', (name) => {
    // safe: a key of the table itself
    const arbitrary = devCalls[name as DevCall['call']];
    fc.assert(
      fc.property(arbitrary, (call) => {
        const bytes = u8aToHex(codec.encodeCall(call));
        expect(polkadotCall(ours[15], call)).toBe(bytes);
        expect(polkadotCall(finney[15], call)).toBe(bytes);
      }),
      { numRuns: 50 },
    );
  });

  test.each(Object.keys(devEvents))('%s decodes as Finney decodes it, and back', (name) => {
    // safe: a key of the table itself
    const arbitrary = devEvents[name as DevEvent['event']];
    const [pallet = '', event = ''] = name.split('.');
    const key = keyOf('System', 'Events');
    fc.assert(
      fc.property(arbitrary, (value) => {
        const bytes = codec.storageValue(fullState(), key, blockExtra([value]));
        const read = ({ registry }: Polkadot) =>
          registry.createType<Vec<EventRecord>>('Vec<EventRecord>', bytes);
        const [mine, genuine] = [read(ours[15]), read(finney[15])];
        expect(genuine.toHex()).toBe(bytes);
        expect(genuine.toHuman()).toEqual(mine.toHuman());
        expect(genuine[0]?.event.section).toBe(stringCamelCase(pallet));
        expect(genuine[0]?.event.method).toBe(event);
        expect(genuine[0]?.phase.isApplyExtrinsic).toBe(value.extrinsic !== null);
      }),
      { numRuns: 20 },
    );
  });

  test('every call and every event of the tables is among those tried', () => {
    const names = (entries: typeof callEntries): string[] =>
      entries.map(({ pallet, name }) => `${pallet}.${name}`).toSorted();
    expect(Object.keys(devCalls).toSorted()).toEqual(names(callEntries));
    expect(Object.keys(devEvents).toSorted()).toEqual(names(eventEntries));
  });

  describe('storage', () => {
    const state = fullState();
    const extra = blockExtra([{ event: 'System.ExtrinsicSuccess', extrinsic: 0 }]);

    test.each(items.map((item) => [`${item.pallet}.${item.name}`, item] as const))(
      '%s: keys and values byte for byte',
      (_name, item) => {
        const keys = codec.storageKeys(state, item.prefix);
        expect(keys).not.toHaveLength(0);
        const entry = finney[15].decorated.query[lowerFirst(item.pallet)]?.[lowerFirst(item.name)];
        if (entry === undefined) throw new Error('Finney has no such item');
        const { registry } = finney[15];
        for (const key of keys) {
          const parsed = registry.createType('StorageKey', key);
          parsed.setMeta(entry.meta);
          expect(registry.createType('StorageKey', [entry, [...parsed.args]]).toHex()).toBe(key);
          const value = codec.storageValue(state, key, extra);
          expect(value).not.toBeNull();
          const type = registry.createLookupType(
            entry.meta.type.isMap ? entry.meta.type.asMap.value : entry.meta.type.asPlain,
          );
          const decoded = registry.createTypeUnsafe(type, [fromHex(value ?? '')]);
          expect(u8aToHex(decoded.toU8a())).toBe(value);
        }
      },
    );
  });

  describe('the metagraph', () => {
    const type = 'Option<PalletSubtensorRpcInfoMetagraphSelectiveMetagraph>';
    const decodeBy = ({ registry }: Polkadot, bytes: Uint8Array) =>
      registry.createTypeUnsafe(type, [bytes]);

    test('a recorded answer with all fields decodes by our metadata, and encodes back', () => {
      const recorded = readFixture('metagraph-343/selective_mechagraph.netuid1.block6852690.scale');
      const mine = decodeBy(ours[15], recorded);
      expect(u8aToHex(mine.toU8a())).toBe(u8aToHex(recorded));
      expect(mine.toJSON()).toEqual(decodeBy(finney[15], recorded).toJSON());
    });

    test('our answer decodes by the metadata of Finney, and encodes back', () => {
      const asked = encode(vec(u16), [...ALL_FIELDS]);
      const answer = codec.callApi(
        fullState(),
        'SubnetInfoRuntimeApi_get_selective_mechagraph',
        `0x240000${toHex(asked).slice(2)}`,
        blockExtra(),
      );
      const genuine = decodeBy(finney[15], fromHex(answer));
      expect(u8aToHex(genuine.toU8a())).toBe(answer);
      expect(genuine.toJSON()).toEqual(decodeBy(ours[15], fromHex(answer)).toJSON());
    });
  });

  describe('the vectors', () => {
    const { calls } = hasFixtures ? Calls.parse(readFixtureJson('vectors/calls.json')) : NO_CALLS;
    const FOREIGN = ['batch_set_weights', 'utility.batch_all'];

    test.each(
      calls.filter(({ name }) => !FOREIGN.includes(name)).map(({ name, hex }) => [name, hex]),
    )('call %s', (_name, hex) => {
      expect(u8aToHex(codec.encodeCall(decode(runtimeCall, fromHex(hex))))).toBe(hex);
    });

    test('those of the calls that the development chain has not are refused', () => {
      const foreign = calls.filter(({ name }) => FOREIGN.includes(name));
      expect(foreign).toHaveLength(FOREIGN.length);
      for (const { hex } of foreign)
        expect(() => decode(runtimeCall, fromHex(hex))).toThrow('call');
    });

    test('every storage key, but for five items that no adapter reads or that came later', () => {
      const { keys } = StorageKeys.parse(readFixtureJson('vectors/storage_keys.json'));
      const absent = new Set<string>();
      for (const vector of keys) {
        const name = vector.item.toLowerCase();
        const item = items.find((item) => `${item.pallet}.${item.name}`.toLowerCase() === name);
        if (item === undefined) absent.add(vector.item);
        else {
          expect(storageKey(item, vector.args), vector.item).toBe(vector.key);
          expect(item.keys.map(({ hasher }) => hasher)).toEqual(vector.hashers);
        }
      }
      expect([...absent]).toEqual([
        'Commitments.RevealedCommitments',
        'SubtensorModule.stakeWeight',
        'SubtensorModule.lastEpochBlock',
        'SubtensorModule.pendingEpochAt',
        'SubtensorModule.subnetEpochIndex',
      ]);
    });

    test('the payload that a signature covers', () => {
      const vector = SigningPayload.parse(readFixtureJson('vectors/signing_payload.json'));
      const call = calls.find(({ name }) => name === vector.call)?.hex ?? '';
      const body = Buffer.concat([
        Buffer.of(0x84, 0),
        Buffer.alloc(32, 0xaa),
        Buffer.of(1),
        Buffer.alloc(64, 0xbb),
        fromHex(vector.era.hex),
        Buffer.of(vector.nonce << 2, vector.tip << 2, 0),
        fromHex(call),
      ]);
      const extrinsic = codec.decodeExtrinsic(encode(bytes, body.toString('hex')));
      if (extrinsic.kind === 'invalid') throw new Error(extrinsic.detail);
      expect(extrinsic.nonce).toBe(vector.nonce);
      const phase = vector.era.current % vector.era.period;
      expect(extrinsic.era).toEqual({ immortal: false, period: vector.era.period, phase });
      const payload = extrinsic.payload({
        specVersion: vector.specVersion,
        transactionVersion: vector.transactionVersion,
        genesisHash: vector.genesis,
        birthHash: vector.blockHash,
      });
      expect(u8aToHex(payload)).toBe(vector.payload);
    });
  });
});

/** A call by polkadot.js, from the values that an adapter would give it. */
function polkadotCall({ decorated }: Polkadot, call: DevCall): string {
  const [pallet = '', name = ''] = call.call.split('.');
  const build = decorated.tx[lowerFirst(pallet)]?.[stringCamelCase(name)];
  if (build === undefined) throw new Error(`no call ${call.call}`);
  const values: Readonly<Record<string, unknown>> =
    call.call === 'Commitments.set_commitment'
      ? { netuid: call.netuid, info: { fields: call.fields.map(polkadotData) } }
      : { ...call };
  const args = build.meta.args.map(({ name }) => values[stringCamelCase(name.toString())]);
  return build(...args.map((arg) => (typeof arg === 'string' ? `0x${arg}` : arg))).toHex();
}

function polkadotData(field: DevData): unknown {
  switch (field.kind) {
    case 'None':
    case 'ResetBondsFlag':
      return { [field.kind]: null };
    case 'Raw':
      return { [`Raw${field.bytes.length / 2}`]: `0x${field.bytes}` };
    case 'TimelockEncrypted':
      return {
        TimelockEncrypted: { encrypted: `0x${field.bytes}`, revealRound: field.revealRound },
      };
    default:
      return { [field.kind]: `0x${field.bytes}` };
  }
}

function keyOf(pallet: string, name: string): string {
  const item = items.find((item) => item.pallet === pallet && item.name === name);
  if (item === undefined) throw new Error(`no item ${pallet}.${name}`);
  return storageKey(item, []);
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
