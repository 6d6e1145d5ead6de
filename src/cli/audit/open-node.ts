import { openSubtensor, type Subtensor } from '../../chain/subtensor.ts';
import { AppError } from '../../errors.ts';
import type { Io } from '../command.ts';
import { reachChain } from '../reach-chain.ts';

/** A node of the auditor's choice, and its newest finalised block. */
export type Node = Readonly<{ chain: Subtensor; block: number }> & AsyncDisposable;

/** Connects to one node of the chain, to read. Throws `chain.unavailable` when it gives no usable answer. */
export async function openNode(
  url: string,
  { genesis, netuid }: Readonly<{ genesis: string; netuid: number }>,
  io: Io,
): Promise<Node> {
  const chain = openSubtensor({
    endpoints: [url],
    genesis,
    netuid,
    signer: null,
    versionKey: 0n,
  });
  const head = await reachChain(chain, { endpoints: 1, signal: io.signal });
  if (head.known)
    return { chain, block: head.value, [Symbol.asyncDispose]: () => chain[Symbol.asyncDispose]() };
  await chain[Symbol.asyncDispose]();
  throw new AppError('chain.unavailable', {
    node: url,
    reason: `${head.reason}: ${head.detail}`,
    next: 'give a node that answers in --rpc, of the network in --genesis',
  });
}
