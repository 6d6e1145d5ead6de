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

/**
 * What this validator is about to set; appended before anything is signed. A certificate that comes to
 * be known after the certify block gives a run a second intent, which takes the place of the first.
 */
export const WeightsIntended = defineEvent(
  'weights.intended.v1',
  {
    mode: WeightMode,
    reason: WeightReason,
    /** Whom the vector pays; null when it burns everything, or when nothing may be set. */
    winner: Ss58.nullable(),
    /** Null when nothing may be set: the chain is unknown, so what it holds stays. */
    vector: Vector.nullable(),
    targetBlock: Block,
    /** Digest of the certified outcome; null outside `decentralized` mode and without a certificate. */
    outcome: Hex32.nullable(),
  },
  ({ outcome }) => outcome ?? '',
);

/** A later run's intent stands in the place of this one's, which is never set again. */
export const WeightsSuperseded = defineEvent('weights.superseded.v1', { by: RunId });

/** What the chain holds after an attempt succeeded, compared with what the attempt carried. */
export const WeightsObserved = defineEvent(
  'weights.observed.v1',
  {
    /** The attempt to set weights, as in its `extrinsic.settled`. */
    attempt: z.int().min(1),
    block: Block,
    vector: Vector.nullable(),
    matches: z.boolean(),
    /** Block of this hotkey's last update of its weights; 0 before the first. */
    lastUpdate: Block,
    /** Blocks without an update after which this validator counts no more. */
    activityCutoff: z.int().min(0),
    /** Blocks that the chain demands between two updates of one hotkey's weights. */
    weightsRateLimit: z.int().min(0),
    detail: Detail,
  },
  ({ attempt }) => String(attempt),
);
