import type { Chain, Known } from '../chain/chain.ts';
import { wait } from '../runtime/clock.ts';

/** A node that answers does so within seconds, with the first connection and its metadata. */
const TIMEOUT_MS = 30_000;
const ASK_MS = 50;

/** Waits for a connection's first finalised block, which comes with the connection; gives why there is none in time. */
export async function reachChain(
  chain: Pick<Chain, 'finalizedBlock'>,
  signal: AbortSignal,
): Promise<Known<number>> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  let head = await chain.finalizedBlock();
  while (!head.known && !deadline.aborted) {
    await wait(ASK_MS, deadline);
    head = await chain.finalizedBlock();
  }
  signal.throwIfAborted();
  return head;
}
