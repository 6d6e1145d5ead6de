import { describe, expect, test } from 'vitest';
import { dispatch } from '#src/devchain/runtime.ts';
import type { DevCall, DevData, DevState } from '#src/devchain/state.ts';
import { after, at, devSubnet, errorOf, hotkey } from '../support/dev-subnet.ts';

const raw = (bytes: number): DevData => ({ kind: 'Raw', bytes: 'ab'.repeat(bytes) });
const commitment = (...fields: DevData[]): DevCall => ({
  call: 'Commitments.set_commitment',
  netuid: 36,
  fields,
});
const send = (state: DevState, call: DevCall, signer = 'a') =>
  errorOf(dispatch(state, call, hotkey(signer)));

describe('set_commitment', () => {
  test('overwrites the one slot of the hotkey', () => {
    const first = after(devSubnet({}, 100), commitment(raw(5)), 'a');
    const second = after(at(first, 101), commitment(raw(6), raw(7)), 'a');
    expect(second.commitments).toEqual(
      new Map([[hotkey('a'), { block: 101, fields: [raw(6), raw(7)] }]]),
    );
    expect(dispatch(first, commitment(raw(5)), hotkey('a'))).toMatchObject({
      events: [{ event: 'Commitments.Commitment', netuid: 36, hotkey: hotkey('a') }],
    });
  });

  test('only a registered hotkey may, in its own subnet', () => {
    const state = devSubnet({}, 100);
    expect(send(state, commitment(raw(1)), 'nobody')).toBe('Commitments.AccountNotAllowedCommit');
    expect(send(state, { call: 'Commitments.set_commitment', netuid: 35, fields: [] })).toBe(
      'Commitments.AccountNotAllowedCommit',
    );
  });

  test('a miner may too', () => {
    expect(send(devSubnet({}, 100), commitment(raw(1)), 'x')).toBeNull();
  });

  test('four fields are one too many', () => {
    const fields = [raw(1), raw(1), raw(1)];
    expect(send(devSubnet({}, 100), commitment(...fields))).toBeNull();
    expect(send(devSubnet({}, 100), commitment(...fields, raw(1)))).toBe(
      'Commitments.TooManyFieldsInCommitmentInfo',
    );
  });

  test('31 short commitments fill the space of an epoch, and the next epoch gives it back', () => {
    let state = devSubnet({}, 93);
    for (let count = 0; count < 31; count++) state = after(state, commitment(raw(20)), 'a');
    expect(state.usedSpace.get(hotkey('a'))).toEqual({ lastEpoch: 13, used: 3_100 });
    expect(send(at(state, 102), commitment(raw(20)))).toBe('Commitments.SpaceLimitExceeded');
    expect(send(at(state, 102), commitment(raw(20)), 'b')).toBeNull();
    const next = after(at(state, 103), commitment(raw(20)), 'a');
    expect(next.usedSpace.get(hotkey('a'))).toEqual({ lastEpoch: 14, used: 100 });
  });

  test.each<[string, DevData[], number]>([
    ['payloads over the floor count in full', [raw(128), raw(100)], 228],
    ['flags cost the floor', [{ kind: 'ResetBondsFlag' }, { kind: 'None' }], 100],
    ['a hash is 32 bytes', [{ kind: 'Sha256', bytes: 'cd'.repeat(32) }, raw(128)], 160],
  ])('%s', (_name, fields, used) => {
    const state = after(devSubnet({}, 100), commitment(...fields), 'a');
    expect(state.usedSpace.get(hotkey('a'))?.used).toBe(used);
  });

  test('one that does not fit is refused whole', () => {
    const state = after(devSubnet({ maxSpace: 300 }, 100), commitment(raw(128), raw(72)), 'a');
    expect(send(state, commitment(raw(101)))).toBe('Commitments.SpaceLimitExceeded');
    expect(send(state, commitment(raw(100)))).toBeNull();
  });
});
