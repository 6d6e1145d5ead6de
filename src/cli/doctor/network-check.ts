import type { Config } from '../../config.ts';
import { runtimeFaults } from '../../settings/cluster.ts';
import { explain } from '../explain.ts';
import { type Finding, fault, ok, unknown, warning } from './finding.ts';

type Proof = Readonly<{ kind: 'closed' } | { kind: 'open' | 'unknown'; detail: string }>;

/** Has the cluster prove that submissions' network is closed; null where none run in a cluster. */
export async function lookAtNetwork(
  config: Config,
  by: Readonly<{ instance: string; signal: AbortSignal }>,
): Promise<Proof | 'off' | null> {
  if (config.EIREL_EXEC_MODE !== 'local' || config.EIREL_RUNTIME !== 'kubernetes') return null;
  if (runtimeFaults(config).length > 0) return null;
  if (config.EIREL_NETWORK_PROBE === 'off') return 'off';
  try {
    const { proveNetwork } = await import('../open-cluster.ts');
    return await proveNetwork(config, by);
  } catch (error) {
    return { kind: 'unknown', detail: explain(error) };
  }
}

/** Whether submissions are kept from what they must not reach, as a pod of ours found. */
export function checkNetwork(proof: Proof | 'off'): Finding {
  if (proof === 'off')
    return warning(
      'network',
      'EIREL_NETWORK_PROBE=off: nobody looked whether policies are enforced',
      'unset it: without enforcement a submission reaches everything in the cluster',
    );
  switch (proof.kind) {
    case 'closed':
      return ok('network', 'submissions reach the proxy, and not the ledger');
    case 'open':
      return fault(
        'network',
        proof.detail,
        'use a network plugin that enforces NetworkPolicy, and apply deploy/k8s; no submission is begun before',
      );
    case 'unknown':
      return unknown('network', proof.detail);
  }
}
