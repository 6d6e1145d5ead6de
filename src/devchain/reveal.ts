import { publicKeyOf } from '../chain/hotkey.ts';
import { decryptTimelocked } from '../chain/timelock.ts';
import { epochIndex } from './epoch-schedule.ts';
import { done, type Outcome } from './outcome.ts';
import type { DevEvent, DevState, TimelockedCommit } from './state.ts';
import { storageIndex } from './subnet.ts';
import { storeWeights, type WeightsRequest } from './weights.ts';
import { decodeWeightsPayload } from './weights-payload.ts';

/**
 * Opens the timelocked commits whose reveal epoch it is and whose round is published; those of earlier
 * epochs are lost. What cannot be opened or set vanishes without an event, as on the real chain: its
 * owner has to look.
 */
export function revealTimelocked(
  state: DevState,
): Readonly<{ state: DevState; events: readonly DevEvent[] }> {
  const due = epochIndex(state) - state.params.revealPeriodEpochs;
  if (!state.timelocked.some(({ epoch }) => epoch <= due)) return { state, events: [] };
  const events: DevEvent[] = [];
  let next: DevState = { ...state, timelocked: [] };
  const waiting: TimelockedCommit[] = [];
  for (const commit of state.timelocked) {
    if (commit.epoch < due) continue;
    const signature = commit.epoch === due ? state.drand.pulses.get(commit.round) : undefined;
    if (signature === undefined) {
      waiting.push(commit);
      continue;
    }
    const outcome = reveal(next, commit, signature);
    if (outcome?.kind !== 'ok') continue;
    next = outcome.state;
    events.push(...outcome.events);
  }
  return { state: { ...next, timelocked: waiting }, events };
}

/** Null for what is no ciphertext of the round, holds no weights, or was made by another hotkey. */
function reveal(state: DevState, commit: TimelockedCommit, signature: string): Outcome | null {
  const request = open(state, commit, signature);
  if (request === null) return null;
  const outcome = storeWeights(state, request, commit.hotkey);
  if (outcome.kind === 'error') return outcome;
  return done(outcome.state, ...outcome.events, {
    extrinsic: null,
    event: 'SubtensorModule.TimelockedWeightsRevealed',
    index: storageIndex(request.netuid, request.mecid),
    hotkey: commit.hotkey,
  });
}

function open(state: DevState, commit: TimelockedCommit, signature: string): WeightsRequest | null {
  const plaintext = decryptTimelocked(
    Buffer.from(commit.commit, 'hex'),
    Buffer.from(signature, 'hex'),
  );
  const payload = plaintext === null ? null : decodeWeightsPayload(plaintext);
  if (payload === null) return null;
  // A copy of somebody else's ciphertext names his hotkey; the older structure names none.
  const owner = Buffer.from(publicKeyOf(commit.hotkey) ?? []).toString('hex');
  if (payload.hotkey !== null && payload.hotkey !== owner) return null;
  const { uids, values, versionKey } = payload;
  return { netuid: state.netuid, mecid: 0, uids, values, versionKey };
}
