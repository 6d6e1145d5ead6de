import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { Block, Hex32, Ss58 } from './scalars.ts';
import { MAX_VALIDATORS } from './snapshot.ts';

/** A checkpoint with both of its own signatures and sixteen cosignatures. */
export const MAX_NOTE_LENGTH = 8_192;

/** A log's size and the root of its Merkle tree. */
const Tree = { size: z.int().min(0), root: Hex32 };

/**
 * A checkpoint of another validator's log was seen: the exact signed note, so that a fork of that log is
 * on record in logs that its owner does not control.
 */
export const CheckpointObserved = defineEvent(
  'checkpoint.observed.v1',
  {
    hotkey: Ss58,
    source: z.string().min(1).max(256),
    ...Tree,
    note: z.string().max(MAX_NOTE_LENGTH),
  },
  ({ source, size, root }) => `${source}/${size}/${root}`,
);

/** What a validator's commitment on chain says of its log, beside the commitment to its scores. */
export const Anchor = z.strictObject({
  hotkey: Ss58,
  block: Block,
  /** Of the log: a log that was given up goes on in the next generation, in a tree of its own. */
  generation: z.int().min(0).max(65_535),
  ...Tree,
  /** The salted commitment to the report; null where there is none. */
  commit: Hex32.nullable(),
});
export type Anchor = z.infer<typeof Anchor>;

/** A voter anchors with its commitment, and may again. */
export const MAX_ANCHORS = 2 * MAX_VALIDATORS;

/** The anchors of the voters' logs were read from the chain, for the finalised blocks after `after` up to `upTo`. */
export const AnchorsRead = defineEvent(
  'anchors.read.v1',
  {
    after: Block,
    upTo: Block,
    /** Sorted by hotkey, then by block. */
    anchors: z.array(Anchor).max(MAX_ANCHORS),
  },
  ({ upTo }) => String(upTo),
);
