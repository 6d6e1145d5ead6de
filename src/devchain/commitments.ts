import { epochIndex } from './epoch-schedule.ts';
import { done, failed, type Outcome } from './outcome.ts';
import type { DevCall, DevData, DevState } from './state.ts';
import { uidOf } from './subnet.ts';

/** `Commitments.MaxFields`. */
export const MAX_FIELDS = 3;

/** A commitment takes this much of the epoch's space however short it is, in bytes. */
const MIN_SPACE = 100;

/** Overwrites the one commitment of a hotkey, within the space that it has in an epoch. */
export function setCommitment(
  state: DevState,
  { netuid, fields }: Extract<DevCall, { call: 'Commitments.set_commitment' }>,
  hotkey: string,
): Outcome {
  if (netuid !== state.netuid || uidOf(state, hotkey) === undefined)
    return failed('Commitments', 'AccountNotAllowedCommit');
  if (fields.length > MAX_FIELDS) return failed('Commitments', 'TooManyFieldsInCommitmentInfo');
  const epoch = epochIndex(state);
  const space = state.usedSpace.get(hotkey);
  const payload = fields.reduce((bytes, field) => bytes + payloadBytes(field), 0);
  const used = (space?.lastEpoch === epoch ? space.used : 0) + Math.max(MIN_SPACE, payload);
  if (used > state.params.maxSpace) return failed('Commitments', 'SpaceLimitExceeded');
  return done(
    {
      ...state,
      commitments: new Map(state.commitments).set(hotkey, { block: state.block, fields }),
      usedSpace: new Map(state.usedSpace).set(hotkey, { lastEpoch: epoch, used }),
    },
    { extrinsic: null, event: 'Commitments.Commitment', netuid, hotkey },
  );
}

function payloadBytes(field: DevData): number {
  return 'bytes' in field ? field.bytes.length / 2 : 0;
}
