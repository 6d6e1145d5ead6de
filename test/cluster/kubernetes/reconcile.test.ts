import { expect, test } from 'vitest';
import type { RuntimeState, Runtimes, RuntimeWanted } from '#src/cluster/cluster.ts';
import { anchorName, attemptName, LABEL } from '#src/cluster/objects/names.ts';
import { encode } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { clusterSite, PROFILE } from '../../support/cluster-site.ts';
import type { ResourceName } from '../../support/fake-kubernetes/objects.ts';
import { wantedRuntime } from '../../support/wanted-runtime.ts';

const NAMESPACE = PROFILE.namespace;
const wanted = wantedRuntime();
const name = attemptName(wanted, PROFILE);

async function statesOf(runtimes: Runtimes, desired: readonly RuntimeWanted[]) {
  const found = await runtimes.reconcile(desired);
  if (found.kind === 'unknown') throw new Error(found.detail);
  return found.states;
}

const stateOf = async (runtimes: Runtimes, of: RuntimeWanted = wanted): Promise<RuntimeState> => {
  const [state] = await statesOf(runtimes, [of]);
  if (state === undefined) throw new Error('no state');
  return state;
};

type Site = Awaited<ReturnType<typeof clusterSite>>;
const countsOf = ({ store }: Site) =>
  Object.fromEntries(
    (['configmaps', 'jobs', 'services', 'pods'] as ResourceName[]).map((resource) => [
      resource,
      store.all(resource, NAMESPACE).length,
    ]),
  );
const NOTHING = { configmaps: 0, jobs: 0, services: 0, pods: 0 };

test('what is wanted is made, and is ready when it answers', async () => {
  await using site = await clusterSite();

  const first = await stateOf(site.openRuntimes());
  const again = await stateOf(site.openRuntimes());

  expect(countsOf(site)).toEqual({ configmaps: 1, jobs: 2, services: 1, pods: 1 });
  const address = site.store.get('services', NAMESPACE, name).spec?.['clusterIP'];
  expect(first).toEqual(again);
  expect(again).toEqual({
    deployment: wanted.deployment,
    attempt: 1,
    phase: 'ready',
    url: `http://${String(address)}:8080`,
    failure: null,
  });
});

test('a repeated reconcile writes nothing at all', async () => {
  await using site = await clusterSite();
  const runtimes = site.openRuntimes();
  await stateOf(runtimes);
  const { writes, version } = site.store;

  await stateOf(runtimes);
  await stateOf(site.openRuntimes());

  expect(site.store).toMatchObject({ writes, version });
});

test('an archive of many chunks is handed over whole, and its chunks stay as they are', async () => {
  await using site = await clusterSite();
  const bytes = Buffer.alloc(2_500_000, 7);
  const large = wantedRuntime({ archive: sha256(bytes), bytes: async () => bytes });

  await stateOf(site.openRuntimes(), large);

  const chunks = site.store
    .all('configmaps', NAMESPACE)
    .filter(({ immutable }) => immutable === true)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const parts = chunks.map(({ binaryData }) =>
    Buffer.from(String(Object.values(binaryData as object)[0]), 'base64'),
  );
  expect(parts.map(({ length }) => length)).toEqual([1_000_000, 1_000_000, 500_000]);
  expect(sha256(Buffer.concat(parts))).toBe(large.archive);
});

test('after a crash between any two writes, what there is is adopted and the rest is made', async () => {
  for (let crashAfter = 1; crashAfter <= 4; crashAfter++) {
    await using site = await clusterSite();
    let writes = 0;
    site.state.faultOf = ({ method }) => {
      if (method === 'GET') return null;
      writes += 1;
      return writes <= crashAfter ? null : { kind: 'cut-before' };
    };
    await site.openRuntimes().reconcile([wanted]);
    const kept = site.store.all('jobs', NAMESPACE).map(({ metadata }) => metadata.uid);

    site.state.faultOf = () => null;
    const state = await stateOf(site.openRuntimes());

    expect(state.phase).toBe('ready');
    expect(site.store.all('jobs', NAMESPACE).map(({ metadata }) => metadata.uid)).toEqual(
      expect.arrayContaining(kept),
    );
    expect(countsOf(site)).toEqual({ configmaps: 1, jobs: 2, services: 1, pods: 1 });
  }
});

