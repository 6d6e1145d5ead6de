import { z } from 'zod';

const Figure = z.coerce.number({
  error: ({ code }) => (code === 'invalid_type' ? 'a number' : undefined),
});

/** An image by the digest of its content: a tag can be moved under a validator's feet. */
const PinnedImage = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._:/-]{0,200}@sha256:[0-9a-f]{64}$/,
    'an image pinned by its digest, name@sha256:…',
  );
const Namespace = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'the name of a namespace');

/** Where miners' submissions run, and with how much. Every miner has the same. */
export const clusterSettings = {
  EIREL_RUNTIME: z
    .enum(['kubernetes', 'process'])
    .default('kubernetes')
    .describe('where submissions run: in a cluster, or as child processes for development'),
  EIREL_ALLOW_PROCESS_RUNTIME: z
    .enum(['on', 'off'])
    .default('off')
    .transform((text) => text === 'on')
    .describe(
      "`on` lets EIREL_RUNTIME be `process`: strangers' programs run as this user, with limits but no sandbox",
    ),
  EIREL_KUBECONFIG: z
    .string()
    .min(1)
    .optional()
    .describe('how to reach the cluster; without it as a pod of it, by its service account'),
  EIREL_MINER_NAMESPACE: Namespace.default('eirel-miners').describe('where submissions run'),
  EIREL_SYSTEM_NAMESPACE: Namespace.default('eirel-system').describe(
    'where the proxy and the tool services run',
  ),
  EIREL_RUNTIME_IMAGE: PinnedImage.optional().describe(
    'the image that runs submissions; needed with EIREL_RUNTIME=kubernetes',
  ),
  EIREL_INIT_IMAGE: PinnedImage.optional().describe(
    "this software's own image, which unpacks a submission and holds it back until its network is closed; needed with EIREL_RUNTIME=kubernetes",
  ),
  EIREL_NETWORK_PROBE: z
    .enum(['required', 'off'])
    .default('required')
    .describe(
      'before a submission is begun in the cluster, a pod of ours has to prove that it reaches the proxy and does not reach the ledger; `off` trusts your network plugin unproved',
    ),
  EIREL_RUNTIME_LEASE_SECONDS: Figure.int()
    .min(60)
    .max(86_400)
    .default(900)
    .describe(
      'a submission is ended by the cluster when its validator is not heard of for so long',
    ),
  EIREL_RUNTIME_START_SECONDS: Figure.int()
    .min(5)
    .max(3_600)
    .default(180)
    .describe('a submission has so long to answer on its health path'),
  EIREL_RUNTIME_CPU_MILLIS: Figure.int()
    .min(50)
    .max(64_000)
    .default(2_000)
    .describe('thousandths of a processor that each submission has'),
  EIREL_RUNTIME_MEMORY_MIB: Figure.int()
    .min(64)
    .max(262_144)
    .default(2_048)
    .describe('memory that each submission has, its /tmp included'),
  EIREL_RUNTIME_DISK_MIB: Figure.int()
    .min(16)
    .max(65_536)
    .default(512)
    .describe('disk that each submission has, its own unpacked files included'),
} as const;

type ClusterConfig = Readonly<z.infer<z.ZodObject<typeof clusterSettings>>>;

/** What is missing before submissions can run here. */
export function runtimeFaults(config: ClusterConfig): readonly string[] {
  if (config.EIREL_RUNTIME === 'process')
    return config.EIREL_ALLOW_PROCESS_RUNTIME
      ? []
      : [
          'EIREL_RUNTIME=process: runs submissions without a sandbox, for development only; set EIREL_ALLOW_PROCESS_RUNTIME=on if that is what you want',
        ];
  return (['EIREL_RUNTIME_IMAGE', 'EIREL_INIT_IMAGE'] as const)
    .filter((name) => config[name] === undefined)
    .map((name) => `${name}: not set, and EIREL_RUNTIME=kubernetes needs it`);
}
