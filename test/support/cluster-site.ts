import { clusterApi } from '#src/cluster/kubernetes/cluster-api.ts';
import { kindsOf } from '#src/cluster/kubernetes/kinds.ts';
import {
  type KubernetesRuntimes,
  kubernetesRuntimes,
} from '#src/cluster/kubernetes/kubernetes-runtimes.ts';
import { PooledKubeConfig } from '#src/cluster/kubernetes/pooled-config.ts';
import type { ClusterView } from '#src/cluster/kubernetes/settle.ts';
import { CANARY, type ClusterProfile, SERVICE_PORTS } from '#src/cluster/objects/profile.ts';
import { fakeKubernetes } from './fake-kubernetes/server.ts';

/** How a validator of tests runs submissions. */
export const PROFILE: ClusterProfile = {
  instance: '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty',
  namespace: 'eirel-miners',
  runtimeImage: `registry.example/eirel-miner-runtime@sha256:${'1'.repeat(64)}`,
  initImage: `registry.example/eirel@sha256:${'2'.repeat(64)}`,
  cpuMillis: 2_000,
  memoryMib: 2_048,
  diskMib: 512,
  leaseSeconds: 900,
};

/** The genuine client, on the way to a server of plain HTTP. */
export function plainConfig(server: string): PooledKubeConfig {
  const config = new PooledKubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'fake', server, skipTLSVerify: true }],
    users: [{ name: 'validator' }],
    contexts: [{ name: 'fake', cluster: 'fake', user: 'validator' }],
    currentContext: 'fake',
  });
  return config;
}

/** A fake cluster in which the validator's own services run, and runtimes over the genuine client. */
export async function clusterSite() {
  const fake = await fakeKubernetes();
  for (const name of [...Object.keys(SERVICE_PORTS), CANARY.name])
    fake.store.create('services', 'eirel-system', { metadata: { name }, spec: {} });
  /** Whether what is asked answers us, by its origin's host. */
  const answers = { of: (_host: string): boolean => true };
  /** As after a crash: nothing is remembered but what the cluster holds. */
  const openRuntimes = (
    profile: Partial<ClusterProfile> = {},
    view: () => ClusterView | null = () => null,
  ): KubernetesRuntimes => {
    const whole = { ...PROFILE, ...profile };
    const config = plainConfig(fake.url);
    return kubernetesRuntimes({
      api: clusterApi(config, whole, kindsOf(config, whole, 'eirel-system')),
      view,
      profile: whole,
      startMs: 180_000,
      probe: async (url) => answers.of(new URL(url).hostname),
      now: fake.now,
      wait: async (ms) => fake.pass(ms),
    });
  };
  return { ...fake, answers, openRuntimes };
}
