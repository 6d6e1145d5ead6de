import type { ApiPromise } from '@polkadot/api/cjs/index';
import { decodeAddress } from '@polkadot/util-crypto/cjs/address/index';
import { z } from 'zod';
import { FINNEY_GENESIS } from '../events/source.ts';
import type { Vector } from '../events/weights.ts';
import type { ChainError, Extrinsic, Known } from './chain.ts';
import { chainError } from './chain-error.ts';
import { commitPeriod, preflightEpochEnd } from './commit-window.ts';
import { parseAnswer } from './decode.ts';
import { QUICKNET } from './drand.ts';
import { known, malformed } from './known.ts';
import { preflightRound } from './preflight.ts';
import { firstRevealBlock, revealRound } from './reveal-schedule.ts';
import type { Own, SubmissionFacts } from './submission-facts.ts';
import { encryptTimelocked } from './timelock.ts';
import { encodeWeightsPayload } from './weights-payload.ts';

/** So many fresh bytes of a cryptographic generator. */
export type Random = (bytes: number) => Uint8Array;

/** What a call is built from: the chain's rules at one block, the subnet, and who signs. */
export type CallContext = Readonly<{
  facts: SubmissionFacts;
  own: Own & { readonly genesis: string };
}>;

/** Weights encrypted to the round that comes out when they are to be revealed, or why there is no such round. */
export type TimelockedCommit =
  | Readonly<{
      kind: 'commit';
      commit: Uint8Array;
      /** Blocks of the era in which it does not slip into another epoch. */
      period: number;
      reveal: NonNullable<Extrinsic['reveal']>;
    }>
  | Readonly<{ kind: 'refused'; error: ChainError }>;

/**
 * Weights under a time lock. The schedule holds for a commit that is included in the epoch of the next block;
 * one that slips over its end is revealed an epoch later than foreseen, when its round has long been public.
 */
export function timelockedCommit(
  vector: Vector,
  { facts, own }: CallContext,
  { api, random }: Readonly<{ api: ApiPromise; random: Random }>,
): Known<TimelockedCommit> {
  const { drand: beacon, commitReveal } = facts;
  // A node that named a beacon of its own could read our weights.
  if (own.genesis === FINNEY_GENESIS && !isQuicknet(beacon))
    return malformed('the beacon that the node names for Finney is not quicknet');
  const blockMs = blockTimeOf(api);
  if (!blockMs.known) return blockMs;
  const schedule = { ...facts, netuid: own.netuid };
  const block = firstRevealBlock(schedule, commitReveal.period);
  if (block === null)
    return refused(
      chainError('NoEpochs', `subnet ${own.netuid} has tempo 0: it reveals no commit`),
    );
  const ending = preflightEpochEnd(schedule);
  if (ending !== null) return refused(ending);
  const round = revealRound({
    timestampMs: facts.timestampMs,
    headBlock: facts.block,
    revealBlock: block,
    blockMs: blockMs.value,
    beacon,
  });
  const early = preflightRound(round, facts);
  if (early !== null) return refused(early);
  const plaintext = encodeWeightsPayload({
    hotkey: decodeAddress(own.hotkey),
    uids: vector.map(({ uid }) => uid),
    values: vector.map(({ weight }) => weight),
    versionKey: own.versionKey,
  });
  const fresh = { esk: random(KEY_BYTES), sigma: random(KEY_BYTES), nonce: random(NONCE_BYTES) };
  const commit = encryptTimelocked(plaintext, round, Buffer.from(beacon.publicKey, 'hex'), fresh);
  return known({
    kind: 'commit',
    commit,
    period: commitPeriod(schedule),
    reveal: { block, round },
  });
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;

function isQuicknet({ publicKey, genesisTime, period }: SubmissionFacts['drand']): boolean {
  return (
    publicKey === QUICKNET.publicKey &&
    genesisTime === QUICKNET.genesisTime &&
    period === QUICKNET.period
  );
}

/** Milliseconds from block to block: Aura's slot, or twice the least distance, as runtimes with Aura set it. */
function blockTimeOf({ consts }: ApiPromise): Known<number> {
  const slot = consts['aura']?.['slotDuration']?.toJSON();
  const half = consts['timestamp']?.['minimumPeriod']?.toJSON();
  return parseAnswer(
    z.int().min(1),
    slot ?? (typeof half === 'number' ? 2 * half : undefined),
    'block time, of the constants Aura.SlotDuration or Timestamp.MinimumPeriod',
  );
}

function refused(error: ChainError): Known<TimelockedCommit> {
  return known({ kind: 'refused', error });
}
