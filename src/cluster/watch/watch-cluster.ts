import { actualOf, addressesOf } from '../kubernetes/actual.ts';
import { type Kind, type Kinds, listWhole } from '../kubernetes/kinds.ts';
import type { PooledKubeConfig } from '../kubernetes/pooled-config.ts';
import type { ClusterView } from '../kubernetes/settle.ts';
import { keepWatching, type WatchDeps } from './keep-watching.ts';
import { objectCache, type Watched } from './object-cache.ts';
import { openWatch, type StreamTimes } from './watch-stream.ts';

export type WatchClusterDeps = Omit<WatchDeps, 'onHeard' | 'onTrouble'> &
  Readonly<{
    /** Something is another than it was; told as often as it happens. */
    onChange: () => void;
    /** A watch does not go as it should; it goes on by itself. */
    onTrouble: (kind: string, detail: string) => void;
    times?: Partial<StreamTimes>;
  }>;

/** Servers send a bookmark about once a minute. */
const SILENCE_MS = 90_000;

/** As long as a server that is asked for nothing keeps a watch, at the least. */
const WATCH_SECONDS = 290;

/** What is held of the cluster, while all of it is sure to be heard of, and the watches that keep it true. */
export type ClusterWatch = Readonly<{
  view: () => ClusterView | null;
  /** Watches until the signal aborts. */
  run: () => Promise<void>;
}>;

/** Holds all that a validator looks at in its cluster, each kind by a list and a watch of its own. */
export function watchCluster(
  config: PooledKubeConfig,
  kinds: Kinds,
  deps: WatchClusterDeps,
): ClusterWatch {
  const times = { silenceMs: SILENCE_MS, watchSeconds: WATCH_SECONDS, ...deps.times };
  const watch = <T extends Watched>(name: string, kind: Kind<T>) => {
    const cache = objectCache<T>(deps.onChange);
    let heardAt = Number.NEGATIVE_INFINITY;
    const source = {
      list: () => listWhole(kind),
      watch: (version: string, by: Readonly<{ signal: AbortSignal; onOpen: () => void }>) =>
        openWatch<T>(config, kind, version, { ...times, ...by }),
    };
    return {
      all: cache.all,
      // One lost connection and its next try are no reason to ask for everything.
      isFresh: () => deps.now() - heardAt < 2 * times.silenceMs,
      run: () =>
        keepWatching(source, cache, {
          ...deps,
          onHeard: () => {
            heardAt = deps.now();
          },
          onTrouble: (detail) => deps.onTrouble(name, detail),
        }),
    };
  };
  const configMaps = watch('configmaps', kinds.configMaps);
  const jobs = watch('jobs', kinds.jobs);
  const services = watch('services', kinds.services);
  const pods = watch('pods', kinds.pods);
  const events = watch('events', kinds.events);
  const system = watch('services of the system', kinds.system);
  const all = [configMaps, jobs, services, pods, events, system];
  return {
    view: () =>
      all.every(({ isFresh }) => isFresh())
        ? {
            actual: actualOf({
              configMaps: configMaps.all(),
              jobs: jobs.all(),
              services: services.all(),
              pods: pods.all(),
              events: events.all(),
            }),
            services: addressesOf(system.all()),
          }
        : null,
    run: async () => {
      await Promise.all(all.map(({ run }) => run()));
    },
  };
}
