import {
  blend,
  columnSums,
  type Entry,
  type Fixed,
  type Matrix,
  mapMatrix,
  normalized,
  normalizedColumns,
  normalizedRows,
  ONE,
  quotient,
  rowSums,
  sum,
  times,
} from './matrix.ts';
import type { WeightPair } from './state.ts';

/** A neuron as consensus sees it; its place in the list is its uid. */
export type YumaNeuron = Readonly<{
  /** Rao; zero for who is below the stake threshold. */
  stake: bigint;
  permit: boolean;
  active: boolean;
  /** The owner alone may weight itself. */
  isOwner: boolean;
  lastUpdate: number;
  registeredAt: number;
}>;

export type YumaInput = Readonly<{
  neurons: readonly YumaNeuron[];
  /** Rows by the uid of the validator, as stored. */
  weights: ReadonlyMap<number, readonly WeightPair[]>;
  /** Rows by the uid of the validator, as the last epoch left them. */
  bonds: ReadonlyMap<number, readonly WeightPair[]>;
  params: Readonly<{ kappa: number; bondsPenalty: number; bondsMovingAverage: number }>;
}>;

/** By uid, u16 each. */
export type YumaOutput = Readonly<{
  consensus: readonly number[];
  validatorTrust: readonly number[];
  incentive: readonly number[];
  dividends: readonly number[];
  bonds: ReadonlyMap<number, readonly WeightPair[]>;
}>;

/**
 * One epoch of Yuma consensus, its classic path: a weight counts up to the stake-weighted median of its
 * column at kappa; incentive is stake × clipped weight; dividends are bonds × incentive, where bonds are
 * the moving average of the stake that a validator gave to each miner. Exact integers in fixed point, so
 * no sum depends on its order.
 */
export function yuma({ neurons, weights, bonds, params }: YumaInput): YumaOutput {
  const voting = neurons.map(({ stake, permit, active }) => (permit && active ? stake : 0n));
  const stake = normalized(voting);
  const rows = normalizedRows(countedWeights(neurons, weights));
  const consensus = consensusWeights(rows, voting, params.kappa);
  const clip = (weight: Fixed, column: number): Fixed => min(weight, consensus[column] ?? 0n);
  const staked = (weight: Fixed, row: number): Fixed => times(weight, stake[row] ?? 0n);
  const clipped = mapMatrix(rows, (weight, _row, column) => clip(weight, column));
  const incentive = normalized(columnSums(mapMatrix(clipped, staked)));

  // With the full penalty nothing above consensus earns a bond, with none the whole weight does.
  const penalty = quotient(BigInt(params.bondsPenalty), U16_MAX);
  const given = mapMatrix(rows, (weight, row, column) =>
    staked(times(clip(weight, column), penalty) + times(weight, ONE - penalty), row),
  );
  const kept = quotient(BigInt(params.bondsMovingAverage), KEEPS_ALL);
  const previous = normalizedColumns(countedBonds(neurons, bonds));
  const held = normalizedColumns(blend(previous, normalizedColumns(given), kept));
  const dividends = normalized(
    rowSums(mapMatrix(held, (bond, _row, column) => times(bond, incentive[column] ?? 0n))),
  );
  return {
    consensus: consensus.map(toU16),
    validatorTrust: rowSums(clipped).map(toU16),
    incentive: incentive.map(toU16),
    dividends: dividends.map(toU16),
    bonds: storedBonds(held),
  };
}

const U16_MAX = 65_535n;
/** The moving average of bonds is in millionths. */
const KEEPS_ALL = 1_000_000n;

/** Rows of validators with a permit, without self-weights and without columns that changed hands since. */
function countedWeights(
  neurons: readonly YumaNeuron[],
  weights: ReadonlyMap<number, readonly WeightPair[]>,
): Matrix {
  return neurons.map((neuron, uid) =>
    neuron.permit
      ? currentEntries(neurons, neuron, weights.get(uid) ?? []).filter(
          ([target]) => target !== uid || neuron.isOwner,
        )
      : [],
  );
}

function countedBonds(
  neurons: readonly YumaNeuron[],
  bonds: ReadonlyMap<number, readonly WeightPair[]>,
): Matrix {
  return neurons.map((neuron, uid) => currentEntries(neurons, neuron, bonds.get(uid) ?? []));
}

/** A target that registered at or after the row's last update took over the uid of the one that was meant. */
function currentEntries(
  neurons: readonly YumaNeuron[],
  { lastUpdate }: YumaNeuron,
  pairs: readonly WeightPair[],
): Entry[] {
  return pairs
    .filter(([target, value]) => {
      const column = neurons[target];
      return value !== 0 && column !== undefined && lastUpdate > column.registeredAt;
    })
    .map(([target, value]): Entry => [target, BigInt(value)]);
}

/**
 * The largest weight of each column that at least kappa of the voting stake supports, by giving as much or
 * more; zero where none is.
 */
function consensusWeights(rows: Matrix, voting: readonly bigint[], kappa: number): Fixed[] {
  const needed = sum(voting) * BigInt(kappa);
  const columns: { weight: Fixed; stake: bigint }[][] = rows.map(() => []);
  for (const [row, entries] of rows.entries()) {
    const stake = voting[row] ?? 0n;
    if (stake === 0n) continue;
    for (const [column, weight] of entries) columns[column]?.push({ weight, stake });
  }
  return columns.map((votes) => {
    votes.sort((a, b) => Number(b.weight - a.weight));
    let support = 0n;
    for (const { weight, stake } of votes) {
      support += stake;
      if (support * U16_MAX >= needed) return weight;
    }
    return 0n;
  });
}

/** As the pallet stores bonds: the largest of a column becomes 65,535. */
function storedBonds(held: Matrix): Map<number, WeightPair[]> {
  const largest = held.map(() => 0n);
  for (const entries of held)
    for (const [column, bond] of entries)
      if (bond > (largest[column] ?? 0n)) largest[column] = bond;
  const stored = mapMatrix(
    held,
    (bond, _row, column) => (bond * U16_MAX) / (largest[column] ?? bond),
  );
  return new Map(
    [...stored.entries()]
      .filter(([, entries]) => entries.length > 0)
      .map(([uid, entries]) => [
        uid,
        entries
          .map(([target, bond]): WeightPair => [target, Number(bond)])
          .sort(([a], [b]) => a - b),
      ]),
  );
}

function toU16(value: Fixed): number {
  return Number(times(value, U16_MAX));
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
