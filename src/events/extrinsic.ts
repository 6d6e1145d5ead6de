import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { Block, Detail, Hex32 } from './scalars.ts';

/**
 * What an extrinsic of this validator's hotkey is for. An anchor repeats a run's commitment beside a newer
 * checkpoint of the log.
 */
export const Purpose = z.enum(['commitment', 'anchor', 'weights']);
export type Purpose = z.infer<typeof Purpose>;

/** Attempts of one run and purpose count from 1; one that was refused before signing has its number too. */
const Attempt = { purpose: Purpose, attempt: z.int().min(1) };

/**
 * What the call carries, by content: for a commitment the digest that it commits to, for an anchor the
 * SHA-256 of its text, for weights that of the vector's EJ1 form. A timelocked call hides its vector from whoever reads its bytes.
 */
const Carries = { carries: Hex32 };

/** A timelocked commit of the chain's bound of 5,000 bytes, with room for the rest of the extrinsic. */
const MAX_EXTRINSIC_BYTES = 8_192;

const ChainName = z.string().min(1).max(128);

/**
 * An extrinsic was signed; nothing was sent yet. Its bytes may be sent any number of times: its nonce
 * lets the chain take them once, and no block after `death` can.
 */
export const ExtrinsicSigned = defineEvent(
  'extrinsic.signed.v1',
  {
    ...Attempt,
    ...Carries,
    /** Pallet and call: `Commitments.set_commitment`. */
    call: ChainName,
    /** BLAKE2b-256 of the bytes: the name of the extrinsic on the chain. */
    hash: Hex32,
    bytes: z
      .string()
      .regex(/^([0-9a-f]{2})+$/, 'lower-case hex')
      .max(2 * MAX_EXTRINSIC_BYTES),
    nonce: z.int().min(0),
    birth: Block,
    death: Block,
    /** When a timelocked commit becomes weights; null for any other call. */
    reveal: z.strictObject({ block: Block, round: z.int().min(1) }).nullable(),
  },
  ({ purpose, attempt }) => `${purpose}/${attempt}`,
);

/** An extrinsic was seen in a block that is not final: the block may still be retracted. */
export const ExtrinsicIncluded = defineEvent(
  'extrinsic.included.v1',
  { ...Attempt, hash: Hex32, block: Block, blockHash: Hex32 },
  ({ purpose, attempt, blockHash }) => `${purpose}/${attempt}/${blockHash}`,
);

/**
 * How an attempt ended. `succeeded` and `failed`: by the finalised block that includes it. `refused`:
 * by a check before signing, so there is no extrinsic. `rejected`: by the pool. `expired`: no block
 * included it in time, before its last one or an upgrade of the runtime. `usurped`: another extrinsic took its nonce.
 */
export const Settlement = z.enum([
  'succeeded',
  'failed',
  'refused',
  'rejected',
  'expired',
  'usurped',
]);
export type Settlement = z.infer<typeof Settlement>;

/** Who can mend it: `wait` and `network` pass, `stale` passes when signed anew, the others need a person. */
const ExtrinsicErrorClass = z.enum(['wait', 'stale', 'operator', 'bug', 'network']);

/** An attempt ended: nothing of it can happen on the chain any more. */
export const ExtrinsicSettled = defineEvent(
  'extrinsic.settled.v1',
  {
    ...Attempt,
    ...Carries,
    /** Null where nothing was signed: refused, or found done on the chain already. */
    hash: Hex32.nullable(),
    outcome: Settlement,
    /** The finalised block that includes it, or the one at which it was known to have ended. */
    block: Block,
    /** Null where no block includes it. */
    blockHash: Hex32.nullable(),
    /** The name that the chain gives the error: `SettingWeightsTooFast`. */
    error: ChainName.nullable(),
    errorClass: ExtrinsicErrorClass.nullable(),
    detail: Detail,
    /** The block from which a further attempt may pass; null when it succeeded. */
    retryAt: Block.nullable(),
  },
  ({ purpose, attempt }) => `${purpose}/${attempt}`,
);
