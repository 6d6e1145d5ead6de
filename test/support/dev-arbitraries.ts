import fc from 'fast-check';
import type { DevCall, DevData, DevEvent } from '#src/devchain/state.ts';
import { hotkey } from './dev-subnet.ts';

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65_535 });
const u32 = fc.integer({ min: 0, max: 4_294_967_295 });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const u128 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const count = fc.maxSafeNat();
const u16s = fc.array(u16, { maxLength: 300 });

const hex = (minLength: number, maxLength = minLength): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes).toString('hex'));
const hash = hex(32);
const address = fc.constantFrom('owner', 'a', 'b', 'x', 'cold a').map(hotkey);

export const devData: fc.Arbitrary<DevData> = fc.oneof(
  fc.record({ kind: fc.constantFrom('None', 'ResetBondsFlag') }),
  fc.record({ kind: fc.constant('Raw'), bytes: hex(0, 128) }),
  fc.record({ kind: fc.constant('BigRaw'), bytes: hex(0, 512) }),
  fc.record({
    kind: fc.constantFrom('BlakeTwo256', 'Sha256', 'Keccak256', 'ShaThree256'),
    bytes: hash,
  }),
  fc.record({ kind: fc.constant('TimelockEncrypted'), bytes: hex(0, 300), revealRound: count }),
);

const weights = { netuid: u16, dests: u16s, weights: u16s, versionKey: u64 };
const reveal = { netuid: u16, uids: u16s, values: u16s, salt: u16s, versionKey: u64 };
const firstMechanism = fc.constant(0);

type CallName = DevCall['call'];

/** Every call that there is, with any arguments. */
export const devCalls: Readonly<Record<CallName, fc.Arbitrary<DevCall>>> = {
  'System.remark': fc.record({ call: fc.constant('System.remark'), remark: hex(0, 300) }),
  'SubtensorModule.set_weights': fc.record({
    call: fc.constant('SubtensorModule.set_weights'),
    mecid: firstMechanism,
    ...weights,
  }),
  'SubtensorModule.set_mechanism_weights': fc.record({
    call: fc.constant('SubtensorModule.set_mechanism_weights'),
    mecid: u8,
    ...weights,
  }),
  'SubtensorModule.commit_timelocked_mechanism_weights': fc.record({
    call: fc.constant('SubtensorModule.commit_timelocked_mechanism_weights'),
    netuid: u16,
    mecid: u8,
    commit: hex(0, 600),
    revealRound: count,
    commitRevealVersion: u16,
  }),
  'SubtensorModule.commit_weights': fc.record({
    call: fc.constant('SubtensorModule.commit_weights'),
    netuid: u16,
    mecid: firstMechanism,
    commitHash: hash,
  }),
  'SubtensorModule.commit_mechanism_weights': fc.record({
    call: fc.constant('SubtensorModule.commit_mechanism_weights'),
    netuid: u16,
    mecid: u8,
    commitHash: hash,
  }),
  'SubtensorModule.reveal_weights': fc.record({
    call: fc.constant('SubtensorModule.reveal_weights'),
    mecid: firstMechanism,
    ...reveal,
  }),
  'SubtensorModule.reveal_mechanism_weights': fc.record({
    call: fc.constant('SubtensorModule.reveal_mechanism_weights'),
    mecid: u8,
    ...reveal,
  }),
  'SubtensorModule.serve_axon': fc.record({
    call: fc.constant('SubtensorModule.serve_axon'),
    netuid: u16,
    version: u32,
    ip: u128,
    port: u16,
    ipType: u8,
    protocol: u8,
    placeholder1: u8,
    placeholder2: u8,
  }),
  'Commitments.set_commitment': fc.record({
    call: fc.constant('Commitments.set_commitment'),
    netuid: u16,
    fields: fc.array(devData, { maxLength: 3 }),
  }),
};

export const devCall: fc.Arbitrary<DevCall> = fc.oneof(...Object.values(devCalls));

const extrinsic = fc.option(u32);

/** Every event that there is, with any content. */
export const devEvents: Readonly<Record<DevEvent['event'], fc.Arbitrary<DevEvent>>> = {
  'System.ExtrinsicSuccess': fc.record({
    event: fc.constant('System.ExtrinsicSuccess'),
    extrinsic,
  }),
  'System.ExtrinsicFailed': fc.record({
    event: fc.constant('System.ExtrinsicFailed'),
    extrinsic,
    error: fc.constantFrom(
      { pallet: 'System', name: 'CallFiltered' },
      { pallet: 'SubtensorModule', name: 'SettingWeightsTooFast' },
      { pallet: 'Commitments', name: 'SpaceLimitExceeded' },
    ),
  }),
  'SubtensorModule.WeightsSet': fc.record({
    event: fc.constant('SubtensorModule.WeightsSet'),
    extrinsic,
    index: u16,
    uid: u16,
  }),
  'SubtensorModule.TimelockedWeightsCommitted': fc.record({
    event: fc.constant('SubtensorModule.TimelockedWeightsCommitted'),
    extrinsic,
    hotkey: address,
    index: u16,
    commitHash: hash,
    round: count,
  }),
  'SubtensorModule.TimelockedWeightsRevealed': fc.record({
    event: fc.constant('SubtensorModule.TimelockedWeightsRevealed'),
    extrinsic,
    index: u16,
    hotkey: address,
  }),
  'SubtensorModule.WeightsCommitted': fc.record({
    event: fc.constant('SubtensorModule.WeightsCommitted'),
    extrinsic,
    hotkey: address,
    index: u16,
    commitHash: hash,
  }),
  'SubtensorModule.WeightsRevealed': fc.record({
    event: fc.constant('SubtensorModule.WeightsRevealed'),
    extrinsic,
    hotkey: address,
    index: u16,
    commitHash: hash,
  }),
  'SubtensorModule.AxonServed': fc.record({
    event: fc.constant('SubtensorModule.AxonServed'),
    extrinsic,
    netuid: u16,
    hotkey: address,
  }),
  'Commitments.Commitment': fc.record({
    event: fc.constant('Commitments.Commitment'),
    extrinsic,
    netuid: u16,
    hotkey: address,
  }),
};

export const devEvent: fc.Arbitrary<DevEvent> = fc.oneof(...Object.values(devEvents));
