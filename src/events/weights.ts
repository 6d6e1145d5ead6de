import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { Block, Detail, Hex32, RunId, Ss58, Uid } from './scalars.ts';

/** A u16 weight vector as the chain stores it: ascending distinct uids, the greatest weight 65535. */
export const Vector = z
  .array(z.strictObject({ uid: Uid, weight: z.int().min(0).max(65_535) }))
  .min(1)
  .max(256)
  .refine(
    (vector) =>
      vector.every(({ uid }, index) => index === 0 || (vector[index - 1]?.uid ?? -1) < uid),
    'ascending distinct uids',
  )
  .refine((vector) => vector.some(({ weight }) => weight === 65_535), 'a greatest weight of 65535');
export type Vector = z.infer<typeof Vector>;

/** `owner`: the owner's pick is set; `shadow`: it is set, and the consensus is compared with it; `decentralized`: a certificate is set. */
export const WeightMode = z.enum(['owner', 'shadow', 'decentralized']);
export type WeightMode = z.infer<typeof WeightMode>;

/** Why a vector is what it is; the hold reasons say what was missing. */
export const WeightReason = z.enum([
  'first-winner',
  'challenger-won',
  'incumbent-kept',
  'quorum-missed',
  'no-eligible-miner',
  'chain-unavailable',
  'chain-empty',
  'chain-shrunken',
  'chain-malformed',
  'incumbent-insufficient',
  'certificate-missed',
  'owner-pick',
  'owner-unknown',
  'owner-pick-unregistered',
]);
export type WeightReason = z.infer<typeof WeightReason>;

/** What this validator is about to set; appended before the chain is called. */
export const WeightsIntended = defineEvent('weights.intended.v1', {
  mode: WeightMode,
  reason: WeightReason,
  winner: Ss58.nullable(),
  /** Null when nothing may be set: the chain is unknown, so what it holds stays. */
  vector: Vector.nullable(),
  targetBlock: Block,
  /** Digest of the certified outcome; null outside `decentralized` mode and without a certificate. */
  outcome: Hex32.nullable(),
});

/** A later run's intent came before the chain took this one's, which is therefore never set. */
export const WeightsSuperseded = defineEvent('weights.superseded.v1', { by: RunId });

/** The chain took the vector. */
export const WeightsSubmitted = defineEvent('weights.submitted.v1', {
  block: Block,
  receipt: z.string().max(128),
});

/** What the chain holds afterwards, compared with the intent. */
export const WeightsObserved = defineEvent('weights.observed.v1', {
  block: Block,
  vector: Vector.nullable(),
  matches: z.boolean(),
  detail: Detail,
});
