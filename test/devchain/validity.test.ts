import { describe, expect, test } from 'vitest';
import { validate } from '#src/devchain/runtime.ts';
import type { DevCall, DevParams, DevState } from '#src/devchain/state.ts';
import { weightsHash } from '#src/devchain/weights-hash.ts';
import { after, at, devSubnet, hotkey, UID } from '../support/dev-subnet.ts';

const target = { netuid: 36, mecid: 0 };
const set: DevCall = {
  call: 'SubtensorModule.set_mechanism_weights',
  ...target,
  dests: [UID.x],
  weights: [1],
  versionKey: 0n,
};
const timelocked = {
  call: 'SubtensorModule.commit_timelocked_mechanism_weights',
  ...target,
  commit: '00',
  revealRound: 30_000_000,
  commitRevealVersion: 4,
} as const;
const weights = { ...target, uids: [UID.x], values: [1], salt: [1], versionKey: 0n };
const commit: DevCall = {
  call: 'SubtensorModule.commit_weights',
  ...target,
  commitHash: weightsHash(weights, hotkey('a')),
};
const reveal: DevCall = { call: 'SubtensorModule.reveal_weights', ...weights };
const serve: DevCall = {
  call: 'SubtensorModule.serve_axon',
  netuid: 36,
  version: 1,
  ip: 1n,
  port: 1,
  ipType: 4,
  protocol: 4,
  placeholder1: 0,
  placeholder2: 0,
};

const numberOf = (state: DevState, call: DevCall, signer = 'a'): number | null =>
  validate(state, call, hotkey(signer))?.custom ?? null;

describe('validate', () => {
  const open: Partial<DevParams> = { commitRevealEnabled: false };
  const justUpdated = after(devSubnet(open, 100), set, 'a');
  const { lastStoredRound } = devSubnet().drand;

  test.each<[string, DevState, DevCall, string, number | null]>([
    ['weights of a validator pass', devSubnet(open, 100), set, 'a', null],
    ['an unregistered hotkey is 10', devSubnet(open, 100), set, 'nobody', 10],
    ['too little stake is 1', devSubnet(open, 100), set, 'x', 1],
    ['a weight update one block too early is 6', at(justUpdated, 101), set, 'a', 6],
    ['an update that the next block takes passes', at(justUpdated, 102), set, 'a', null],
    ['a commit too early is 6 as well', at(justUpdated, 101), timelocked, 'a', 6],
    ['a commit without stake is 1', devSubnet({}, 100), timelocked, 'x', 1],
    ['a commit of a stranger is 10', devSubnet({}, 100), commit, 'nobody', 10],
    [
      'a round in the past is 15',
      devSubnet(),
      { ...timelocked, revealRound: lastStoredRound - 1 },
      'a',
      15,
    ],
    [
      'the round that is stored last passes',
      devSubnet(),
      { ...timelocked, revealRound: lastStoredRound },
      'a',
      null,
    ],
    [
      'plain weights where they have to be committed are left to the dispatch',
      devSubnet({}, 100),
      set,
      'a',
      null,
    ],
    [
      'another subnet is left to the dispatch',
      devSubnet({}, 100),
      { ...timelocked, netuid: 35 },
      'nobody',
      null,
    ],
    ['a reveal without commit is 16', devSubnet({}, 100), reveal, 'a', 16],
    [
      'a commitment is left to the dispatch',
      devSubnet(),
      { call: 'Commitments.set_commitment', netuid: 36, fields: [] },
      'nobody',
      null,
    ],
    ['a remark passes', devSubnet(), { call: 'System.remark', remark: '00' }, 'nobody', null],
    ['an axon of a stranger is 10', devSubnet(), serve, 'nobody', 10],
    ['an axon with a bad IP is 11', devSubnet(), { ...serve, ip: 1n << 32n }, 'a', 11],
    ['an axon too soon is 12', after(devSubnet({}, 100), serve, 'a'), serve, 'a', 12],
    ['an axon without port is 13', devSubnet(), { ...serve, port: 0 }, 'a', 13],
    ['an IP of no version is 255', devSubnet(), { ...serve, ipType: 7 }, 'a', 255],
  ])('%s', (_name, state, call, signer, custom) => {
    expect(numberOf(state, call, signer)).toBe(custom);
  });

  test('a reveal passes for exactly the blocks of its epoch, else it is 17', () => {
    const committed = after(devSubnet({}, 100), commit, 'a');
    const blocks = [101, 102, 111, 112].map((block) => numberOf(at(committed, block), reveal));
    expect(blocks).toEqual([17, null, null, 17]);
    const other = { ...reveal, salt: [2] };
    expect(numberOf(at(committed, 102), other)).toBe(16);
  });

  test('inside a block a call is judged for that block', () => {
    const early = at(justUpdated, 102);
    expect(validate(early, set, hotkey('a'), early.block)).toEqual({ custom: 6 });
  });
});
