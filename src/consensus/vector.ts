import { AppError } from '../errors.ts';
import type { Vector } from '../events/weights.ts';
import { NANO, roundHalfEven } from './nano.ts';

/** Weight on uid 0 is burnt. */
export const BURN_UID = 0;

/** The greatest weight of a vector (u16): the chain leaves a vector with it as it is. */
const MAX_WEIGHT = 65_535n;

type Padding = Readonly<{
  /** Entries that the subnet asks for; a subnet with fewer uids gets what it has. */
  minVectorLength: number;
  /** The uids of the subnet. */
  uids: readonly number[];
}>;

type Share = Readonly<{
  /** Null when nobody won: everything burns. */
  winnerUid: number | null;
  /** The winner's part of the whole weight, in 1e-9. */
  familyShare: number;
}>;

/**
 * The winner takes the family's share, uid 0 the rest, max-upscaled to u16. An entry of weight 0 is
 * there only as padding: ascending uids that have none yet, until the vector is `minVectorLength`
 * long. Throws `input.invalid` for a winner at uid 0 or a share outside 0 … 10^9.
 */
export function shareVector({ winnerUid, familyShare, ...padding }: Share & Padding): Vector {
  if (winnerUid === null) return burnVector(padding);
  if (winnerUid === BURN_UID) {
    throw invalid('winnerUid', winnerUid, 'a uid other than 0, which burns');
  }
  if (!Number.isInteger(familyShare) || familyShare < 0 || familyShare > NANO) {
    throw invalid('familyShare', familyShare, `an integer from 0 to ${NANO}`);
  }
  const [burnt = 0, won = 0] = maxUpscale([BigInt(NANO - familyShare), BigInt(familyShare)]);
  const entries = [
    { uid: BURN_UID, weight: burnt },
    { uid: winnerUid, weight: won },
  ];
  return padded(entries, padding);
}

/** Everything to uid 0: where neither a winner nor an incumbent is known. */
export function burnVector(padding: Padding): Vector {
  return padded([{ uid: BURN_UID, weight: Number(MAX_WEIGHT) }], padding);
}

/**
 * Weights scaled so that the greatest is 65535, each rounded half to even: w · 65535 / max. Throws
 * `input.invalid` for a negative weight and when all are zero: nothing is never spread over everybody.
 */
export function maxUpscale(weights: readonly bigint[]): number[] {
  const max = weights.reduce((a, b) => (b > a ? b : a), 0n);
  if (max === 0n || weights.some((weight) => weight < 0n)) {
    throw invalid('weights', weights, 'none below zero, at least one above');
  }
  return weights.map((weight) => Number(roundHalfEven(weight * MAX_WEIGHT, max)));
}

/** Whether two vectors give the same weights. Zero weights are padding: the chain need not keep them. */
export function sameWeights(one: Vector, other: Vector): boolean {
  return JSON.stringify(significant(one)) === JSON.stringify(significant(other));
}

function significant(vector: Vector): readonly (readonly [number, number])[] {
  return vector.filter(({ weight }) => weight > 0).map(({ uid, weight }) => [uid, weight] as const);
}

function padded(entries: Vector, { minVectorLength, uids }: Padding): Vector {
  const vector = entries.filter(({ weight }) => weight > 0);
  const taken = new Set(vector.map(({ uid }) => uid));
  for (const uid of [...new Set(uids)].sort((a, b) => a - b)) {
    if (vector.length >= minVectorLength) break;
    if (!taken.has(uid)) vector.push({ uid, weight: 0 });
  }
  return vector.sort((a, b) => a.uid - b.uid);
}

function invalid(field: string, value: unknown, expected: string): AppError {
  return new AppError('input.invalid', { field, value, expected });
}
