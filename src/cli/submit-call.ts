import type { Call, Chain, ChainError, Extrinsic, Known } from '../chain/chain.ts';
import { AppError } from '../errors.ts';

/** How often the chain is asked again: several times in a block of 12 s. */
const ASK_MS = 1_000;

/** What a caller that waits is told meanwhile. */
export type Progress = Readonly<{
  state: 'sent' | 'waiting' | 'included' | 'final';
  detail: string;
}>;

/**
 * Signs a call and sends it once; gives the extrinsic. Throws `chain.unavailable` when the chain does not
 * answer, and `chain.refused` with the rule when it does not take the call.
 */
export async function sendCall(
  chain: Pick<Chain, 'sign' | 'send'>,
  call: Call,
): Promise<Extrinsic> {
  const signing = answered(await chain.sign(call));
  if (signing.kind === 'refused') throw refused(signing.error);
  const sending = await chain.send(signing.extrinsic);
  if (sending.kind === 'refused') throw refused(sending.error);
  if (sending.kind === 'unknown')
    throw new AppError('chain.unavailable', { found: sending.detail, next: 'try again' });
  return signing.extrinsic;
}

/**
 * For commands that ask something of the chain once and wait: signs, sends, and follows the extrinsic
 * until it is final, through lost connections and reorganisations. Throws as `sendCall` does.
 */
export async function submitCall(
  chain: Pick<Chain, 'sign' | 'send' | 'trace'>,
  call: Call,
  deps: {
    onProgress: (progress: Progress) => void;
    wait: (ms: number, signal: AbortSignal) => Promise<void>;
    signal: AbortSignal;
  },
): Promise<{ extrinsic: Extrinsic; block: number }> {
  const { onProgress, wait, signal } = deps;
  const extrinsic = await sendCall(chain, call);
  onProgress({ state: 'sent', detail: `0x${extrinsic.hash}` });
  let told = '';
  const tell = (progress: Progress): void => {
    if (progress.detail !== told) onProgress(progress);
    told = progress.detail;
  };
  while (true) {
    signal.throwIfAborted();
    const trace = await chain.trace(extrinsic);
    if (!trace.known) tell({ state: 'waiting', detail: trace.detail });
    else {
      const { value: found } = trace;
      if (found.kind === 'final') {
        if (found.error !== null) throw refused(found.error);
        tell({ state: 'final', detail: `block ${found.block}` });
        return { extrinsic, block: found.block };
      }
      if (found.kind === 'dead')
        throw new AppError('chain.refused', {
          found: `the extrinsic came into no block: ${found.reason}`,
          next: 'try again',
        });
      if (found.kind === 'included')
        tell({ state: 'included', detail: `block ${found.block}, not final yet` });
      if (found.kind === 'pending') await sendAgain(chain, extrinsic, tell);
    }
    await wait(ASK_MS, signal);
  }
}

/** A pool may have lost it. What a pool says now decides nothing: the blocks do. */
async function sendAgain(
  chain: Pick<Chain, 'send'>,
  extrinsic: Extrinsic,
  tell: (progress: Progress) => void,
): Promise<void> {
  const sending = await chain.send(extrinsic);
  if (sending.kind === 'unknown') tell({ state: 'waiting', detail: sending.detail });
  if (sending.kind === 'refused')
    tell({ state: 'waiting', detail: `${sending.error.name}: ${sending.error.detail}` });
}

function answered<T>(fact: Known<T>): T {
  if (fact.known) return fact.value;
  throw new AppError('chain.unavailable', {
    found: `${fact.reason}: ${fact.detail}`,
    next: 'see `eirel doctor`',
  });
}

function refused({ name, detail, class: errorClass, retryAt }: ChainError): AppError {
  const later = errorClass === 'wait' ? 'try again in a while' : 'see `eirel doctor`';
  return new AppError('chain.refused', {
    rule: name,
    found: detail,
    next: retryAt === null ? later : `try again from block ${retryAt}`,
  });
}
