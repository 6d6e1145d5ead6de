import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Runtimes } from '../cluster/cluster.ts';
import { probeHealth } from '../cluster/health.ts';
import { clusterApi } from '../cluster/kubernetes/cluster-api.ts';
import { kindsOf } from '../cluster/kubernetes/kinds.ts';
import { kubernetesRuntimes } from '../cluster/kubernetes/kubernetes-runtimes.ts';
import { loadKubeConfig } from '../cluster/kubernetes/pooled-config.ts';
import {
  type NetworkProof,
  type ProbeNetworkDeps,
  probeNetwork,
} from '../cluster/kubernetes/probe-network.ts';
import { whereClosed } from '../cluster/kubernetes/where-closed.ts';
import type { ClusterProfile } from '../cluster/objects/profile.ts';
import { watchCluster } from '../cluster/watch/watch-cluster.ts';
import { type Config, required } from '../config.ts';
import { wait } from '../runtime/clock.ts';
import type { RuntimeNews } from './open-runtimes.ts';

/**
 * Opens the runtimes of a Kubernetes cluster. What runs there is not taken down when this process ends: the leases
 * end it if nobody comes back. Throws `config.invalid` for a setting that is missing.
 */
export function openCluster(
  config: Config,
  instance: string,
  { onChange, onTrouble }: RuntimeNews,
): Runtimes & AsyncDisposable {
  const kube = loadKubeConfig(config.EIREL_KUBECONFIG);
  const profile = profileOf(config, instance);
  const kinds = kindsOf(kube, profile, config.EIREL_SYSTEM_NAMESPACE);
  const stop = new AbortController();
  const watch = watchCluster(kube, kinds, {
    now: () => performance.now(),
    wait: (ms) => wait(ms, stop.signal),
    random: Math.random,
    signal: stop.signal,
    onChange,
    onTrouble,
  });
  const watching = watch.run();
  const api = clusterApi(kube, profile, kinds);
  const runtimes = kubernetesRuntimes({
    api,
    view: watch.view,
    profile,
    startMs: config.EIREL_RUNTIME_START_SECONDS * 1_000,
    probe: probeHealth,
    now: () => Date.now(),
    wait: (ms) => delay(ms),
  });
  const guarded =
    config.EIREL_NETWORK_PROBE === 'off'
      ? runtimes
      : whereClosed(runtimes, {
          prove: () => prove(config, { api, profile, signal: stop.signal }),
          now: () => performance.now(),
          onTrouble: (detail) => onTrouble('network of the miners', detail),
        });
  return {
    ...guarded,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      // What is under way ends with its connection, not at its time-out.
      await kube.close();
      await watching;
    },
  };
}

/** Looks once whether the network of submissions is closed. Throws `config.invalid` for a setting that is missing. */
export async function proveNetwork(
  config: Config,
  { instance, signal }: Readonly<{ instance: string; signal: AbortSignal }>,
): Promise<NetworkProof> {
  const kube = loadKubeConfig(config.EIREL_KUBECONFIG);
  try {
    const profile = profileOf(config, instance);
    const kinds = kindsOf(kube, profile, config.EIREL_SYSTEM_NAMESPACE);
    return await prove(config, { api: clusterApi(kube, profile, kinds), profile, signal });
  } finally {
    await kube.close();
  }
}

function prove(
  config: Config,
  deps: Pick<ProbeNetworkDeps, 'api' | 'profile' | 'signal'>,
): Promise<NetworkProof> {
  return probeNetwork({
    ...deps,
    name: `p-${randomUUID()}`,
    canaryAnswers: () => probeHealth(`${config.EIREL_LEDGER_URL}/healthz`),
    wait: (ms) => wait(ms, deps.signal),
  });
}

/** How submissions run here. Throws `config.invalid` for a setting that is missing. */
function profileOf(config: Config, instance: string): ClusterProfile {
  return {
    instance,
    namespace: config.EIREL_MINER_NAMESPACE,
    runtimeImage: required(config, 'EIREL_RUNTIME_IMAGE'),
    initImage: required(config, 'EIREL_INIT_IMAGE'),
    cpuMillis: config.EIREL_RUNTIME_CPU_MILLIS,
    memoryMib: config.EIREL_RUNTIME_MEMORY_MIB,
    diskMib: config.EIREL_RUNTIME_DISK_MIB,
    leaseSeconds: config.EIREL_RUNTIME_LEASE_SECONDS,
  };
}
