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

/** A header of subtensor has some 300 bytes, and 32 more in its digest for each transaction of its EVM. */
const MAX_HEADER_BYTES = 8_192;

/** Base64 of all nodes: a few kilobytes on a chain of millions of entries, and a third of what an event may have. */
const MAX_NODES_LENGTH = 20_480;

/**
 * What the chain held in the slot of this validator's hotkey at the end of a block: the header, and the nodes of the
 * state's trie that lead from its state root to the value.
 */
export const StorageProof = z.strictObject({
  blockHash: Hex32,
  /** In SCALE, as its hash is of it: lower-case hex. */
  header: z
    .string()
    .max(2 * MAX_HEADER_BYTES)
    .regex(/^([0-9a-f]{2})+$/, 'lower-case hex'),
  /** From the root on, in base64. */
  nodes: z
    .array(z.base64())
    .min(1)
    .max(64)
    .refine((nodes) => nodes.join('').length <= MAX_NODES_LENGTH, 'at most 20,480 characters'),
});
export type StorageProof = z.infer<typeof StorageProof>;

/**
 * The chain was asked to prove that it stored this validator's commitment, at the block that holds it. `proof` is null
 * where it gave none as long as it was asked, and `detail` says why: nothing else depends on it.
 */
export const CommitmentProofRead = defineEvent('commitment-proof.read.v1', {
  block: Block,
  proof: StorageProof.nullable(),
  detail: Detail,
});
