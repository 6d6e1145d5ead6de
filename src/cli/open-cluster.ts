import { setTimeout as delay } from 'node:timers/promises';
import type { Runtimes } from '../cluster/cluster.ts';
import { probeHealth } from '../cluster/health.ts';
import { clusterApi } from '../cluster/kubernetes/cluster-api.ts';
import { kubernetesRuntimes } from '../cluster/kubernetes/kubernetes-runtimes.ts';
import { loadKubeConfig } from '../cluster/kubernetes/pooled-config.ts';
import { type Config, required } from '../config.ts';

/**
 * Opens the runtimes of a Kubernetes cluster. What runs there is not taken down when this process ends: the leases
 * end it if nobody comes back. Throws `config.invalid` for a setting that is missing.
 */
export function openCluster(config: Config, instance: string): Runtimes & AsyncDisposable {
  const kube = loadKubeConfig(config.EIREL_KUBECONFIG);
  const profile = {
    instance,
    namespace: config.EIREL_MINER_NAMESPACE,
    runtimeImage: required(config, 'EIREL_RUNTIME_IMAGE'),
    initImage: required(config, 'EIREL_INIT_IMAGE'),
    cpuMillis: config.EIREL_RUNTIME_CPU_MILLIS,
    memoryMib: config.EIREL_RUNTIME_MEMORY_MIB,
    diskMib: config.EIREL_RUNTIME_DISK_MIB,
    leaseSeconds: config.EIREL_RUNTIME_LEASE_SECONDS,
  };
  const runtimes = kubernetesRuntimes({
    api: clusterApi(kube, profile, config.EIREL_SYSTEM_NAMESPACE),
    profile,
    startMs: config.EIREL_RUNTIME_START_SECONDS * 1_000,
    probe: probeHealth,
    now: () => Date.now(),
    wait: (ms) => delay(ms),
  });
  return { ...runtimes, [Symbol.asyncDispose]: () => kube.close() };
}
