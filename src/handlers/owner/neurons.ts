import type { Chain } from '../../chain/chain.ts';
import { AppError } from '../../errors.ts';

/** Who is on the subnet, as of a finalised block. */
export type Neurons = Readonly<{
  block: number;
  /** Hotkeys of all neurons: they may submit. */
  registered: ReadonlySet<string>;
  /** Hotkeys with a validator permit: they may evaluate. */
  permitted: ReadonlySet<string>;
}>;

/** Permits change once an epoch; a minute later is early enough, and strangers cannot have the chain asked more often. */
const FRESH_BLOCKS = 5;

/** While the chain does not answer, what it said last holds for so long: an epoch of 360 blocks is 72 minutes. */
const STALE_MS = 30 * 60_000;

/**
 * Reads who is on the subnet, at most once in some blocks. Throws `chain.unavailable` where the chain does not say and
 * has not said for half an hour.
 */
export function createNeuronReads(
  chain: Pick<Chain, 'finalizedBlock' | 'metagraph'>,
  nowMs: () => number = Date.now,
): () => Promise<Neurons> {
  let last: Readonly<{ neurons: Neurons; atMs: number }> | null = null;
  let asking: Promise<Neurons> | null = null;
  const ask = async (): Promise<Neurons> => {
    const head = await chain.finalizedBlock();
    if (head.known && last !== null && head.value - last.neurons.block < FRESH_BLOCKS)
      return last.neurons;
    const seen = head.known ? await chain.metagraph(head.value) : head;
    if (seen.known) {
      const { block, neurons } = seen.value;
      const hotkeys = (some: typeof neurons) => new Set(some.map(({ hotkey }) => hotkey));
      const permitted = hotkeys(neurons.filter(({ permit }) => permit));
      last = { neurons: { block, registered: hotkeys(neurons), permitted }, atMs: nowMs() };
      return last.neurons;
    }
    if (last !== null && nowMs() - last.atMs < STALE_MS) return last.neurons;
    throw new AppError('chain.unavailable', { reason: seen.reason, detail: seen.detail });
  };
  return () => {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  };
}
