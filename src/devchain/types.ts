import { addressOf, publicKeyOf } from '../chain/hotkey.ts';
import { AppError } from '../errors.ts';
import { mapped, newtype, type Scale, struct, tuple, vec } from './scale.ts';
import { compact, fixedBytes, u8, u16, u32, u64, u128 } from './scale-basic.ts';
import type { DevAxon, WeightPair } from './state.ts';

export const h256 = newtype('primitive_types::H256', fixedBytes(32));

/** An account, by its ss58 address. */
export const account: Scale<string> = {
  type: newtype('sp_core::crypto::AccountId32', fixedBytes(32)).type,
  write: (address, out) => {
    const publicKey = publicKeyOf(address);
    if (publicKey === undefined)
      throw new AppError('key.invalid', {
        field: 'account',
        value: address,
        expected: 'an ss58 address with prefix 42 and a valid checksum',
      });
    out.raw(publicKey);
  },
  read: (input) => addressOf(input.raw(32)),
};

/** A block number, round or count of 64 bits; a number has to be able to hold it. */
export const count64: Scale<number> = mapped(u64, { to: safeNumber, from: BigInt });
export const compactCount64: Scale<number> = mapped(compact(u64), { to: safeNumber, from: BigInt });

export const weight = struct(
  { refTime: compact(u64), proofSize: compact(u64) },
  'sp_weights::weight_v2::Weight',
);

export const weightPairs: Scale<readonly WeightPair[]> = vec(tuple(u16, u16));

/** What an axon's owner announces of it. */
export const servedAxon = {
  version: u32,
  ip: u128,
  port: u16,
  ipType: u8,
  protocol: u8,
  placeholder1: u8,
  placeholder2: u8,
};

export const axonInfo: Scale<DevAxon> = struct(
  { block: count64, ...servedAxon },
  'pallet_subtensor::pallet::AxonInfo',
);

function safeNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new AppError('input.invalid', { field: 'u64', value, expected: 'at most 2^53 − 1' });
  return Number(value);
}
