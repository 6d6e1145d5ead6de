import type { ChainError } from '../chain/chain.ts';
import type { Attempt } from '../projectors/extrinsics.ts';

export type RetryFacts = Readonly<{
  /** The finalised block at which the attempt ended. */
  block: number;
  /** Attempts for the same purpose that failed before it, without a success between. */
  failures: number;
  /** Blocks of one period: no wait is longer. */
  interval: number;
}>;

/**
 * The block from which another attempt may be made. What a person or a release has to mend is tried once
 * in a period; what passes waits as long as the chain says; anything else is tried again at the next
 * block, then after twice as long each time.
 */
export function retryAt(
  error: Pick<ChainError, 'class' | 'retryAt'>,
  { block, failures, interval }: RetryFacts,
): number {
  const backoff = block + Math.min(2 ** failures, interval);
  switch (error.class) {
    case 'operator':
    case 'bug':
      return block + interval;
    case 'wait':
      // Never in the past, and a node that names a block in the far future does not end the attempts.
      return Math.min(Math.max(error.retryAt ?? backoff, block + 1), block + interval);
    case 'stale':
    case 'network':
      return backoff;
    default:
      return error.class satisfies never;
  }
}

/** How many of the newest attempts, without the one that is living, ended without a success. */
export function failuresOf(attempts: readonly Attempt[]): number {
  const over = attempts.filter(({ settled }) => settled !== null);
  return over.length - 1 - over.findLastIndex(({ settled }) => settled?.outcome === 'succeeded');
}
