import type { Known } from '../chain/chain.ts';
import type { Subtensor } from '../chain/subtensor.ts';
import { wait } from '../runtime/clock.ts';

/** A node that answers does so within seconds, with the first connection and its metadata. */
const TIMEOUT_MS = 30_000;
const ASK_MS = 50;

/**
 * Waits for a connection's first finalised block, which comes with the connection. Gives why there is none
 * when every one of so many endpoints has failed once, or none answers in time: whoever waits wants to know.
 */
export async function reachChain(
  chain: Pick<Subtensor, 'finalizedBlock' | 'connection'>,
  { endpoints, signal }: Readonly<{ endpoints: number; signal: AbortSignal }>,
): Promise<Known<number>> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  let head = await chain.finalizedBlock();
  while (!head.known && !deadline.aborted && !hasFailed(chain, endpoints)) {
    await wait(ASK_MS, deadline);
    head = await chain.finalizedBlock();
  }
  signal.throwIfAborted();
  return head;
}

function hasFailed({ connection }: Pick<Subtensor, 'connection'>, endpoints: number): boolean {
  const { status, handshakes } = connection();
  return status === 'waiting' && handshakes >= endpoints;
}
