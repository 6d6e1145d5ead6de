import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { Hex32, ScoreNano, Ss58 } from './scalars.ts';

/** An integer beyond 2^53 may come up in sums of squares: decimal strings. */
const Big = z.string().regex(/^-?(0|[1-9][0-9]{0,29})$/, 'an integer as a decimal string');

/**
 * Spearman's rank correlation over `n` common miners as the exact fraction num / sqrt(denA·denB):
 * Pearson's formula on doubled mid-ranks, so that ties are exact. Null where it is undefined.
 */
export const RankCorrelation = z.strictObject({
  n: z.int().min(2),
  num: Big,
  denA: Big,
  denB: Big,
});
export type RankCorrelation = z.infer<typeof RankCorrelation>;

/** The DSSE payload type of a signed divergence summary. */
export const DIVERGENCE_TYPE = 'application/vnd.eirel.divergence.v1+json';

/** The owner's pick for a run, as it was served; an unreachable owner is unknown, not "no winner". */
export const OwnerPickObserved = defineEvent('owner-pick.observed.v1', {
  winner: Ss58.nullable(),
  /** The family's share of the weight that the owner gives it. */
  share: ScoreNano,
  scores: z
    .array(z.strictObject({ miner: Ss58, weight: z.int().min(0).max(1_000_000_000) }))
    .max(256),
  /** SHA-256 of the response body. */
  evidence: Hex32,
});

/** The owner gave no usable pick for the run by the decide block. */
export const OwnerPickMissed = defineEvent('owner-pick.missed.v1', { detail: z.string().max(400) });

/** In shadow mode: how the consensus of a run compares with the owner's pick. */
export const DivergenceRecorded = defineEvent('divergence.recorded.v1', {
  consensusWinner: Ss58.nullable(),
  ownerWinner: Ss58.nullable(),
  /** Null when one of the two named nobody. */
  topOneAgrees: z.boolean().nullable(),
  rank: RankCorrelation.nullable(),
  /** How many of the two best-`k` sets are common. */
  overlap: z.strictObject({ k: z.int().min(1), common: z.int().min(0) }).nullable(),
  /** Digest of the decision's inputs, and of the owner's response. */
  inputs: Hex32,
  owner: Hex32,
});

/** A run that was compared before came up again (a re-armed pool); the first record stands. */
export const DivergenceRepeated = defineEvent(
  'divergence.repeated.v1',
  { inputs: Hex32, owner: Hex32 },
  ({ inputs, owner }) => `${inputs}/${owner}`,
);
