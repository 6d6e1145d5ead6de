import { AppError } from '../errors.ts';
import { entriesOf, runtimeScale } from './pallet-enum.ts';
import { mapped, type Scale, struct, vec } from './scale.ts';
import { bytes, u8, u16, u64 } from './scale-basic.ts';
import type { DevCall } from './state.ts';
import { count64, h256, servedAxon } from './types.ts';
import { commitmentInfo } from './types-data.ts';

type CallName = DevCall['call'];
type CallOf<N extends CallName, C = DevCall> = C extends { readonly call: infer M }
  ? N extends M
    ? Omit<C, 'call'>
    : never
  : never;

const uids = vec(u16);
const commitHash = h256;
const timelock = { commit: bytes, revealRound: count64, commitRevealVersion: u16 };
const weights = { dests: uids, weights: vec(u16), versionKey: u64 };
const reveal = { uids, values: vec(u16), salt: vec(u16), versionKey: u64 };

/** Every call that the chain takes: Finney's index within the pallet, and its arguments in their order. */
const CALLS: { readonly [N in CallName]: readonly [index: number, args: Scale<CallOf<N>>] } = {
  'System.remark': [0, struct({ remark: bytes })],
  'SubtensorModule.set_weights': [0, firstMechanism(struct({ netuid: u16, ...weights }))],
  'SubtensorModule.serve_axon': [4, struct({ netuid: u16, ...servedAxon })],
  'SubtensorModule.commit_weights': [96, firstMechanism(struct({ netuid: u16, commitHash }))],
  'SubtensorModule.reveal_weights': [97, firstMechanism(struct({ netuid: u16, ...reveal }))],
  'SubtensorModule.commit_mechanism_weights': [115, struct({ netuid: u16, mecid: u8, commitHash })],
  'SubtensorModule.reveal_mechanism_weights': [116, struct({ netuid: u16, mecid: u8, ...reveal })],
  'SubtensorModule.commit_timelocked_mechanism_weights': [
    118,
    struct({ netuid: u16, mecid: u8, ...timelock }),
  ],
  'SubtensorModule.set_mechanism_weights': [119, struct({ netuid: u16, mecid: u8, ...weights })],
  'Commitments.set_commitment': [
    0,
    mapped(struct({ netuid: u16, info: commitmentInfo }), {
      to: ({ netuid, info }) => ({ netuid, fields: info.fields }),
      from: ({ netuid, fields }) => ({ netuid, info: { fields } }),
    }),
  ],
};

export const callEntries = entriesOf(CALLS);

/** A call as an extrinsic carries it. */
export const runtimeCall: Scale<DevCall> = runtimeScale('Call', 'call', callEntries);

/** Calls without mechanism mean the first. */
function firstMechanism<T extends object>(args: Scale<T>): Scale<T & { readonly mecid: number }> {
  return mapped(args, {
    to: (value) => ({ ...value, mecid: 0 }),
    from: (value) => {
      if (value.mecid !== 0)
        throw new AppError('input.invalid', {
          field: 'mecid',
          value: value.mecid,
          expected: '0 in a call that names no mechanism',
        });
      return value;
    },
  });
}
