import { z } from 'zod';
import { defineEvent } from './define-event.ts';
import { MAX_MINERS } from './run.ts';
import { Block, Detail, Hex32, Ss58, StakeRao, Uid } from './scalars.ts';

/** The runtime's own bound on validators of a subnet (`MaxAllowedValidators` is at most 128). */
export const MAX_VALIDATORS = 128;

/**
 * An axon's address: printable ASCII, and no longer than `http://[…]:65535` with the longest IPv6
 * address. Its owner chose it, and every voter's must fit one event that can always be written.
 */
export const AXON = /^https?:\/\/[\x21-\x7e]{1,56}$/;

/** Why the chain's answer was not used. Unknown is not empty: no state changes on it. */
export const UnknownReason = z.enum(['unavailable', 'empty', 'shrunken', 'malformed', 'not-final']);
export type UnknownReason = z.infer<typeof UnknownReason>;

/** A hotkey's seat: uids are reused, so an identity is a hotkey with its block at registration. */
export const Seat = z.strictObject({ hotkey: Ss58, uid: Uid, registeredAt: Block });
export type Seat = z.infer<typeof Seat>;

/** A neuron that votes: permit, active, stake above the threshold. */
export const Voter = z.strictObject({
  hotkey: Ss58,
  coldkey: Ss58,
  uid: Uid,
  stake: StakeRao,
  /** Where its axon says that it answers; an attacker may choose it. Null when it serves none. */
  axon: z.string().regex(AXON).nullable(),
});
export type Voter = z.infer<typeof Voter>;

/** At `open` the voters are fixed (block `snapshot`), at `decide` the seats are looked up again (block `decide`). */
export const SnapshotPhase = z.enum(['open', 'decide']);
export type SnapshotPhase = z.infer<typeof SnapshotPhase>;

/** What the chain said at one finalised block, as far as this run needs it; lists are sorted by hotkey. */
export const Snapshot = z.strictObject({
  block: Block,
  blockHash: Hex32,
  /** Neurons in the answer: a sudden fall is the mark of a broken answer. */
  rowCount: z.int().min(1),
  voters: z.array(Voter).max(MAX_VALIDATORS),
  /** The run's miners that have a seat, and at `decide` also the incumbent of `open`. */
  miners: z.array(Seat).max(MAX_MINERS + 1),
  /** Whom the chain pays now; null when it pays nobody but uid 0. */
  incumbent: Seat.nullable(),
});
export type Snapshot = z.infer<typeof Snapshot>;

/** The chain was read at one finalised block. */
export const SnapshotTaken = defineEvent(
  'snapshot.taken.v1',
  { phase: SnapshotPhase, snapshot: Snapshot },
  ({ phase }) => phase,
);

/** The chain gave no usable answer when it was asked. */
export const SnapshotMissed = defineEvent(
  'snapshot.missed.v1',
  {
    phase: SnapshotPhase,
    block: Block,
    reason: UnknownReason,
    rowCount: z.int().min(0).nullable(),
    detail: Detail,
  },
  ({ phase, reason }) => `${phase}/${reason}`,
);
