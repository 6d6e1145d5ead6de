import type { Call, Chain, ChainError, Extrinsic } from '../chain/chain.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import type { Purpose, Settlement } from '../events/extrinsic.ts';
import { detailOf } from '../events/scalars.ts';
import { type RetryFacts, retryAt } from './extrinsic-retry.ts';
import type { Recorder } from './recorder.ts';

/** An attempt of a run that is about to be made. */
export type AttemptRequest = Readonly<{
  family: string;
  run: string;
  purpose: Purpose;
  attempt: number;
  /** Digest of what the call carries. */
  carries: string;
  retry: RetryFacts;
}>;

/**
 * Signs a call and records the extrinsic before anything is sent; the step after this one sends it. A
 * call that the chain's rules would refuse is recorded as refused, and nothing is signed. Gives what
 * stood in the way; an unknown chain leaves no trace and is asked again at the next block.
 */
export async function signExtrinsic(
  request: AttemptRequest,
  call: Call,
  deps: { sign: Chain['sign']; record: Recorder },
): Promise<string | null> {
  const signing = await deps.sign(call);
  if (!signing.known) return `${signing.reason}: ${signing.detail}`;
  if (signing.value.kind === 'refused') return refuse(request, signing.value.error, deps);
  await deps.record([signed(request, signing.value.extrinsic)]);
  return null;
}

/** Records that an attempt was not made, and why. Gives the reason. */
export async function refuse(
  request: AttemptRequest,
  error: ChainError,
  deps: { record: Recorder },
): Promise<string> {
  const end = { hash: null, block: request.retry.block, blockHash: null, error } as const;
  await deps.record([settled(request, { outcome: 'refused', ...end })]);
  return `${error.name}: ${error.detail}`;
}

/**
 * How an attempt ended, as its event: at a finalised `block`, with a hash where it was signed, and without an
 * error only where it succeeded. What an error says is somebody else's text, and is cut to what fits.
 */
export function settled(
  { family, run, purpose, attempt, carries, retry }: AttemptRequest,
  end: Readonly<{
    outcome: Settlement;
    hash: string | null;
    block: number;
    blockHash: string | null;
    error: ChainError | null;
    detail?: string;
  }>,
): DomainEvent {
  const { error, detail = '', ...rest } = end;
  const why =
    error === null
      ? { error: null, errorClass: null, detail, retryAt: null }
      : {
          error: error.name.slice(0, MAX_ERROR_NAME).toWellFormed() || 'unnamed',
          errorClass: error.class,
          detail: detailOf(error.detail),
          retryAt: retryAt(error, retry),
        };
  return {
    type: 'extrinsic.settled.v1',
    data: { family, run, purpose, attempt, carries, ...rest, ...why },
  };
}

/** The longest name of an error that the event holds. */
const MAX_ERROR_NAME = 128;

function signed(request: AttemptRequest, extrinsic: Extrinsic): DomainEvent {
  const { family, run, purpose, attempt, carries } = request;
  const { call, hash, bytes, nonce, birth, death, reveal } = extrinsic;
  return {
    type: 'extrinsic.signed.v1',
    data: {
      family,
      run,
      purpose,
      attempt,
      carries,
      call,
      hash,
      bytes,
      nonce,
      birth,
      death,
      reveal,
    },
  };
}