test('a run that is spared outlives its lease, after a restart as well, and only what is not spared is taken down', async () => {
  await using site = await clusterSite();
  const other = wantedRuntime({ run: 'run-8' });
  await statesOf(site.openRuntimes(), [wanted, other]);
  const { uid } = site.store.get('jobs', NAMESPACE, name).metadata;

  const restarted = site.openRuntimes();
  const spared = [{ family: wanted.family, run: wanted.run }];
  const told: unknown[] = [];
  for (let passed = 0; passed < 3 * PROFILE.leaseSeconds; passed += 100) {
    site.pass(100_000);
    const found = await restarted.reconcile([], spared);
    if (found.kind === 'known') told.push(...found.states.map(({ deployment }) => deployment));
  }

  expect(countsOf(site)).toEqual({ configmaps: 1, jobs: 2, services: 1, pods: 1 });
  expect(site.store.get('jobs', NAMESPACE, name).metadata.uid).toBe(uid);
  expect(told).not.toContain(wanted.deployment);
  expect(await stateOf(restarted)).toMatchObject({ attempt: 1, phase: 'ready' });
  expect(site.store.get('jobs', NAMESPACE, name).metadata.uid).toBe(uid);
});

test('a write whose answer is lost is found to have been made', async () => {
  await using site = await clusterSite();
  site.state.faultOf = ({ method }) => (method === 'GET' ? null : { kind: 'cut-after' });
  const runtimes = site.openRuntimes();
  for (let call = 0; call < 4; call++) await runtimes.reconcile([wanted]);

  site.state.faultOf = () => null;

  expect(await stateOf(runtimes)).toMatchObject({ phase: 'ready' });
  expect(countsOf(site)).toEqual({ configmaps: 1, jobs: 2, services: 1, pods: 1 });
});

test('drift of a Service and of a Job’s labels is put right in place', async () => {
  await using site = await clusterSite();
  const runtimes = site.openRuntimes();
  await stateOf(runtimes);
  const { uid } = site.store.get('jobs', NAMESPACE, name).metadata;
  site.store.patch('services', NAMESPACE, name, { spec: { selector: { [LABEL.attempt]: '9' } } });
  site.store.patch('jobs', NAMESPACE, name, { metadata: { labels: { [LABEL.submission]: 'x' } } });

  await stateOf(runtimes);
  await stateOf(runtimes);

  expect(site.store.get('services', NAMESPACE, name).spec?.['selector']).toMatchObject({
    [LABEL.attempt]: '1',
  });
  expect(site.store.get('jobs', NAMESPACE, name).metadata).toMatchObject({
    uid,
    labels: { [LABEL.submission]: 'sub-1' },
  });
});

test('a Service that somebody removed is made again', async () => {
  await using site = await clusterSite();
  const runtimes = site.openRuntimes();
  await stateOf(runtimes);
  site.store.remove('services', NAMESPACE, name);

  expect((await stateOf(runtimes)).phase).toBe('ready');
  expect(countsOf(site)).toMatchObject({ services: 1 });
});

test('without quota for a Job it waits, and begins when there is room', async () => {
  await using site = await clusterSite();
  site.store.quota = { jobs: 2 };
  const runtimes = site.openRuntimes();
  const second = wantedRuntime({ submission: 'sub-2' });

  const [one, two] = await statesOf(runtimes, [wanted, second]);
  expect(new Set([one?.phase, two?.phase])).toEqual(new Set(['ready', 'starting']));
  const held = one?.phase === 'ready' ? two : one;
  expect(held?.failure).toMatchObject({ reason: 'quota', ours: true });

  site.store.quota = {};
  const both = await statesOf(runtimes, [wanted, second]);
  expect(both.map(({ phase }) => phase)).toEqual(['ready', 'ready']);
});

test.each([
  [
    'quota for a pod',
    { kind: 'forbidden', message: 'pods "m" is forbidden: exceeded quota: miners' },
    'exceeded quota',
  ],
  ['a node that has room', { kind: 'unschedulable' }, 'Unschedulable'],
] as const)('without %s it waits as long as it takes', async (_what, fate, detail) => {
  await using site = await clusterSite();
  site.state.fateOf = () => fate;
  const runtimes = site.openRuntimes();
  await stateOf(runtimes);
  site.pass(600_000);

  expect(await stateOf(runtimes)).toMatchObject({
    phase: 'starting',
    failure: { reason: 'quota', ours: true, detail: expect.stringContaining(detail) },
  });
});

