import { encodeAddress } from '@polkadot/util-crypto/cjs/address/index';
import { describe, expect, test } from 'vitest';
import { dispatch } from '#src/devchain/runtime.ts';
import type { DevCall, DevState } from '#src/devchain/state.ts';
import { weightsHash } from '#src/devchain/weights-hash.ts';
import { after, at, devSubnet, errorOf, hotkey, UID } from '../support/dev-subnet.ts';

type Reveal = Extract<DevCall, { salt: unknown }>;

const reveal: Reveal = {
  call: 'SubtensorModule.reveal_mechanism_weights',
  netuid: 36,
  mecid: 0,
  uids: [UID.x],
  values: [7],
  salt: [1, 2, 3],
  versionKey: 0n,
};
const commit = (change: Partial<Reveal> = {}): DevCall => ({
  call: 'SubtensorModule.commit_mechanism_weights',
  netuid: 36,
  mecid: 0,
  commitHash: weightsHash({ ...reveal, ...change }, hotkey('a')),
});

/** Epoch 13 of this subnet is blocks 93 to 102, so a commit in block 100 is revealed in 103 to 112. */
const committed = after(devSubnet({}, 100), commit(), 'a');
const revealed = (state: DevState, change: Partial<Reveal> = {}, signer = 'a') =>
  dispatch(state, { ...reveal, ...change }, hotkey(signer));

describe('commit_weights and reveal_weights', () => {
  test('a commit counts as the update and is announced', () => {
    expect(dispatch(devSubnet({}, 100), commit(), hotkey('a'))).toMatchObject({
      kind: 'ok',
      state: { hashCommits: [{ hotkey: hotkey('a'), epoch: 13, block: 100 }] },
      events: [{ event: 'SubtensorModule.WeightsCommitted', index: 36 }],
    });
    expect(committed.neurons[UID.a]?.lastUpdate).toBe(100);
  });

  test.each([
    [102, 'SubtensorModule.RevealTooEarly'],
    [103, null],
    [112, null],
    [113, 'SubtensorModule.ExpiredWeightCommit'],
  ])('a reveal in block %i ends with %s', (block, error) => {
    expect(errorOf(revealed(at(committed, block)))).toBe(error);
  });

  test('a reveal sets the weights, uses the commit up, and leaves the last update alone', () => {
    const outcome = revealed(at(committed, 103));
    expect(outcome).toMatchObject({
      kind: 'ok',
      state: { weights: new Map([[UID.a, [[UID.x, 65_535]]]]), hashCommits: [] },
      events: [
        { event: 'SubtensorModule.WeightsSet' },
        { event: 'SubtensorModule.WeightsRevealed', hotkey: hotkey('a'), index: 36 },
      ],
    });
    if (outcome.kind !== 'ok') return;
    expect(outcome.state.neurons[UID.a]?.lastUpdate).toBe(100);
    expect(errorOf(revealed(outcome.state))).toBe('SubtensorModule.NoWeightsCommitFound');
  });

  test.each<[string, Partial<Reveal>]>([
    ['uids', { uids: [UID.y] }],
    ['values', { values: [8] }],
    ['salt', { salt: [1, 2, 4] }],
    ['a version key', { versionKey: 1n }],
    ['a mechanism', { mecid: 1 }],
  ])('other %s than committed do not match', (_name, change) => {
    expect(errorOf(revealed(at(committed, 103), change))).toBe(
      'SubtensorModule.InvalidRevealCommitHashNotMatch',
    );
  });

  test('nobody reveals for another hotkey', () => {
    expect(errorOf(revealed(at(committed, 103), {}, 'b'))).toBe(
      'SubtensorModule.NoWeightsCommitFound',
    );
  });

  test('a reveal that the setter refuses keeps the commit', () => {
    const strict = { ...committed, params: { ...committed.params, minAllowedWeights: 2 } };
    expect(errorOf(revealed(at(strict, 103)))).toBe('SubtensorModule.WeightVecLengthIsLow');
  });

  test('a reveal gives up the commits before it, and none after', () => {
    const later = { salt: [9] };
    const both = after(at(committed, 103), commit(later), 'a');
    expect(both.hashCommits).toHaveLength(2);
    const outcome = revealed(at(both, 112));
    expect(outcome).toMatchObject({ kind: 'ok', state: { hashCommits: [{ block: 103 }] } });
  });

  test('ten may be open, expired ones do not count', () => {
    let state = devSubnet({ weightsSetRateLimit: 0 }, 100);
    for (let salt = 0; salt < 10; salt++) state = after(state, commit({ salt: [salt] }), 'a');
    expect(errorOf(dispatch(state, commit(), hotkey('a')))).toBe(
      'SubtensorModule.TooManyUnrevealedCommits',
    );
    expect(after(at(state, 113), commit(), 'a').hashCommits).toHaveLength(1);
  });

  test('with commit-reveal off neither is taken', () => {
    const off = { ...committed, params: { ...committed.params, commitRevealEnabled: false } };
    expect(errorOf(dispatch(at(off, 103), commit(), hotkey('a')))).toBe(
      'SubtensorModule.CommitRevealDisabled',
    );
    expect(errorOf(revealed(at(off, 103)))).toBe('SubtensorModule.CommitRevealDisabled');
  });
});

test('the hash is BLAKE2b-256 of the SCALE tuple', () => {
  const signer = encodeAddress(new Uint8Array(32).fill(7), 42);
  const weights = { netuid: 36, mecid: 0, uids: [5, 258], values: [65_535, 1], salt: [9] };
  // From Python's hashlib over bytes laid out by hand.
  expect(weightsHash({ ...weights, versionKey: 2n }, signer)).toBe(
    'c8bf82b901be9b414e6259d41e94c2c5131f9fb63675e86824b200c1d37855db',
  );
});
