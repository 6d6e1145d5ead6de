import { STARTED_HEADER } from '../evaluation/job.ts';
import { wait } from './clock.ts';

/** A service that does not answer for so long is away. */
const PROBE_TIMEOUT_MS = 3_000;
const PROBE_MS = 3_000;

/** Looks at the own services all the time, so that it can be told what was away while a miner worked. */
export type ServiceWatch = Readonly<{
  /** What was not there at any time since, in words; null when everything was, or the one service that is asked for. */
  outage: (sinceMs: number, service?: string) => string | null;
  /** As `outage`, once every service was asked anew from now on: what went away a moment ago is seen as well. */
  outageUntilNow: (sinceMs: number) => Promise<string | null>;
  /** Looks until the signal aborts. */
  run: () => Promise<void>;
}>;

type Seen = Readonly<{ detail: string | null; lastAwayMs: number; started: string | null }>;

/**
 * Watches services by their readiness. What was never seen there is away: nothing begins before everything was there
 * once. A service that is another process than before was away in between. `clock` gives milliseconds since 1970.
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
    services.map(({ name }) => [
      name,
      { detail: 'not seen yet', lastAwayMs: clock(), started: null },
    ]),
  );
  const look = async ({ name, url }: Readonly<{ name: string; url: string }>): Promise<void> => {
    const begun = clock();
    const { detail, started } = await probe(`${url}/readyz`, signal, timeoutMs);
    const before = seen.get(name);
    const same = started === null || before?.started == null || before.started === started;
    seen.set(name, {
      detail,
      lastAwayMs: detail === null && same ? (before?.lastAwayMs ?? begun) : clock(),
      started: started ?? before?.started ?? null,
    });
  };
  const outage = (sinceMs: number, service?: string): string | null => {
    for (const [name, { detail, lastAwayMs }] of seen)
      if ((service ?? name) === name && (detail !== null || lastAwayMs >= sinceMs))
        return `${name}: ${detail ?? 'was away'}`;
    return null;
  };
  return {
    outage,
    outageUntilNow: async (sinceMs) => {
      await Promise.all(services.map(look));
      return outage(sinceMs);
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
  const { detail } = await probe(url, signal, timeoutMs);
  return detail;
}

async function probe(
  url: string,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Pick<Seen, 'detail' | 'started'>> {
  try {
    const response = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    const detail = response.ok ? null : `answers ${response.status}`;
    return { detail, started: response.headers.get(STARTED_HEADER) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { detail, started: null };
  }
}
