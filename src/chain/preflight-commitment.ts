import type { Call, ChainError } from './chain.ts';
import { chainError } from './chain-error.ts';
import { blocksUntilNextEpoch, commitEpoch, epochOf } from './reveal-schedule.ts';
import type { Own, SubmissionFacts } from './submission-facts.ts';

type Commitment = Extract<Call, { kind: 'commitment' }>;

/** The first check that a commitment of these texts would fail in the block after these facts, or null. */
export function preflightCommitment(
  call: Commitment,
  facts: SubmissionFacts,
  own: Own,
): ChainError | null {
  const { fields } = call;
  if (facts.neuron === null)
    return chainError(
      'AccountNotAllowedCommit',
      `${own.hotkey} has no uid in subnet ${own.netuid}`,
    );
  if (fields.length > MAX_FIELDS)
    return chainError(
      'TooManyFieldsInCommitmentInfo',
      `${fields.length} fields, a commitment has at most ${MAX_FIELDS}`,
    );
  return fieldError(fields) ?? spaceError(call, facts, own);
}

/** `Commitments.MaxFields` of every runtime so far. */
const MAX_FIELDS = 3;

/** The longest text that every reader of the chain takes for one (`Raw128`). */
const MAX_FIELD_BYTES = 128;

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** What a commitment takes of the epoch's space at least, in bytes. */
const MIN_SPACE_BYTES = 100;

function fieldError(fields: readonly string[]): ChainError | null {
  const index = fields.findIndex(
    (text) => text.length > MAX_FIELD_BYTES || !PRINTABLE_ASCII.test(text),
  );
  const text = fields[index];
  if (text === undefined) return null;
  return chainError(
    'InvalidCommitmentField',
    `field ${index} is ${JSON.stringify(text.slice(0, MAX_FIELD_BYTES))} of ${text.length} characters, it may be at most ${MAX_FIELD_BYTES} of printable ASCII`,
  );
}

/**
 * The chain counts a hotkey's bytes by epoch, and forgets them in the next one. What a call has to leave is no
 * rule of the chain: it is for another call, which matters more.
 */
function spaceError(
  { fields, spareBytes = 0 }: Commitment,
  facts: SubmissionFacts,
  { netuid }: Own,
): ChainError | null {
  const { space } = facts;
  const schedule = { ...facts, netuid };
  const next = { ...schedule, block: facts.block + 1 };
  // A stored schedule moves on when an epoch runs, a computed one in the block after it.
  const epoch = facts.epoch === null ? epochOf(next) : commitEpoch(schedule);
  const used = space.usedInEpoch === epoch ? space.used : 0;
  const bytes = fields.reduce((sum, text) => sum + text.length, 0);
  const cost = Math.max(MIN_SPACE_BYTES, bytes);
  if (used + cost + spareBytes <= space.max) return null;
  const last = facts.epoch === null ? next : facts;
  const left = blocksUntilNextEpoch({ ...last, netuid });
  const opensAt = left === null ? null : last.block + left + (facts.epoch === null ? 1 : 0);
  return chainError(
    'SpaceLimitExceeded',
    `it takes ${cost} bytes${spareBytes === 0 ? '' : ` and has to leave ${spareBytes}`}; ${used} of the ${space.max} of this epoch are used`,
    cost + spareBytes > space.max ? null : opensAt,
  );
}