test.each([
  ['an image that does not come', { kind: 'waiting', reason: 'ImagePullBackOff' }, 'image'],
  [
    'a pod that is not admitted',
    { kind: 'forbidden', message: 'violates PodSecurity "restricted:latest"' },
    'rejected',
  ],
] as const)(
  '%s holds it up, and after its time fails it without blame',
  async (_what, fate, reason) => {
    await using site = await clusterSite();
    site.state.fateOf = () => fate;
    const runtimes = site.openRuntimes();

    expect(await stateOf(runtimes)).toMatchObject({
      phase: 'starting',
      failure: { reason, ours: true },
    });
    site.pass(200_000);
    expect(await stateOf(runtimes)).toMatchObject({
      phase: 'failed',
      failure: { reason, ours: true },
    });
  },
);

test.each([
  ['a crash', { kind: 'ended', container: 'miner', exitCode: 3 }, 'crashed', false],
  ['an end by itself', { kind: 'ended', container: 'miner', exitCode: 0 }, 'exited', false],
  [
    'an archive that does not unpack',
    { kind: 'ended', container: 'unpack', exitCode: 65 },
    'unpack',
    false,
  ],
  [
    'bytes that did not arrive',
    { kind: 'ended', container: 'unpack', exitCode: 64 },
    'unpack',
    true,
  ],
  [
    'a network that stayed open',
    { kind: 'ended', container: 'netgate', exitCode: 66 },
    'unavailable',
    true,
  ],
] as const)('%s ends the attempt', async (_what, fate, reason, ours) => {
  await using site = await clusterSite();
  site.state.fateOf = () => fate;
  const { exitCode } = fate;

  const state = await stateOf(site.openRuntimes());

  expect(state).toMatchObject({ phase: 'failed', url: null, failure: { reason, ours, exitCode } });
});

test('what never answers fails by its own fault, but not before its time', async () => {
  await using site = await clusterSite();
  site.state.fateOf = () => ({ kind: 'running' });
  const runtimes = site.openRuntimes();

  expect((await stateOf(runtimes)).phase).toBe('starting');
  site.pass(179_000);
  expect((await stateOf(runtimes)).phase).toBe('starting');
  site.pass(1_000);
  expect(await stateOf(runtimes)).toMatchObject({
    phase: 'failed',
    failure: { reason: 'not-ready', ours: false },
  });
});

test('the next attempt replaces the one that failed, which is not begun again', async () => {
  await using site = await clusterSite();
  site.state.fateOf = (labels) =>
    labels[LABEL.attempt] === '1'
      ? { kind: 'ended', container: 'miner', exitCode: 1 }
      : { kind: 'ready' };
  const runtimes = site.openRuntimes();
  await stateOf(runtimes);
  expect((await stateOf(runtimes)).phase).toBe('failed');

  const next = { ...wanted, attempt: 2 };
  expect(await stateOf(runtimes, next)).toMatchObject({ attempt: 2, phase: 'ready' });
  await stateOf(runtimes, next);

  expect(countsOf(site)).toEqual({ configmaps: 1, jobs: 2, services: 1, pods: 1 });
});

test('a lease is renewed a third of it after the last renewal, and not before', async () => {
  await using site = await clusterSite();
  const runtimes = site.openRuntimes();
  await stateOf(runtimes);
  const deadline = () => site.store.get('jobs', NAMESPACE, name).spec?.['activeDeadlineSeconds'];

  site.pass(290_000);
  await stateOf(runtimes);
  expect(deadline()).toBe(900);
  site.pass(20_000);
  await stateOf(runtimes);
  expect(deadline()).toBe(1_210);
});

test('without a validator the cluster ends a submission and removes all of it, by itself', async () => {
  await using site = await clusterSite();
  const runtimes = site.openRuntimes();
  await stateOf(runtimes);

  site.pass(901_000);
  expect(countsOf(site)).toMatchObject({ pods: 0, jobs: 2 });
  expect(await stateOf(runtimes)).toMatchObject({
    phase: 'failed',
    failure: { reason: 'deadline', ours: true },
  });
  site.pass(601_000);
  expect(countsOf(site)).toMatchObject({ pods: 0, jobs: 1, services: 0 });
  site.pass(1_200_000);
  site.pass(601_000);
  expect(countsOf(site)).toEqual(NOTHING);
});

