import { describe, expect, test } from 'vitest';
import { dispatch } from '#src/devchain/runtime.ts';
import type { DevCall, DevParams } from '#src/devchain/state.ts';
import { after, at, devSubnet, errorOf, hotkey, UID } from '../support/dev-subnet.ts';

type Commit = Extract<DevCall, { call: 'SubtensorModule.commit_timelocked_mechanism_weights' }>;

const commit: Commit = {
  call: 'SubtensorModule.commit_timelocked_mechanism_weights',
  netuid: 36,
  mecid: 0,
  commit: '0102',
  revealRound: 25_000_000,
  commitRevealVersion: 4,
};
const send = (params: Partial<DevParams>, change: Partial<Commit>, signer = 'a') =>
  dispatch(devSubnet(params, 100), { ...commit, ...change }, hotkey(signer));

describe('commit_timelocked_mechanism_weights', () => {
  test('is kept with its epoch and counts as the update', () => {
    const state = after(devSubnet({}, 100), commit, 'a');
    expect(state.timelocked).toEqual([
      { hotkey: hotkey('a'), epoch: 13, block: 100, commit: '0102', round: 25_000_000 },
    ]);
    expect(state.neurons[UID.a]?.lastUpdate).toBe(100);
    expect(state.weights.size).toBe(0);
  });

  test('announces the BLAKE2b-256 of the SCALE bytes', () => {
    expect(send({}, {})).toMatchObject({
      events: [
        {
          event: 'SubtensorModule.TimelockedWeightsCommitted',
          hotkey: hotkey('a'),
          index: 36,
          // BLAKE2b-256 of 08 01 02, from Python's hashlib.
          commitHash: '8600e94515418b5c6334f109a8f1e33666335c12ebe0fca503617d094a019bfd',
          round: 25_000_000,
        },
      ],
    });
  });

  test.each<[string, Partial<DevParams>, Partial<Commit>, string]>([
    ['CommitRevealDisabled', { commitRevealEnabled: false }, { commitRevealVersion: 3 }, 'nobody'],
    ['IncorrectCommitRevealVersion', {}, { commitRevealVersion: 3, mecid: 1 }, 'nobody'],
    ['MechanismDoesNotExist', {}, { mecid: 1 }, 'nobody'],
    ['MechanismDoesNotExist', {}, { netuid: 35 }, 'nobody'],
    ['HotKeyNotRegisteredInSubNet', {}, {}, 'nobody'],
  ])('%s', (error, params, change, signer) => {
    expect(errorOf(send(params, change, signer))).toBe(`SubtensorModule.${error}`);
  });

  test('the rate limit passes at exactly its distance', () => {
    const state = after(devSubnet({}, 100), commit, 'a');
    expect(errorOf(dispatch(at(state, 102), commit, hotkey('a')))).toBe(
      'SubtensorModule.CommittingWeightsTooFast',
    );
    expect(errorOf(dispatch(at(state, 103), commit, hotkey('a')))).toBeNull();
  });

  test('an eleventh commit of one hotkey in one epoch is one too many, not of another hotkey', () => {
    let state = devSubnet({ weightsSetRateLimit: 0 }, 100);
    for (let count = 0; count < 10; count++) state = after(state, commit, 'a');
    expect(errorOf(dispatch(state, commit, hotkey('a')))).toBe(
      'SubtensorModule.TooManyUnrevealedCommits',
    );
    expect(errorOf(dispatch(state, commit, hotkey('b')))).toBeNull();
    expect(errorOf(dispatch(at(state, 103), commit, hotkey('a')))).toBeNull();
  });
});
