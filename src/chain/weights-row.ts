import type { ApiPromise } from '@polkadot/api/cjs/index';
import { z } from 'zod';
import { Block } from '../events/scalars.ts';
import { Vector } from '../events/weights.ts';
import { ActivityCutoff, activityCutoffItems } from './activity-cutoff.ts';
import type { Known, WeightsRow } from './chain.ts';
import { Blocks, parseAnswer, U16 } from './decode.ts';
import { known, malformed } from './known.ts';
import { type At, readStorage } from './reads.ts';
import { readStorageApi } from './state-api.ts';

/**
 * The weights that the chain holds for a hotkey at one finalised block. The vector is null where the
 * hotkey has no uid, no row, or one of zeros only. 'malformed' for a row that is no `Vector`, though the
 * chain takes longer ones; 'unavailable' when the node does not have this block's state; transport
 * errors are thrown.
 */
export async function readWeightsRow(
  connected: ApiPromise,
  { netuid, hotkey, ...at }: At & { readonly netuid: number; readonly hotkey: string },
): Promise<Known<WeightsRow>> {
  const { block } = at;
  const state = await readStorageApi(at, { api: connected });
  if (!state.known) return state;
  const api = state.value;
  const stored = await readStorage(
    {
      uid: ['subtensorModule', 'uids', netuid, hotkey],
      lastUpdates: ['subtensorModule', 'lastUpdate', netuid],
      weightsRateLimit: ['subtensorModule', 'weightsSetRateLimit', netuid],
      ...activityCutoffItems(netuid),
    },
    at,
    { api },
  );
  if (!stored.known) return stored;
  const cutoff = parseAnswer(ActivityCutoff, stored.value, 'storage');
  if (!cutoff.known) return cutoff;
  const seat = parseAnswer(Seat, stored.value, 'storage');
  if (!seat.known) return seat;
  const { uid, lastUpdates, weightsRateLimit } = seat.value;
  const rules = { activityCutoff: cutoff.value, weightsRateLimit };
  if (uid === null) return known({ block, vector: null, lastUpdate: 0, ...rules });
  const lastUpdate = lastUpdates[uid];
  if (lastUpdate === undefined) return malformed(`lastUpdate has no entry for uid ${uid}`);

  const weights = await readStorage({ row: ['subtensorModule', 'weights', netuid, uid] }, at, {
    api,
  });
  if (!weights.known) return weights;
  const row = parseAnswer(Row, weights.value, 'weights');
  if (!row.known) return row;
  const vector = vectorOf(row.value.row);
  return vector.known
    ? known({ block, vector: vector.value, lastUpdate, ...rules })
    : malformed(`weights of uid ${uid} at block ${block}: ${vector.detail}`);
}

const Seat = z.object({
  uid: U16.nullable(),
  lastUpdates: z.array(Block),
  weightsRateLimit: Blocks,
});

/** Pairs of uid and weight, in the order in which they were set. */
const Row = z.object({ row: z.array(z.tuple([U16, U16])) });

function vectorOf(
  pairs: readonly (readonly [uid: number, weight: number])[],
): Known<Vector | null> {
  if (pairs.every(([, weight]) => weight === 0)) return known(null);
  const vector = pairs.map(([uid, weight]) => ({ uid, weight })).toSorted((a, b) => a.uid - b.uid);
  return parseAnswer(Vector, vector, 'row');
}