test('a validator that comes back within its lease goes on with what runs, at no cost', async () => {
  await using site = await clusterSite();
  await stateOf(site.openRuntimes());
  const pods = () => site.store.all('pods', NAMESPACE).map(({ metadata }) => metadata.uid);
  const before = pods();
  site.pass(890_000);

  expect((await stateOf(site.openRuntimes())).phase).toBe('ready');
  site.pass(890_000);
  expect((await stateOf(site.openRuntimes())).phase).toBe('ready');
  expect(pods()).toEqual(before);
});

test('one that comes back when all leases are over is told so, and its next attempt is begun', async () => {
  for (const awayMs of [901_000, 1_801_000]) {
    await using site = await clusterSite();
    await stateOf(site.openRuntimes());
    site.pass(awayMs);
    const runtimes = site.openRuntimes();

    expect(await stateOf(runtimes)).toMatchObject({
      phase: 'failed',
      failure: { reason: 'deadline', ours: true },
    });
    const next = { ...wanted, attempt: 2 };
    await stateOf(runtimes, next);
    await stateOf(runtimes, next);
    expect(await stateOf(runtimes, next)).toMatchObject({ attempt: 2, phase: 'ready' });
    expect(countsOf(site)).toEqual({ configmaps: 1, jobs: 2, services: 1, pods: 1 });
  }
});

test('the anchor of a run outlives what it owns, and is renewed with it', async () => {
  await using site = await clusterSite();
  const runtimes = site.openRuntimes();
  const second = wantedRuntime({ submission: 'sub-2' });
  await statesOf(runtimes, [wanted, second]);
  const deadline = () =>
    site.store.get('jobs', NAMESPACE, anchorName(wanted, PROFILE)).spec?.['activeDeadlineSeconds'];
  site.pass(590_000);
  await statesOf(runtimes, [wanted, second]);
  expect(deadline()).toBe(1_800);
  site.pass(20_000);
  site.state.requests.length = 0;
  await statesOf(runtimes, [wanted, second]);
  expect(deadline()).toBe(2_410);
  expect(site.state.requests.filter((request) => request.startsWith('PATCH jobs/r-'))).toHaveLength(
    1,
  );
});

test('what is not wanted any more is removed, and told of until it is gone', async () => {
  await using site = await clusterSite();
  const runtimes = site.openRuntimes();
  const second = wantedRuntime({ submission: 'sub-2' });
  await statesOf(runtimes, [wanted, second]);
  site.state.automatic = false;

  const left = await statesOf(runtimes, [second]);
  expect(left.map(({ deployment, phase }) => [deployment, phase])).toEqual([
    [second.deployment, 'ready'],
    [wanted.deployment, 'ending'],
  ]);

  site.settle();
  expect(await statesOf(runtimes, [second])).toMatchObject([{ deployment: second.deployment }]);
  expect(countsOf(site)).toMatchObject({ jobs: 2, services: 1, pods: 1 });
});

test('a run is ended by one removal, and its end is waited for', async () => {
  await using site = await clusterSite();
  const runtimes = site.openRuntimes();
  const others = wantedRuntime({ run: 'run-8' });
  await statesOf(runtimes, [wanted, others]);
  site.state.requests.length = 0;

  expect(await runtimes.endAll({ family: 'general_chat', run: 'run-7' })).toEqual({
    kind: 'ended',
  });

  expect(site.state.requests.filter((request) => request.startsWith('DELETE'))).toHaveLength(1);
  expect(countsOf(site)).toEqual({ configmaps: 1, jobs: 2, services: 1, pods: 1 });
});

test('halves whose anchor somebody removed are taken down as well', async () => {
  await using site = await clusterSite();
  const runtimes = site.openRuntimes();
  await stateOf(runtimes);
  site.state.automatic = false;
  for (const resource of ['configmaps', 'jobs', 'services'] as const)
    for (const { metadata } of site.store.all(resource, NAMESPACE))
      site.store.patch(resource, NAMESPACE, metadata.name, { metadata: { ownerReferences: null } });
  site.store.remove('jobs', NAMESPACE, anchorName(wanted, PROFILE));
  site.state.automatic = true;

  expect(await runtimes.endAll({ family: 'general_chat', run: 'run-7' })).toEqual({
    kind: 'ended',
  });
  expect(countsOf(site)).toEqual(NOTHING);
});

