import type { z } from 'zod';
import type { DivergenceRecorded, RankCorrelation } from '../events/divergence.ts';
import { roundHalfEven } from './nano.ts';

/** A miner's score on either side; only the order matters, so each side has its own unit. */
export type Ranked = Readonly<{ miner: string; score: number }>;

/** Whether both sides name the same winner; null when one of them names nobody. */
export function topOneAgreement(a: string | null, b: string | null): boolean | null {
  return a === null || b === null ? null : a === b;
}

/**
 * Spearman's rank correlation over the miners that both sides score, corrected for ties: Pearson's
 * formula on doubled mid-ranks, so that rho = num / sqrt(denA · denB) in exact integers. Null, which is
 * "not applicable" and never 0, with fewer than two common miners or where one side ties them all.
 */
export function rankCorrelation(
  a: readonly Ranked[],
  b: readonly Ranked[],
): RankCorrelation | null {
  const scoreInB = new Map(b.map(({ miner, score }) => [miner, score]));
  const pairs = [...new Map(a.map(({ miner, score }) => [miner, score]))].flatMap(
    ([miner, scoreA]) => {
      const scoreB = scoreInB.get(miner);
      return scoreB === undefined ? [] : [{ scoreA, scoreB }];
    },
  );
  const n = BigInt(pairs.length);
  const ranksA = doubledMidRanks(pairs.map(({ scoreA }) => scoreA));
  const ranksB = doubledMidRanks(pairs.map(({ scoreB }) => scoreB));
  const num = n * dot(ranksA, ranksB) - sum(ranksA) * sum(ranksB);
  const denA = n * dot(ranksA, ranksA) - sum(ranksA) ** 2n;
  const denB = n * dot(ranksB, ranksB) - sum(ranksB) ** 2n;
  // Fewer than two miners have no variance either.
  if (denA === 0n || denB === 0n) return null;
  return { n: pairs.length, num: String(num), denA: String(denA), denB: String(denB) };
}

/** Rho in millionths, rounded half to even from the exact fraction. */
export function rhoMillionths(rank: RankCorrelation): number {
  const [num, den] = [BigInt(rank.num), BigInt(rank.denA) * BigInt(rank.denB)];
  const size = num < 0n ? -num : num;
  const scaled = size * size * MILLIONTHS * MILLIONTHS;
  // floor(sqrt(x / d)) is the integer square root of floor(x / d).
  const floor = integerRoot(scaled / den);
  const half = (2n * floor + 1n) ** 2n * den;
  const up = 4n * scaled > half || (4n * scaled === half && floor % 2n === 1n);
  const rounded = up ? floor + 1n : floor;
  return Number(num < 0n && rounded > 0n ? -rounded : rounded);
}

/** The mean of the defined correlations in millionths, rounded half to even; null when none is defined. */
export function meanRhoMillionths(ranks: readonly (RankCorrelation | null)[]): number | null {
  const defined = ranks.filter((rank) => rank !== null).map(rhoMillionths);
  if (defined.length === 0) return null;
  const total = defined.reduce((all, rho) => all + rho, 0);
  const mean = Number(roundHalfEven(BigInt(Math.abs(total)), BigInt(defined.length)));
  return total < 0 && mean > 0 ? -mean : mean;
}

/** Millionths for people: `0.971000`; `n/a` for null. */
export function formatRho(millionths: number | null): string {
  if (millionths === null) return 'n/a';
  const size = Math.abs(millionths);
  const decimals = String(size % Number(MILLIONTHS)).padStart(6, '0');
  return `${millionths < 0 ? '-' : ''}${Math.floor(size / Number(MILLIONTHS))}.${decimals}`;
}

/**
 * How many miners are among the best `k` of both sides. A score of zero is no place among the best, so
 * `k` shrinks to the shorter side; null when one side has nobody. Equal scores order by hotkey.
 */
export function topKOverlap(
  a: readonly Ranked[],
  b: readonly Ranked[],
  k: number,
): z.infer<typeof DivergenceRecorded.data>['overlap'] {
  const [bestA, bestB] = [best(a), best(b)];
  const size = Math.min(k, bestA.length, bestB.length);
  if (size < 1) return null;
  const inB = new Set(bestB.slice(0, size));
  return { k: size, common: bestA.slice(0, size).filter((miner) => inB.has(miner)).length };
}

function best(side: readonly Ranked[]): string[] {
  const places = side.filter(({ score }) => score > 0);
  places.sort((a, b) => b.score - a.score || (a.miner < b.miner ? -1 : 1));
  return [...new Set(places.map(({ miner }) => miner))];
}

const MILLIONTHS = 1_000_000n;

/** Ranks from 1 by ascending score, doubled; equal scores share the mean of their ranks. */
function doubledMidRanks(scores: readonly number[]): bigint[] {
  const sorted = scores.toSorted((a, b) => a - b);
  const rankOf = new Map<number, bigint>();
  for (const [index, score] of sorted.entries()) {
    if (rankOf.has(score)) continue;
    // Ranks first … last of the tie: their doubled mean is first + last.
    rankOf.set(score, BigInt(index + 1 + sorted.lastIndexOf(score) + 1));
  }
  return scores.map((score) => rankOf.get(score) ?? 0n);
}

function dot(a: readonly bigint[], b: readonly bigint[]): bigint {
  return a.reduce((total, value, index) => total + value * (b[index] ?? 0n), 0n);
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

/** The greatest integer whose square is at most `value` (Newton's method from above). */
function integerRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (root + value / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}
