import { wait } from './clock.ts';

/** A service that does not answer for so long is away. */
const PROBE_TIMEOUT_MS = 3_000;
const PROBE_MS = 3_000;

/** Looks at the own services all the time, so that it can be told what was away while a miner worked. */
export type ServiceWatch = Readonly<{
  /** What was not there at any time since, in words; null when everything was. */
  outage: (sinceMs: number) => string | null;
  /** Looks until the signal aborts. */
  run: () => Promise<void>;
}>;

type Seen = Readonly<{ detail: string | null; lastAwayMs: number }>;

/**
 * Watches services by their readiness. What was never seen there is away: nothing begins before everything was there
 * once. `clock` gives milliseconds since 1970.
 */
export function watchServices(
  services: readonly Readonly<{ name: string; url: string }>[],
  {
    clock,
    signal,
    probeMs = PROBE_MS,
    timeoutMs = PROBE_TIMEOUT_MS,
  }: Readonly<{
    clock: () => number;
    signal: AbortSignal;
    probeMs?: number;
    timeoutMs?: number;
  }>,
): ServiceWatch {
  const seen = new Map<string, Seen>(
    services.map(({ name }) => [name, { detail: 'not seen yet', lastAwayMs: clock() }]),
  );
  const look = async ({ name, url }: Readonly<{ name: string; url: string }>): Promise<void> => {
    const begun = clock();
    const detail = await probeReady(`${url}/readyz`, signal, timeoutMs);
    const before = seen.get(name)?.lastAwayMs ?? begun;
    seen.set(name, { detail, lastAwayMs: detail === null ? before : clock() });
  };
  return {
    outage: (sinceMs) => {
      for (const [name, { detail, lastAwayMs }] of seen)
        if (detail !== null || lastAwayMs >= sinceMs) return `${name}: ${detail ?? 'was away'}`;
      return null;
    },
    run: async () => {
      while (!signal.aborted) {
        await Promise.all(services.map(look));
        await wait(probeMs, signal);
      }
    },
  };
}

/** Asks an address that answers with success while a service is ready. Null when it is; otherwise why not. */
export async function probeReady(
  url: string,
  signal: AbortSignal,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<string | null> {
  try {
    const response = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    return response.ok ? null : `answers ${response.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