test('an end that takes longer is told of, not waited for without end', async () => {
  await using site = await clusterSite();
  const runtimes = site.openRuntimes();
  await stateOf(runtimes);
  site.state.automatic = false;
  const stuck = site.openRuntimes();
  site.state.fateOf = () => ({ kind: 'ready' });
  site.store.patch('pods', NAMESPACE, site.store.all('pods', NAMESPACE)[0]?.metadata.name ?? '', {
    metadata: { ownerReferences: null },
  });

  expect(await stuck.endAll({ family: 'general_chat', run: 'run-7' })).toEqual({
    kind: 'ending',
    left: 1,
  });
});

test('another validator’s objects are never touched', async () => {
  await using site = await clusterSite();
  const other = site.openRuntimes({ instance: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY' });
  const theirs = wantedRuntime({ deployment: '00000000-0000-8000-8000-000000000000' });
  await statesOf(other, [theirs]);
  const before = JSON.stringify([...site.store.objects]);

  await statesOf(site.openRuntimes(), [wanted]);
  await statesOf(site.openRuntimes(), []);
  await site.openRuntimes().endAll({ family: 'general_chat', run: 'run-7' });

  expect(JSON.stringify([...site.store.objects])).toBe(before);
});

test('a cluster that does not answer is unknown, never empty', async () => {
  await using site = await clusterSite();
  const runtimes = site.openRuntimes();
  await stateOf(runtimes);
  site.state.faultOf = () => ({ kind: 'answer', status: 503, message: 'shutting down' });

  expect(await runtimes.reconcile([])).toEqual({ kind: 'unknown', detail: 'shutting down' });
  expect(await runtimes.endAll({ family: 'general_chat', run: 'run-7' })).toEqual({
    kind: 'unknown',
    detail: 'shutting down',
  });
  expect(countsOf(site)).toMatchObject({ jobs: 2 });
});

test('a server that asks for patience gets it, once', async () => {
  await using site = await clusterSite();
  let refused = false;
  site.state.faultOf = ({ method, resource }) => {
    if (method === 'GET' || resource !== 'jobs' || refused) return null;
    refused = true;
    return { kind: 'answer', status: 429, message: 'too many requests', retryAfter: 3 };
  };
  const before = site.now();

  expect((await stateOf(site.openRuntimes())).phase).toBe('ready');
  expect(site.now() - before).toBe(3_000);
});

test('a Job that the schema refuses is told of at once and not tried for ever', async () => {
  await using site = await clusterSite();
  site.state.faultOf = ({ method, resource }) =>
    method === 'PATCH' && resource === 'jobs'
      ? { kind: 'answer', status: 500, message: 'failed to create typed patch object: .spec.x' }
      : null;

  expect(await stateOf(site.openRuntimes())).toMatchObject({
    phase: 'starting',
    failure: { reason: 'rejected', ours: true, detail: expect.stringContaining('typed patch') },
  });
  expect(site.state.requests.filter((request) => request.startsWith('PATCH jobs'))).toHaveLength(1);
});

test('an archive that cannot be read here is our trouble, and nothing is begun', async () => {
  await using site = await clusterSite();
  const lost = wantedRuntime({ bytes: () => Promise.reject(new Error('no disk')) });
  const other = wantedRuntime({ bytes: async () => Buffer.from('other bytes') });

  for (const each of [lost, other]) {
    expect(await stateOf(site.openRuntimes(), each)).toMatchObject({
      phase: 'starting',
      failure: { reason: 'unavailable', ours: true },
    });
    expect(countsOf(site)).toMatchObject({ jobs: 1, pods: 0 });
  }
});

test('an unfit manifest is its miner’s failure, and hinders nobody else', async () => {
  await using site = await clusterSite();
  const unfit = wantedRuntime({
    submission: 'sub-2',
    manifest: encode({ runtime: { health_path: 'no' } }),
  });

  const [bad, good] = await statesOf(site.openRuntimes(), [unfit, wanted]);

  expect(bad).toMatchObject({ phase: 'failed', failure: { reason: 'rejected', ours: false } });
  expect(good?.phase).toBe('ready');
});

test('while a service that miners need is missing, nothing is begun', async () => {
  await using site = await clusterSite();
  site.store.remove('services', 'eirel-system', 'rag-tool-service');

  expect(await stateOf(site.openRuntimes())).toMatchObject({
    phase: 'starting',
    failure: { reason: 'unavailable', ours: true },
  });
  expect(countsOf(site)).toEqual(NOTHING);
});
