/** How often one host is asked. */
export type HostRate = Readonly<{
  /** Counts a request to the host; false, and nothing is counted, when it was asked often enough. */
  admit: (host: string) => boolean;
}>;

const MAX_REQUESTS = 4;
const WINDOW_MS = 10_000;

/** Hosts that are remembered; who asks more of them in a window is not held back by this. */
const MAX_HOSTS = 4_096;

/** At most four requests to a host in any ten seconds, from all miners together. */
export function createHostRate(nowMs: () => number): HostRate {
  const hosts = new Map<string, readonly number[]>();
  return {
    admit: (host) => {
      const now = nowMs();
      const recent = (hosts.get(host) ?? []).filter((at) => now - at < WINDOW_MS);
      if (recent.length >= MAX_REQUESTS) return false;
      // The host goes to the end: at the beginning are those that were asked longest ago.
      hosts.delete(host);
      hosts.set(host, [...recent, now]);
      const [oldest] = hosts.keys();
      if (hosts.size > MAX_HOSTS && oldest !== undefined) hosts.delete(oldest);
      return true;
    },
  };
}
