import type { V1Job } from '@kubernetes/client-node';
import type { RuntimeWanted } from '#src/cluster/cluster.ts';
import { clusterApi } from '#src/cluster/kubernetes/cluster-api.ts';
import { kindsOf } from '#src/cluster/kubernetes/kinds.ts';
import {
  type KubernetesRuntimes,
  kubernetesRuntimes,
} from '#src/cluster/kubernetes/kubernetes-runtimes.ts';
import { PooledKubeConfig } from '#src/cluster/kubernetes/pooled-config.ts';
import type { ClusterView } from '#src/cluster/kubernetes/settle.ts';
import { buildJob } from '#src/cluster/objects/job.ts';
import {
  CANARY,
  type ClusterProfile,
  SERVICE_PORTS,
  type ServiceAddresses,
} from '#src/cluster/objects/profile.ts';
import { readManifest } from '#src/evaluation/manifest.ts';
import { refused, VALIDATOR } from './admission.ts';
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

/** The two images that the operator names for submissions. */
export const IMAGES = { data: { runtime: PROFILE.runtimeImage, init: PROFILE.initImage } };

const ADDRESS = '10.43.0.1';

/** Addresses of the services that submissions are told. */
export const SERVICES: ServiceAddresses = {
  'provider-proxy': ADDRESS,
  'web-search-tool-service': ADDRESS,
  'url-fetch-tool-service': ADDRESS,
  'rag-tool-service': ADDRESS,
  'sandbox-tool-service': ADDRESS,
  ledger: ADDRESS,
};

/** The Job of an attempt, by its manifest unless another one is given. */
export function builtJob(
  wanted: RuntimeWanted,
  anchorUid: string,
  manifest = wanted.manifest,
): V1Job {
  const read = readManifest(manifest);
  if (read.kind !== 'read') throw new Error(read.detail);
  const { manifest: known } = read;
  return buildJob({ wanted, manifest: known, profile: PROFILE, services: SERVICES, anchorUid });
}

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

/**
 * A fake cluster in which the validator's own services run and the deployed policies hold for what it makes, and runtimes
 * over the genuine client.
 */
export async function clusterSite() {
  const fake = await fakeKubernetes();
  fake.state.admit = (write) => refused({ ...write, params: IMAGES, user: VALIDATOR });
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
