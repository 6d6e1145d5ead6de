import { decodeAddress } from '@polkadot/util-crypto/cjs/address/index';
import { describe, expect, test } from 'vitest';
import { verifyRound } from '#src/chain/drand.ts';
import { encryptTimelocked } from '#src/chain/timelock.ts';
import { encodeWeightsPayload } from '#src/chain/weights-payload.ts';
import { roundAt } from '#src/devchain/pulses.ts';
import { startBlock } from '#src/devchain/runtime.ts';
import type { DevCall, DevState, WeightPair } from '#src/devchain/state.ts';
import { advance, after, at, beacon, devSubnet, hotkey, UID } from '../support/dev-subnet.ts';

/** Epoch 13 of this subnet is blocks 93 to 102: what is committed in block 100 is revealed in 103 to 112. */
const start = devSubnet({}, 100);
const FIRST_REVEAL = 103;
/** The newest round that block n knows. */
const roundOf = (block: number): number =>
  roundAt(at(start, block).timestampMs, start.params.beacon);

type Commit = Extract<DevCall, { call: 'SubtensorModule.commit_timelocked_mechanism_weights' }>;

function sealed(plaintext: Uint8Array, round: number): Commit {
  const random = { esk: filled(32, 1), sigma: filled(32, 2), nonce: filled(12, 3) };
  const key = Buffer.from(start.params.beacon.publicKey, 'hex');
  return {
    call: 'SubtensorModule.commit_timelocked_mechanism_weights',
    netuid: 36,
    mecid: 0,
    commit: Buffer.from(encryptTimelocked(plaintext, round, key, random)).toString('hex'),
    revealRound: round,
    commitRevealVersion: 4,
  };
}

const payload = (name: string, uids: number[] = [UID.x]) =>
  encodeWeightsPayload({
    hotkey: decodeAddress(hotkey(name)),
    uids,
    values: uids.map(() => 9),
    versionKey: 0n,
  });
const due = roundOf(FIRST_REVEAL + 3);
const committed = after(start, sealed(payload('a'), due), 'a');
const rowOf = ({ weights }: DevState, uid: number = UID.a) => weights.get(uid);

describe('a timelocked commit', () => {
  test('becomes weights in the first block of its reveal epoch that has the round', () => {
    const early = advance(committed, FIRST_REVEAL + 2);
    expect(rowOf(early.state)).toBeUndefined();
    expect(early.state.timelocked).toHaveLength(1);

    const { state, events } = startBlock(early.state, beacon);
    expect(rowOf(state)).toEqual([[UID.x, 65_535]]);
    expect(state.timelocked).toEqual([]);
    expect(events).toEqual([
      { extrinsic: null, event: 'SubtensorModule.WeightsSet', index: 36, uid: UID.a },
      {
        extrinsic: null,
        event: 'SubtensorModule.TimelockedWeightsRevealed',
        index: 36,
        hotkey: hotkey('a'),
      },
    ]);
  });

  test('counted as the update when it was committed, not when it is revealed', () => {
    const { state } = advance(committed, 110);
    expect(state.neurons[UID.a]?.lastUpdate).toBe(100);
  });

  test('whose round is published early is revealed when its epoch begins, not before', () => {
    const early = after(start, sealed(payload('a'), roundOf(101)), 'a');
    expect(rowOf(advance(early, FIRST_REVEAL - 1).state)).toBeUndefined();
    expect(rowOf(advance(early, FIRST_REVEAL).state)).toBeDefined();
  });

  test('counts in the epoch that runs in the block of its reveal', () => {
    const last = after(start, sealed(payload('a'), roundOf(112)), 'a');
    // Without the 35 % of a, the 25 % of b would not reach kappa.
    const row: WeightPair[] = [[UID.x, 65_535]];
    const given = { ...withUpdate(last, UID.b), weights: new Map([[UID.b, row]]) };
    const { state } = advance(given, 112);
    expect(state.lastStepBlock).toBe(112);
    expect(state.neurons[UID.x]?.incentive).toBe(65_535);
  });

  test('is revealed after as many epochs as the period has', () => {
    const slow = { ...committed, params: { ...committed.params, revealPeriodEpochs: 2 } };
    expect(rowOf(advance(slow, 112).state)).toBeUndefined();
    expect(rowOf(advance(slow, 113).state)).toBeDefined();
  });

  test('in the older form, without a hotkey, is taken too', () => {
    const older = payload('a').subarray(33);
    const state = after(start, sealed(older, due), 'a');
    expect(rowOf(advance(state, 110).state)).toEqual([[UID.x, 65_535]]);
  });
});

