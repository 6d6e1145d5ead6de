/** How this validator runs submissions in its cluster: alike for every miner, since latency is scored. */
export type ClusterProfile = Readonly<{
  /** The validator's hotkey: two validators may share a cluster, and none touches what is another's. */
  instance: string;
  namespace: string;
  /** Images by digest. The first runs submissions; the second is this software's own. */
  runtimeImage: string;
  initImage: string;
  cpuMillis: number;
  memoryMib: number;
  diskMib: number;
  leaseSeconds: number;
}>;

/** The cluster's addresses of the services that a submission may use, and of one that it must not reach. */
export type ServiceAddresses = Readonly<Record<ServiceName, string>>;

/** Ports of the services, by their names in the validator's namespace: what the network policies allow. */
export const SERVICE_PORTS = {
  'provider-proxy': 8_092,
  'web-search-tool-service': 8_085,
  'url-fetch-tool-service': 8_087,
  'rag-tool-service': 8_088,
  'sandbox-tool-service': 8_091,
} as const;
type AllowedService = keyof typeof SERVICE_PORTS;

/** The ledger is out of a miner's reach, and nothing is evaluated without it: a good canary. */
export const CANARY = { name: 'ledger', port: 8_093 } as const;
type ServiceName = AllowedService | typeof CANARY.name;

/** A submission is told this port. The network policy lets the validator reach it, and no other. */
export const MINER_PORT = 8_080;

/** Submissions stand back for whatever else a node runs. */
export const PRIORITY_CLASS = 'eirel-miner';
