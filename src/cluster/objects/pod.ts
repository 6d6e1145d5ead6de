import type { V1Container, V1EnvVar, V1PodSpec, V1Volume } from '@kubernetes/client-node';
import type { Manifest } from '../../evaluation/manifest.ts';
import type { RuntimeWanted } from '../cluster.ts';
import { minerEnvironment } from '../miner-environment.ts';
import { CHUNK_KEY, MAX_CHUNKS } from './chunks.ts';
import { chunkName } from './names.ts';
import {
  CANARY,
  type ClusterProfile,
  MINER_PORT,
  PRIORITY_CLASS,
  SERVICE_PORTS,
  type ServiceAddresses,
} from './profile.ts';

/** A user that no image has a name for, with rights to nothing. */
const NOBODY = 10_001;

/** A miner finishes what it answers, and no more. */
const GRACE_SECONDS = 15;

/** How often the kubelet asks whether a submission is ready. */
const PROBE_PERIOD_SECONDS = 2;

/** Where this software lies in its own image. */
const POD_PROGRAMS = '/app/src/cluster/pod';

const ARCHIVE_DIR = '/archive';
const SUBMISSION_DIR = '/submission';
const TMP_DIR = '/tmp';

/** The names of the containers, by which a failed one is told from another. */
export const CONTAINER = { unpack: 'unpack', netgate: 'netgate', miner: 'miner' } as const;

/**
 * One untrusted submission: it has its own files, a small /tmp, and the network that the namespace's policies leave. It
 * has no secret, no token, no name resolution, no rights. Its archive is hashed and unpacked by our own program, and it
 * is held back by another one until the network is closed.
 */
export function buildPod(
  of: Readonly<{
    wanted: RuntimeWanted;
    manifest: Manifest;
    profile: ClusterProfile;
    services: ServiceAddresses;
  }>,
): V1PodSpec {
  const { wanted, manifest, profile, services } = of;
  return {
    ...closedIn(services),
    initContainers: [unpackContainer(wanted, profile), netgateContainer(profile, services)],
    containers: [minerContainer(wanted, manifest, profile)],
    volumes: volumesOf(wanted, profile),
  };
}

/**
 * What the program that looks at the network needs, whatever submissions are given: miners that fill their quota but for
 * this leave room for it.
 */
const PROBE_RESOURCES = { cpuMillis: 250, memoryMib: 256, diskMib: 64 };

/** A pod with the network of a submission, and nothing in it but the program that holds submissions back. */
export function buildProbePod(profile: ClusterProfile, services: ServiceAddresses): V1PodSpec {
  const small = { ...profile, ...PROBE_RESOURCES };
  return { ...closedIn(services), containers: [netgateContainer(small, services)] };
}

/** What every pod among the miners has alike. */
function closedIn(services: ServiceAddresses): Omit<V1PodSpec, 'containers'> {
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    priorityClassName: PRIORITY_CLASS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: NOBODY,
      runAsGroup: NOBODY,
      fsGroup: NOBODY,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    // A name server is mandatory without the cluster's; this one refuses at once. Names could carry data out.
    dnsPolicy: 'None',
    dnsConfig: { nameservers: ['127.0.0.1'] },
    hostAliases: Object.keys(SERVICE_PORTS).map((name) => ({
      ip: services[name as keyof typeof SERVICE_PORTS], // safe: a key of that very object
      hostnames: [name],
    })),
  };
}

function unpackContainer(wanted: RuntimeWanted, profile: ClusterProfile): V1Container {
  return {
    ...hardened(CONTAINER.unpack, profile.initImage, profile),
    command: ['node', `${POD_PROGRAMS}/unpack.ts`, ARCHIVE_DIR, SUBMISSION_DIR, wanted.archive],
    volumeMounts: [
      { name: 'archive', mountPath: ARCHIVE_DIR, readOnly: true },
      { name: 'submission', mountPath: SUBMISSION_DIR },
    ],
  };
}

/** The last one before the submission: a policy may come into force a moment after a pod's first packet. */
function netgateContainer(profile: ClusterProfile, services: ServiceAddresses): V1Container {
  return {
    ...hardened(CONTAINER.netgate, profile.initImage, profile),
    command: [
      'node',
      `${POD_PROGRAMS}/netgate.ts`,
      `${services['provider-proxy']}:${SERVICE_PORTS['provider-proxy']}`,
      `${services[CANARY.name]}:${CANARY.port}`,
    ],
  };
}

function minerContainer(
  wanted: RuntimeWanted,
  manifest: Manifest,
  profile: ClusterProfile,
): V1Container {
  return {
    ...hardened(CONTAINER.miner, profile.runtimeImage, profile),
    env: environmentOf(wanted, manifest),
    ports: [{ name: 'http', containerPort: MINER_PORT, protocol: 'TCP' }],
    // No liveness probe: a submission that hangs is its miner's own affair, and restarts would hide it.
    readinessProbe: {
      httpGet: { path: manifest.runtime.health_path, port: 'http', scheme: 'HTTP' },
      periodSeconds: PROBE_PERIOD_SECONDS,
    },
    volumeMounts: [
      { name: 'submission', mountPath: SUBMISSION_DIR, readOnly: true },
      { name: 'tmp', mountPath: TMP_DIR },
    ],
  };
}

/** What every container of a pod has alike, the resources too: the pod is `Guaranteed`. */
function hardened(name: string, image: string, profile: ClusterProfile) {
  const resources = {
    cpu: cpuQuantity(profile.cpuMillis),
    memory: mebibytes(profile.memoryMib),
    'ephemeral-storage': mebibytes(profile.diskMib),
  };
  return {
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    securityContext: {
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    },
    resources: { requests: resources, limits: resources },
  } satisfies V1Container;
}

function environmentOf(wanted: RuntimeWanted, manifest: Manifest): V1EnvVar[] {
  const origin = (name: keyof typeof SERVICE_PORTS) => `http://${name}:${SERVICE_PORTS[name]}`;
  const environment = minerEnvironment({
    submission: wanted.submission,
    manifest,
    port: MINER_PORT,
    services: {
      providerProxy: origin('provider-proxy'),
      webSearch: origin('web-search-tool-service'),
      urlFetch: origin('url-fetch-tool-service'),
      sandbox: origin('sandbox-tool-service'),
      rag: origin('rag-tool-service'),
    },
  });
  // The server leaves an empty value out, and what is then read would differ from what was written.
  return Object.entries(environment)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => ({ name, value }));
}

function volumesOf(wanted: RuntimeWanted, profile: ClusterProfile): V1Volume[] {
  // How many chunks there are is seen in the pod, and the hash tells whether they are all.
  const sources = Array.from({ length: MAX_CHUNKS }, (_, index) => ({
    configMap: {
      name: chunkName(wanted, index, profile),
      optional: true,
      items: [{ key: CHUNK_KEY, path: String(index).padStart(2, '0') }],
    },
  }));
  return [
    { name: 'archive', projected: { sources } },
    { name: 'submission', emptyDir: { sizeLimit: mebibytes(profile.diskMib) } },
    // In memory, and so within the submission's own limit.
    { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: mebibytes(profile.memoryMib / 4) } },
  ];
}

/** As the server writes quantities, so that what is read back is what was written. */
function cpuQuantity(millis: number): string {
  return millis % 1_000 === 0 ? String(millis / 1_000) : `${millis}m`;
}

/** As `cpuQuantity`, of memory. */
function mebibytes(mib: number): string {
  const whole = Math.floor(mib);
  return whole % 1_024 === 0 ? `${whole / 1_024}Gi` : `${whole}Mi`;
}
