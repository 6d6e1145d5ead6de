import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { kindsOf } from '#src/cluster/kubernetes/kinds.ts';
import { attemptName } from '#src/cluster/objects/names.ts';
import { watchCluster } from '#src/cluster/watch/watch-cluster.ts';
import type { StreamTimes } from '#src/cluster/watch/watch-stream.ts';
import { clusterSite, PROFILE, plainConfig } from '../../support/cluster-site.ts';
import type { WatchFault } from '../../support/fake-kubernetes/watch.ts';
import { until } from '../../support/live-until.ts';
import { wantedRuntime } from '../../support/wanted-runtime.ts';

const wanted = wantedRuntime();
const NAMESPACE = PROFILE.namespace;
const KINDS = 6;

/** A fake cluster, and a watch of it over the genuine client. Pauses are short: their length is another test's. */
async function watchedSite(times: Partial<StreamTimes> = {}) {
  const site = await clusterSite();
  const stop = new AbortController();
  const troubles: string[] = [];
  const seen = { changes: 0 };
  const config = plainConfig(site.url);
  const watch = watchCluster(config, kindsOf(config, PROFILE, 'eirel-system'), {
    now: () => performance.now(),
    wait: (ms) => delay(ms / 50),
    random: Math.random,
    signal: stop.signal,
    onChange: () => (seen.changes += 1),
    onTrouble: (kind, detail) => troubles.push(`${kind}: ${detail}`),
    times,
  });
  const running = watch.run();
  /** What is heard has become what there is. */
  const settled = () =>
    until('what is heard to be what there is', () => {
      const view = watch.view();
      if (view === null) return false;
      const { jobs, pods, services, configMaps } = view.actual;
      const heard = [...jobs, ...pods, ...services]
        .map(({ metadata }) => metadata)
        .concat(configMaps)
        .map((metadata) => `${metadata?.uid} ${metadata?.resourceVersion}`);
      const there = (['jobs', 'pods', 'services', 'configmaps'] as const)
        .flatMap((resource) => site.store.all(resource, NAMESPACE))
        .map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`);
      return JSON.stringify(heard.toSorted()) === JSON.stringify(there.toSorted());
    });
  await settled();
  await until('six open watches', () => site.state.watches.size === KINDS);
  return {
    ...site,
    view: watch.view,
    troubles,
    seen,
    settled,
    openRuntimes: () => site.openRuntimes({}, watch.view),
    openRuntimesBehind: (view: typeof watch.view) => site.openRuntimes({}, view),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await config.close();
      await site[Symbol.asyncDispose]();
    },
  };
}

const listsOf = (requests: readonly string[]) =>
  requests.filter((request) => request.startsWith('GET')).length;

test('what changes is heard of, and a reconcile that has nothing to do asks for nothing', async () => {
  await using site = await watchedSite();
  const runtimes = site.openRuntimes();
  await runtimes.reconcile([wanted]);
  await site.settled();
  expect(site.seen.changes).toBeGreaterThan(3);
  site.state.requests.length = 0;

  const found = await runtimes.reconcile([wanted]);

  expect(found).toMatchObject({ kind: 'known', states: [{ phase: 'ready' }] });
  expect(site.state.requests).toEqual([]);
});

test('nothing is done on hearsay: before it acts, or calls anything failed, it asks', async () => {
  await using site = await watchedSite();
  const runtimes = site.openRuntimes();
  await runtimes.reconcile([wanted]);
  await site.settled();
  const old = site.view();
  const behind = site.openRuntimesBehind(() => old);
  site.state.fateOf = () => ({ kind: 'ended', container: 'miner', exitCode: 1 });
  site.settle();
  site.state.fateOf = () => ({ kind: 'ready' });

  // What it heard of says that a Job runs which has failed, and says nothing of a second one that is there.
  const second = wantedRuntime({ submission: 'sub-2' });
  await runtimes.reconcile([wanted, second]);
  const { writes } = site.store;
  const found = await behind.reconcile([wanted, second]);

  expect(site.store.writes).toBe(writes);
  expect(found).toMatchObject({ states: [{ phase: 'failed' }, { phase: 'ready' }] });
});

test.each<[string, WatchFault, number]>([
  ['refused', { kind: 'refused', status: 500 }, 1],
  ['refused as too old', { kind: 'refused', status: 410 }, 1],
  ['silent', { kind: 'silent' }, 1],
  ['cut off in the middle of an event', { kind: 'cut' }, 1],
  ['ended at once', { kind: 'ended' }, 2],
  ['telling each event twice', { kind: 'duplicate' }, 100],
  ['telling what is no JSON', { kind: 'line', line: '{"type":"ADD' }, 1],
  ['telling what is no event', { kind: 'line', line: '{"type":"ADDED","object":7}' }, 1],
  [
    'telling of an error',
    { kind: 'line', line: '{"type":"ERROR","object":{"code":500,"message":"etcd"}}' },
    1,
  ],
])('a watch that is %s is made good', async (_what, fault, times) => {
  await using site = await watchedSite(fault.kind === 'silent' ? { silenceMs: 300 } : {});
  const left = new Map<string, number>();
  site.state.watchFaultOf = (resource) => {
    const used = left.get(resource) ?? 0;
    left.set(resource, used + 1);
    return used < times ? fault : null;
  };
  for (const watch of site.state.watches) watch.end();

  await site.openRuntimes().reconcile([wanted]);
  await site.settled();
  site.store.remove('jobs', NAMESPACE, attemptName(wanted, PROFILE));
  site.settle();
  await site.settled();

  expect(site.view()?.actual.pods).toEqual([]);
});

test('a server that forgot where a watch stopped is asked for a list', async () => {
  await using site = await watchedSite();
  site.state.watchFaultOf = () => ({ kind: 'refused', status: 503 });
  for (const watch of site.state.watches) watch.end();
  await site.openRuntimes().reconcile([wanted]);
  site.store.compact();
  site.state.requests.length = 0;
  site.state.watchFaultOf = () => null;

  await site.settled();

  expect(listsOf(site.state.requests)).toBeGreaterThanOrEqual(KINDS);
});

test('a bookmark moves the place from which a watch goes on', async () => {
  await using site = await watchedSite();
  for (let others = 0; others < 5; others++)
    site.store.create('configmaps', 'elsewhere', { metadata: { name: `other-${others}` } });
  for (const watch of site.state.watches) watch.bookmark();
  site.store.compact();
  const before = [...site.state.watches];
  await delay(0);
  for (const watch of before) watch.end();
  await until(
    'new watches',
    () => [...site.state.watches].filter((watch) => !before.includes(watch)).length === KINDS,
  );

  expect(site.troubles.filter((trouble) => trouble.includes('410'))).toEqual([]);
});

test('a list of a server that lags behind is caught up with', async () => {
  await using site = await watchedSite();
  const then = site.store.version;
  await site.openRuntimes().reconcile([wanted]);
  site.state.listsAt = then;
  site.state.watchFaultOf = () => ({ kind: 'refused', status: 410 });
  for (const watch of site.state.watches) watch.end();
  await until('an old list', () => site.view()?.actual.jobs.length === 0);

  site.state.watchFaultOf = () => null;
  await site.settled();

  expect(site.view()?.actual.jobs).toHaveLength(2);
});

test('of long lists each page is read', async () => {
  await using site = await watchedSite();
  site.state.pageLimit = 2;
  const members = ['sub-1', 'sub-2', 'sub-3', 'sub-4', 'sub-5'].map((submission) =>
    wantedRuntime({ submission }),
  );

  const found = await site.openRuntimes().reconcile(members);

  expect(found.kind === 'known' && found.states.map(({ phase }) => phase)).toEqual(
    members.map(() => 'ready'),
  );
});

test('while it hears nothing it says nothing, and the cluster is asked', async () => {
  await using site = await watchedSite({ silenceMs: 200 });
  site.state.faultOf = () => ({ kind: 'answer', status: 503, message: 'shutting down' });
  for (const watch of site.state.watches) watch.end();

  await until('nothing to be sure of', () => site.view() === null);

  expect(await site.openRuntimes().reconcile([wanted])).toMatchObject({ kind: 'unknown' });
});

test('what loses our label is gone for us', async () => {
  await using site = await watchedSite();
  await site.openRuntimes().reconcile([wanted]);
  await site.settled();
  const [pod] = site.store.all('pods', NAMESPACE);
  site.store.patch('pods', NAMESPACE, pod?.metadata.name ?? '', { metadata: { labels: null } });

  const gone = await until('one object less', () => site.view()?.actual.pods.length === 0);
  expect(gone).toBe(true);
});
