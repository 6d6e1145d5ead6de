import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { Block, Detail, Hex32, Ss58 } from './scalars.ts';
import { MAX_VALIDATORS, UnknownReason } from './snapshot.ts';

/** A digest that stood on chain, with the block that it was committed in. */
const Committed = z.strictObject({ block: Block, digest: Hex32 });

/**
 * What one voter committed to in a run: the first commitment counts. `second` is the first later one
 * with another digest, which is evidence of equivocation; null when there is none.
 */
export const CommitmentFound = z.strictObject({
  hotkey: Ss58,
  first: Committed,
  second: Committed.nullable(),
});
export type CommitmentFound = z.infer<typeof CommitmentFound>;

/**
 * The voters' commitments to a run were read from the chain, for the finalised blocks after `after` up
 * to `upTo`. Reads of one run follow each other without gaps, from the snapshot block to the commit block.
 */
export const CommitmentsRead = defineEvent(
  'commitments.read.v1',
  {
    after: Block,
    upTo: Block,
    /** Sorted by hotkey; who is not listed committed to nothing of this run in these blocks. */
    found: z.array(CommitmentFound).max(MAX_VALIDATORS),
  },
  ({ upTo }) => String(upTo),
);

/** The chain did not say by the time of the decision what the voters had committed to. */
export const CommitmentsMissed = defineEvent('commitments.missed.v1', {
  block: Block,
  reason: UnknownReason,
  detail: Detail,
});
