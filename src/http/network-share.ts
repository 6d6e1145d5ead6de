import { networkOf } from './rate-limit.ts';

export type NetworkShare = Readonly<{
  /** Takes so much until it is disposed of; null where this address's network, or all of them together, have too much. */
  take: (address: string, amount: number) => Disposable | null;
}>;

/**
 * Bounds what is under way for clients of whom nobody knows yet who they are: `each` for one network, so that it does
 * not take everything, `all` for all of them together.
 */
export function createNetworkShare({
  each,
  all,
}: Readonly<{ each: number; all: number }>): NetworkShare {
  const taken = new Map<string, number>();
  let total = 0;
  const add = (network: string, amount: number): void => {
    total += amount;
    const own = (taken.get(network) ?? 0) + amount;
    if (own === 0) taken.delete(network);
    else taken.set(network, own);
  };
  return {
    take: (address, amount) => {
      const network = networkOf(address);
      if (total + amount > all || (taken.get(network) ?? 0) + amount > each) return null;
      add(network, amount);
      return { [Symbol.dispose]: () => add(network, -amount) };
    },
  };
}
