/** How often something may be done: `burst` times at once, and `perSecond` in the long run. */
export type Rate = Readonly<{ burst: number; perSecond: number }>;

export type RateLimit = Readonly<{
  /** Counts a request from this address; null when it is admitted, else the seconds until one will be. */
  admit: (address: string) => number | null;
}>;

/** Of routes that share themselves out otherwise, or are asked by ours alone. */
export const NO_LIMIT: RateLimit = { admit: () => null };

/**
 * Networks that were heard of last and are remembered, at least. Who has more of them gets further than his
 * own rate, but not than the rate of all.
 */
const MIN_NETWORKS = 4_096;

/**
 * Limits how often one network, and how often all of them together, may send something or have something
 * made. A request that is not admitted counts for nothing, so that asking too early costs no time.
 */
export function createRateLimit(
  { perNetwork, overall }: Readonly<{ perNetwork: Rate; overall: Rate }>,
  now: () => number = () => performance.now(),
): RateLimit {
  const all: Bucket = { tokens: overall.burst, atMs: now() };
  // Two halves instead of one list in the order of use: the older one is forgotten when the newer one is full.
  let older = new Map<string, Bucket>();
  let newer = new Map<string, Bucket>();
  const bucketOf = (network: string, atMs: number): Bucket => {
    const known = newer.get(network) ?? older.get(network);
    const bucket = known ?? { tokens: perNetwork.burst, atMs };
    if (newer.size >= MIN_NETWORKS && !newer.has(network)) [older, newer] = [newer, new Map()];
    newer.set(network, bucket);
    return bucket;
  };
  return {
    admit: (address) => {
      const atMs = now();
      const own = bucketOf(networkOf(address), atMs);
      const missing = Math.max(refill(own, perNetwork, atMs), refill(all, overall, atMs));
      if (missing > 0) return Math.ceil(missing);
      own.tokens -= 1;
      all.tokens -= 1;
      return null;
    },
  };
}

type Bucket = { tokens: number; atMs: number };

/** Brings a bucket up to date; the seconds until it holds one token, 0 when it does. */
function refill(bucket: Bucket, { burst, perSecond }: Rate, atMs: number): number {
  const gained = ((atMs - bucket.atMs) / 1_000) * perSecond;
  bucket.tokens = Math.min(burst, bucket.tokens + gained);
  bucket.atMs = atMs;
  return bucket.tokens >= 1 ? 0 : (1 - bucket.tokens) / perSecond;
}

/** Groups of an IPv6 address that name a network: whoever has one address has the 2^64 of its /64. */
const NETWORK_GROUPS = 4;
const ADDRESS_GROUPS = 8;

/** The network of an address as Node writes it: an IPv4 address itself, also when mapped; of an IPv6 address its /64. */
export function networkOf(address: string): string {
  if (address.includes('.')) return address.slice(address.lastIndexOf(':') + 1);
  const [head = [], tail] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = tail === undefined ? 0 : ADDRESS_GROUPS - head.length - tail.length;
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...(tail ?? [])];
  return groups.slice(0, NETWORK_GROUPS).join(':');
}
