import { createHash } from 'node:crypto';
import { eventRecords } from './events.ts';
import { newtype, struct } from './scale.ts';
import { bytes, u16, u32, u64, u128 } from './scale-basic.ts';
import type { DevState } from './state.ts';
import { type At, blake2, type Item, identity, item, plain, twox64 } from './storage-item.ts';
import { subtensorItems } from './storage-subtensor.ts';
import { account, count64, h256 } from './types.ts';
import { commitmentInfo } from './types-data.ts';

/** Every storage item that the chain answers, in the pallets' order. */
export function storageItems(): readonly Item[] {
  return [...system, ...subtensorItems(), ...commitments, ...drand];
}

/** `System.BlockHashCount`: blocks whose hashes the runtime remembers. */
export const BLOCK_HASH_COUNT = 2_400;

const accountData = struct(
  {
    free: u64,
    reserved: u64,
    frozen: u64,
    flags: newtype('pallet_balances::types::ExtraFlags', u128),
  },
  'pallet_balances::types::AccountData',
);
const accountInfo = struct(
  { nonce: u32, consumers: u32, providers: u32, sufficients: u32, data: accountData },
  'frame_system::AccountInfo',
);
/** There is no money on the development chain: an account is a nonce. */
const NO_BALANCE = {
  consumers: 0,
  providers: 0,
  sufficients: 0,
  // The highest bit: its holds are counted as newer versions of the pallet count them.
  data: { free: 0n, reserved: 0n, frozen: 0n, flags: 1n << 127n },
};

const system: readonly Item[] = [
  item({
    pallet: 'System',
    name: 'Account',
    keys: [blake2(account)],
    value: accountInfo,
    absent: { default: { nonce: 0, ...NO_BALANCE } },
    read: ({ state }, [address]) => {
      const nonce = state.nonces.get(address);
      return nonce === undefined ? null : { nonce, ...NO_BALANCE };
    },
    entries: ({ nonces }) => [...nonces.keys()].map((address) => [address] as const),
    changed: (before, after) =>
      changedIn(before.state.nonces, after.state.nonces).map((address) => [address] as const),
  }),
  item({
    pallet: 'System',
    name: 'BlockHash',
    keys: [twox64(u32)],
    value: h256,
    read: ({ state, extra }, [number]) =>
      number < state.block && number >= state.block - BLOCK_HASH_COUNT
        ? extra.blockHashes(number)
        : null,
    entries: ({ block }) =>
      Array.from(
        { length: Math.min(block, BLOCK_HASH_COUNT) },
        (_, back) => [block - 1 - back] as const,
      ),
    // Of a block and its child, which is nearly always asked for, all but two are the same.
    changed: (before, after) =>
      after.extra.blockHashes(before.state.block - 1) === before.extra.parentHash &&
      after.state.block === before.state.block + 1
        ? [[before.state.block], [before.state.block - BLOCK_HASH_COUNT]]
        : null,
  }),
  plain('System', 'Number', u32, ({ state }) => state.block),
  plain('System', 'ParentHash', h256, ({ extra }) => extra.parentHash),
  plain('System', 'Events', eventRecords, ({ extra }) => extra.events),
  plain('Timestamp', 'Now', count64, ({ state }) => state.timestampMs),
];

export const registration = struct(
  { deposit: u64, block: u32, info: commitmentInfo },
  'pallet_commitments::types::Registration',
);
const usage = struct(
  { lastEpoch: count64, usedSpace: count64 },
  'pallet_commitments::types::UsageTracker',
);
const byHotkey = [identity(u16), twox64(account)] as const;

/** The keys of what a state holds for hotkeys, and those of what changed of it. */
function slotsOf(member: 'commitments' | 'usedSpace') {
  return {
    entries: (state: DevState) =>
      [...state[member].keys()].map((hotkey) => [state.netuid, hotkey] as const),
    changed: ({ state: before }: At, { state: after }: At) =>
      changedIn(before[member], after[member]).map((hotkey) => [after.netuid, hotkey] as const),
  };
}

/** The keys under which two maps hold different values. */
function changedIn(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): readonly string[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => before.get(key) !== after.get(key));
}

const commitments: readonly Item[] = [
  item({
    pallet: 'Commitments',
    name: 'CommitmentOf',
    keys: byHotkey,
    value: registration,
    absent: 'none',
    read: ({ state }, [netuid, hotkey]) => {
      const found = netuid === state.netuid ? state.commitments.get(hotkey) : undefined;
      if (found === undefined) return null;
      return { deposit: 0n, block: found.block, info: { fields: found.fields } };
    },
    ...slotsOf('commitments'),
  }),
  item({
    pallet: 'Commitments',
    name: 'LastCommitment',
    keys: byHotkey,
    value: u32,
    absent: 'none',
    read: ({ state }, [netuid, hotkey]) =>
      netuid === state.netuid ? (state.commitments.get(hotkey)?.block ?? null) : null,
    ...slotsOf('commitments'),
  }),
  item({
    pallet: 'Commitments',
    name: 'UsedSpaceOf',
    keys: byHotkey,
    value: usage,
    absent: 'none',
    read: ({ state }, [netuid, hotkey]) => {
      const found = netuid === state.netuid ? state.usedSpace.get(hotkey) : undefined;
      return found === undefined ? null : { lastEpoch: found.lastEpoch, usedSpace: found.used };
    },
    ...slotsOf('usedSpace'),
  }),
  plain('Commitments', 'MaxSpace', u32, ({ state }) => state.params.maxSpace, { default: 3_100 }),
];

const beaconConfiguration = struct(
  {
    publicKey: bytes,
    period: u32,
    genesisTime: u32,
    hash: bytes,
    groupHash: bytes,
    schemeId: bytes,
    metadata: struct({ beaconId: bytes }, 'pallet_drand::types::Metadata'),
  },
  'pallet_drand::types::BeaconConfiguration',
);
const pulse = struct(
  { round: count64, randomness: bytes, signature: bytes },
  'pallet_drand::types::Pulse',
);

const drand: readonly Item[] = [
  plain('Drand', 'BeaconConfig', beaconConfiguration, ({ state }) => ({
    ...state.params.beacon,
    // What drand's relays say of a chain beyond its schedule; the development chain's beacon has no relay.
    hash: '',
    groupHash: '',
    schemeId: '',
    metadata: { beaconId: '' },
  })),
  plain('Drand', 'LastStoredRound', count64, ({ state }) => state.drand.lastStoredRound),
  plain('Drand', 'OldestStoredRound', count64, ({ state }) => state.drand.oldestStoredRound),
  item({
    pallet: 'Drand',
    name: 'Pulses',
    keys: [blake2(count64)],
    value: pulse,
    absent: 'none',
    read: ({ state }, [round]) => {
      const signature = state.drand.pulses.get(round);
      if (signature === undefined) return null;
      // drand's own definition of a round's randomness.
      const randomness = createHash('sha256').update(Buffer.from(signature, 'hex')).digest('hex');
      return { round, randomness, signature };
    },
    entries: ({ drand }) => [...drand.pulses.keys()].map((round) => [round] as const),
  }),
];
