import type { Call, Chain, ChainError, Extrinsic } from '../chain/chain.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import type { Purpose } from '../events/extrinsic.ts';
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
  const { family, run, purpose, attempt, carries, retry } = request;
  await deps.record([
    {
      type: 'extrinsic.settled.v1',
      data: {
        family,
        run,
        purpose,
        attempt,
        carries,
        hash: null,
        outcome: 'refused',
        block: retry.block,
        blockHash: null,
        ...errorFields(error),
        retryAt: retryAt(error, retry),
      },
    },
  ]);
  return `${error.name}: ${error.detail}`;
}

/** A chain's error as an event names it; its text is somebody else's and is cut to what fits. */
export function errorFields({ name, detail, class: errorClass }: ChainError) {
  return {
    error: name.slice(0, 128).toWellFormed() || 'unnamed',
    errorClass,
    detail: detailOf(detail),
  };
}

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