describe('a timelocked commit vanishes without an event', () => {
  test.each<[string, () => DevState]>([
    ['that copies another hotkey’s', () => after(start, sealed(payload('b'), due), 'a')],
    [
      'that is no ciphertext',
      () => after(start, { ...sealed(payload('a'), due), commit: '00' }, 'a'),
    ],
    [
      'that was sealed to another round',
      () => after(start, { ...sealed(payload('a'), due), revealRound: due - 1 }, 'a'),
    ],
    ['that holds no weights', () => after(start, sealed(filled(5, 0), due), 'a')],
    [
      'whose round is in no block of its reveal epoch',
      () => after(start, sealed(payload('a'), roundOf(113)), 'a'),
    ],
    [
      'whose weights the setter refuses',
      () => after(start, sealed(payload('a', [UID.x, 99]), due), 'a'),
    ],
    [
      'whose owner’s version key is not enough any more',
      () => ({ ...committed, params: { ...committed.params, weightsVersionKey: 1n } }),
    ],
    [
      'whose owner lost its permit',
      () => ({
        ...committed,
        neurons: committed.neurons.map((neuron) => ({ ...neuron, alphaStake: 0n })),
        params: { ...committed.params, stakeThreshold: 0n },
      }),
    ],
  ])('%s', (_name, given) => {
    const { state, events } = advance(given(), 114);
    expect(rowOf(state)).toBeUndefined();
    expect(state.timelocked).toEqual([]);
    expect(events).toEqual([]);
  });

  test('and keeps the row that was there', () => {
    const row: WeightPair[] = [[UID.y, 65_535]];
    const given = after(start, { ...sealed(payload('a'), due), commit: '00' }, 'a');
    const { state } = advance({ ...given, weights: new Map([[UID.a, row]]) }, 114);
    expect(rowOf(state)).toEqual(row);
  });
});

describe('the drand pallet', () => {
  test('stores the signature of a round once for all commits that wait for it, and of no other round', () => {
    const signed: number[] = [];
    const counting = {
      ...beacon,
      sign: (round: number) => {
        signed.push(round);
        return beacon.sign(round);
      },
    };
    let state = after(committed, sealed(payload('b'), due), 'b');
    while (state.block < 112) ({ state } = startBlock(state, counting));
    expect(signed).toEqual([due]);
    expect([...state.drand.pulses.keys()]).toEqual([due]);
    expect(rowOf(state, UID.b)).toBeDefined();
    const signature = Buffer.from(state.drand.pulses.get(due) ?? '', 'hex');
    expect(verifyRound(signature, due, Buffer.from(beacon.publicKey, 'hex'))).toBe(true);
  });

  test('is at the round of the block’s time, to the second', () => {
    const schedule = { genesisTime: 1_000, period: 3 };
    const rounds = [999_999, 1_000_000, 1_002_999, 1_003_000].map((ms) => roundAt(ms, schedule));
    expect(rounds).toEqual([0, 1, 1, 2]);
    expect(advance(start, 105).state.drand.lastStoredRound).toBe(roundOf(105));
  });

  test('forgets rounds after 7.5 days', () => {
    const { state } = advance(committed, 110);
    const later = at(state, 110 + 216_000 / 4);
    const again = after(later, sealed(payload('b'), roundOf(later.block) + 1), 'b');
    const { drand } = advance(again, later.block + 2).state;
    expect([...drand.pulses.keys()]).toEqual([roundOf(later.block) + 1]);
    expect(drand.oldestStoredRound).toBe(drand.lastStoredRound - 216_000 + 1);
  });
});

function withUpdate(state: DevState, uid: number): DevState {
  return {
    ...state,
    neurons: state.neurons.map((neuron, index) =>
      index === uid ? { ...neuron, lastUpdate: state.block } : neuron,
    ),
  };
}

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}
