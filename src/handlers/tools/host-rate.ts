import { holderOf } from '../../evaluation/job-name.ts';

/** How often one miner asks one host. */
export type HostRate = Readonly<{
  /** Counts a request for a job to the host; false, and nothing is counted, when its miner asked it often enough. */
  admit: (job: string, host: string) => boolean;
}>;

const MAX_REQUESTS = 4;
const WINDOW_MS = 10_000;

/** Miners with hosts that are remembered; who asks more of them in a window is not held back by this. */
const MAX_PAIRS = 4_096;

/** At most four requests to a host in any ten seconds from each miner: what others ask is not held against it. */
export function createHostRate(nowMs: () => number): HostRate {
  const pairs = new Map<string, readonly number[]>();
  return {
    admit: (job, host) => {
      const now = nowMs();
      const pair = `${holderOf(job)}\n${host}`;
      const recent = (pairs.get(pair) ?? []).filter((at) => now - at < WINDOW_MS);
      if (recent.length >= MAX_REQUESTS) return false;
      // The pair goes to the end: at the beginning are those that were asked longest ago.
      pairs.delete(pair);
      pairs.set(pair, [...recent, now]);
      const [oldest] = pairs.keys();
      if (pairs.size > MAX_PAIRS && oldest !== undefined) pairs.delete(oldest);
      return true;
    },
  };
}
