import { detailOf } from '../../events/scalars.ts';
import type { Runtimes } from '../cluster.ts';
import type { KubernetesRuntimes } from './kubernetes-runtimes.ts';
import type { NetworkProof } from './probe-network.ts';

/** Between two proofs that failed: somebody has to mend a cluster meanwhile. */
const AGAIN_MS = 60_000;

/**
 * Runtimes that begin nothing before the cluster has proved that its network is closed. What runs already, begun behind
 * an earlier proof, is renewed while nobody knows: a restart, a full cluster or a ledger that is away ends no miner. Where
 * the network was seen open nothing is renewed either, and what runs ends with its lease. Taking down needs no proof. The
 * proof is begun by the first reconcile that wants something, and holds for this process.
 */
export function whereClosed(
  runtimes: KubernetesRuntimes,
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
  const look = async (): Promise<void> => {
    under = true;
    proof = await prove().catch(thrown);
    notBefore = now() + AGAIN_MS;
    under = false;
    if (proof.kind !== 'closed') onTrouble(`${proof.kind}: ${proof.detail}`);
  };
  return {
    ...runtimes,
    reconcile: async (desired, spared = []) => {
      if (proof.kind === 'closed' || desired.length + spared.length === 0)
        return runtimes.reconcile(desired, spared);
      const detail = detailOf(`the miners' network is ${proof.kind}: ${proof.detail}`);
      if (!under && now() >= notBefore) void look();
      return proof.kind === 'open'
        ? { kind: 'unknown', detail }
        : runtimes.reconcile(desired, spared, detail);
    },
  };
}

/** A proof that throws is a defect of ours: nothing is known, and it is tried again like any other. */
function thrown(error: unknown): NetworkProof {
  const name = error instanceof Error ? error.name : typeof error;
  return { kind: 'unknown', detail: detailOf(`the look at it failed: ${name}`) };
}
