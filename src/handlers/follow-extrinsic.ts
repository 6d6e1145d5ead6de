import type { Chain, ChainError, Extrinsic, Known, Trace } from '../chain/chain.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import type { Signed } from '../projectors/extrinsics.ts';
import type { RetryFacts } from './extrinsic-retry.ts';
import type { Recorder } from './recorder.ts';
import { settled } from './sign-extrinsic.ts';

/**
 * Blocks after its last one for which a node is asked what became of an extrinsic. A node that cannot
 * say by then never will, and the next extrinsic does not wait for it for ever.
 */
const TRACE_PATIENCE_BLOCKS = 300;

export type Following = Readonly<{
  signed: Signed;
  /** Hashes of the blocks that it was seen in. */
  seenIn: ReadonlySet<string>;
  retry: RetryFacts;
}>;

type FollowDeps = Readonly<{ trace: Chain['trace']; send: Chain['send']; record: Recorder }>;

/**
 * Takes a signed extrinsic one finalised block further. The blocks are asked first, so that a process
 * that died anywhere between signing and this neither loses an extrinsic nor does a thing twice; what
 * is in no block is sent, again and again as long as a block can include it. Gives what stood in the way.
 */
export async function followExtrinsic(
  following: Following,
  deps: FollowDeps,
): Promise<string | null> {
  const extrinsic = extrinsicOf(following.signed);
  const traced = await deps.trace(extrinsic);
  if (!traced.known || traced.value.kind !== 'pending') return recordTrace(following, traced, deps);
  const sending = await deps.send(extrinsic);
  if (sending.kind === 'sent') return null;
  if (sending.kind === 'unknown') return sending.detail;
  const { error } = sending;
  // A full pool or a ban passes: the same bytes are sent again.
  if (error.class === 'network') return `${error.name}: ${error.detail}`;
  // The pool also refuses what came into a block since it was asked for.
  const again = await deps.trace(extrinsic);
  if (!again.known || again.value.kind !== 'pending') return recordTrace(following, again, deps);
  await deps.record([ended(following, 'rejected', again.value, error)]);
  return `${error.name}: ${error.detail}`;
}

/** Records what the blocks said of an extrinsic, unless they said so before. */
async function recordTrace(
  following: Following,
  traced: Known<Trace>,
  deps: Pick<FollowDeps, 'record'>,
): Promise<string | null> {
  if (!traced.known) return giveUp(following, `${traced.reason}: ${traced.detail}`, deps);
  const { value: trace } = traced;
  const { family, run, purpose, attempt, hash } = following.signed;
  switch (trace.kind) {
    case 'pending':
      return null;
    case 'included': {
      const { block, blockHash } = trace;
      const data = { family, run, purpose, attempt, hash, block, blockHash };
      if (!following.seenIn.has(blockHash))
        await deps.record([{ type: 'extrinsic.included.v1', data }]);
      return null;
    }
    case 'final':
      await deps.record([ended(following, trace.error === null ? 'succeeded' : 'failed', trace)]);
      return trace.error === null ? null : `${trace.error.name}: ${trace.error.detail}`;
    case 'dead': {
      const { outcome, error } = DEATHS[trace.reason];
      await deps.record([ended(following, outcome, trace, error)]);
      return `${error.name}: ${error.detail}`;
    }
    default:
      return trace satisfies never;
  }
}

/** Without an answer nothing is settled, until long after the last block that could have included it. */
async function giveUp(
  following: Following,
  detail: string,
  deps: Pick<FollowDeps, 'record'>,
): Promise<string> {
  const { signed, retry } = following;
  if (retry.block > signed.death + TRACE_PATIENCE_BLOCKS) {
    const error = { ...EXPIRED, name: 'Untraced', detail: `no block tells of it: ${detail}` };
    await deps.record([ended(following, 'expired', { block: retry.block }, error)]);
  }
  return detail;
}

const EXPIRED: ChainError = {
  name: 'Expired',
  detail: 'no block up to its last one includes it',
  class: 'stale',
  retryAt: null,
};

const DEATHS = {
  expired: { outcome: 'expired', error: EXPIRED },
  'runtime-upgraded': {
    outcome: 'expired',
    error: {
      name: 'RuntimeUpgraded',
      detail: 'the runtime was upgraded before a block included it, and its signature is void',
      class: 'stale',
      retryAt: null,
    },
  },
  'nonce-taken': {
    outcome: 'usurped',
    error: {
      name: 'NonceTaken',
      detail: 'another extrinsic of this hotkey took its nonce',
      class: 'stale',
      retryAt: null,
    },
  },
} as const;

function ended(
  { signed, retry }: Following,
  outcome: 'succeeded' | 'failed' | 'rejected' | 'expired' | 'usurped',
  at: Readonly<{ block: number; blockHash?: string; error?: ChainError | null }>,
  error: ChainError | null = at.error ?? null,
): DomainEvent {
  const { hash } = signed;
  const { block, blockHash = null } = at;
  return settled({ ...signed, retry }, { outcome, hash, block, blockHash, error });
}

function extrinsicOf({ call, hash, bytes, nonce, birth, death, reveal }: Signed): Extrinsic {
  return { call, hash, bytes, nonce, birth, death, reveal };
}
