import { detailOf } from '../../events/scalars.ts';
import type { Runtimes } from '../cluster.ts';
import type { NetworkProof } from './probe-network.ts';

/** Between two proofs that failed: somebody has to mend a cluster meanwhile. */
const AGAIN_MS = 60_000;

/**
 * Runtimes that begin nothing before the cluster has proved that its network is closed, and renew nothing either: what
 * then runs ends with its lease. Taking down needs no proof. The proof is begun by the first reconcile that wants
 * something, and holds for this process.
 */
export function whereClosed(
  runtimes: Runtimes,
  {
    prove,
    now,
    onTrouble,
  }: Readonly<{
    prove: () => Promise<NetworkProof>;
    now: () => number;
    /** Told once for each proof that failed. */
    onTrouble: (detail: string) => void;
  }>,
): Runtimes {
  let proof: NetworkProof = { kind: 'unknown', detail: 'it is being looked at' };
  let under = false;
  let notBefore = Number.NEGATIVE_INFINITY;
  const begin = async (): Promise<void> => {
    under = true;
    proof = await prove();
    notBefore = now() + AGAIN_MS;
    under = false;
    if (proof.kind !== 'closed') onTrouble(`${proof.kind}: ${proof.detail}`);
  };
  return {
    ...runtimes,
    reconcile: async (desired) => {
      if (proof.kind === 'closed' || desired.length === 0) return runtimes.reconcile(desired);
      if (!under && now() >= notBefore) void begin();
      return {
        kind: 'unknown',
        detail: detailOf(`the miners' network is ${proof.kind}: ${proof.detail}`),
      };
    },
  };
}
