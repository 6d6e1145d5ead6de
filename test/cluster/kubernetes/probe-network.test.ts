import { expect, test } from 'vitest';
import { clusterApi } from '#src/cluster/kubernetes/cluster-api.ts';
import { kindsOf } from '#src/cluster/kubernetes/kinds.ts';
import { type NetworkProof, probeNetwork } from '#src/cluster/kubernetes/probe-network.ts';
import { whereClosed } from '#src/cluster/kubernetes/where-closed.ts';
import { LABEL } from '#src/cluster/objects/names.ts';
import { clusterSite, PROFILE, plainConfig } from '../../support/cluster-site.ts';
import type { Fate } from '../../support/fake-kubernetes/controllers.ts';
import { until } from '../../support/live-until.ts';
import { wantedRuntime } from '../../support/wanted-runtime.ts';

type Site = Awaited<ReturnType<typeof clusterSite>>;

function prove(site: Site, canaryAnswers = () => Promise.resolve(true)): Promise<NetworkProof> {
  const config = plainConfig(site.url);
  return probeNetwork({
    api: clusterApi(config, PROFILE, kindsOf(config, PROFILE, 'eirel-system')),
    profile: PROFILE,
    name: 'p-1',
    canaryAnswers,
    wait: async (ms) => site.pass(ms),
    signal: new AbortController().signal,
  });
}

test.each<[string, Fate, NetworkProof['kind']]>([
  ['ends well', { kind: 'ended', container: 'miner', exitCode: 0 }, 'closed'],
  ['reaches what it must not', { kind: 'ended', container: 'miner', exitCode: 66 }, 'open'],
  ['crashes', { kind: 'ended', container: 'miner', exitCode: 1 }, 'unknown'],
  ['finds no image', { kind: 'waiting', reason: 'ImagePullBackOff' }, 'unknown'],
  ['is not admitted', { kind: 'forbidden', message: 'violates PodSecurity' }, 'unknown'],
])('where the pod that looks %s the network is told so', async (_what, fate, kind) => {
  await using site = await clusterSite();
  site.state.fateOf = () => fate;

  expect(await prove(site)).toMatchObject({ kind });
  site.pass(300_000);
  expect(site.store.all('jobs', PROFILE.namespace)).toEqual([]);
});

test('without an answer of the canary itself nothing is proved, nor without the services', async () => {
  await using site = await clusterSite();
  site.state.fateOf = () => ({ kind: 'ended', container: 'miner', exitCode: 0 });
  let asked = 0;
  expect(await prove(site, async () => false)).toMatchObject({ kind: 'unknown' });
  expect(await prove(site, async () => ++asked === 1)).toMatchObject({ kind: 'unknown' });
  site.store.remove('services', 'eirel-system', 'ledger');
  expect(await prove(site)).toMatchObject({ kind: 'unknown' });
});

test('the pod that looks is among the miners, and a reconcile leaves it alone', async () => {
  await using site = await clusterSite();
  site.state.automatic = false;
  const proof = prove(site);
  const [job] = await until('a Job', () => {
    const jobs = site.store.all('jobs', PROFILE.namespace);
    return jobs.length > 0 && jobs;
  });

  await site.openRuntimes().reconcile([]);

  expect(job?.metadata.labels).toMatchObject({ [LABEL.component]: 'miner' });
  expect(job?.metadata.deletionTimestamp).toBeUndefined();
  site.state.fateOf = () => ({ kind: 'ended', container: 'miner', exitCode: 0 });
  site.state.automatic = true;
  expect(await proof).toEqual({ kind: 'closed' });
});

test('nothing is begun before the network is proved closed, and it is proved again after a while', async () => {
  await using site = await clusterSite();
  const proofs: NetworkProof[] = [
    { kind: 'open', detail: 'a pod reaches the ledger' },
    { kind: 'closed' },
  ];
  let proved = 0;
  const troubles: string[] = [];
  const runtimes = whereClosed(site.openRuntimes(), {
    prove: async () => proofs[proved++] ?? { kind: 'closed' },
    now: site.now,
    onTrouble: (detail) => troubles.push(detail),
  });
  const wanted = wantedRuntime();

  expect(await runtimes.reconcile([wanted])).toMatchObject({
    kind: 'known',
    states: [{ phase: 'starting', failure: { ours: true, reason: 'unavailable' } }],
  });
  await until('a proof', () => proved === 1);
  expect(await runtimes.reconcile([wanted])).toMatchObject({
    kind: 'unknown',
    detail: expect.stringContaining('open: a pod reaches the ledger'),
  });
  expect(site.store.all('jobs', PROFILE.namespace)).toEqual([]);
  expect(proved).toBe(1);
  expect(await runtimes.reconcile([])).toMatchObject({ kind: 'known' });

  site.pass(60_000);
  await runtimes.reconcile([wanted]);
  await until('a second proof', () => proved === 2);
  expect(await runtimes.reconcile([wanted])).toMatchObject({ states: [{ phase: 'ready' }] });
  expect(troubles).toEqual(['open: a pod reaches the ledger']);
});

/** Runtimes after a restart that found what ran before, and a proof that is what it is told to be. */
async function restarted(site: Site, proof: () => Promise<NetworkProof>) {
  const wanted = wantedRuntime();
  await site.openRuntimes().reconcile([wanted]);
  const troubles: string[] = [];
  let proved = 0;
  const runtimes = whereClosed(site.openRuntimes(), {
    prove: () => {
      proved += 1;
      return proof();
    },
    now: site.now,
    onTrouble: (detail) => troubles.push(detail),
  });
  return { wanted, runtimes, troubles, proved: () => proved };
}

test.each<[string, () => Promise<NetworkProof>]>([
  ['has no answer yet', () => new Promise(() => undefined)],
  ['finds no room', async () => ({ kind: 'unknown', detail: 'exceeded quota' })],
  ['throws', () => Promise.reject(new TypeError('a defect'))],
])(
  'what runs is renewed while a restarted validator’s proof %s, and nothing is begun',
  async (_what, proof) => {
    await using site = await clusterSite();
    const { wanted, runtimes } = await restarted(site, proof);
    const other = wantedRuntime({ submission: 'sub-2', miner: 'other' });

    for (let round = 0; round < 20; round++) {
      site.pass(120_000);
      const found = await runtimes.reconcile([wanted, other]);
      expect(found).toMatchObject({
        kind: 'known',
        states: [{ phase: 'ready' }, { phase: 'starting', failure: { ours: true } }],
      });
    }

    expect(site.store.all('pods', PROFILE.namespace)).toHaveLength(1);
  },
);

test('what runs is replaced by nothing else while nobody knows about the network', async () => {
  await using site = await clusterSite();
  const wanted = wantedRuntime();
  const runtimes = site.openRuntimes();
  await runtimes.reconcile([wanted]);
  const podOf = () => site.store.all('pods', PROFILE.namespace).map(({ metadata }) => metadata.uid);
  const before = podOf();
  site.store.remove('services', 'eirel-system', 'rag-tool-service');
  site.store.create('services', 'eirel-system', {
    metadata: { name: 'rag-tool-service' },
    spec: {},
  });

  expect(await runtimes.reconcile([wanted], [], 'not known')).toMatchObject({
    states: [{ phase: 'ready' }],
  });
  expect(podOf()).toEqual(before);
  await runtimes.reconcile([wanted]);
  expect(podOf()).not.toEqual(before);
});

test.for([{ known: true }, { known: false }])(
  'where the network is seen open nothing is renewed, and what runs ends with its lease (members known: $known)',
  async ({ known }) => {
    await using site = await clusterSite();
    const { wanted, runtimes, proved } = await restarted(site, async () => ({
      kind: 'open',
      detail: 'a pod reaches the ledger',
    }));
    await runtimes.reconcile([wanted]);
    await until('a proof', () => proved() > 0);

    for (let round = 0; round < 20; round++) {
      site.pass(120_000);
      const found = known ? runtimes.reconcile([wanted]) : runtimes.reconcile([], [wanted]);
      expect(await found).toMatchObject({ kind: 'unknown' });
    }

    expect(site.store.all('pods', PROFILE.namespace)).toEqual([]);
  },
);

test('a proof that throws is told, and tried again after a while', async () => {
  await using site = await clusterSite();
  const { wanted, runtimes, troubles, proved } = await restarted(site, () =>
    Promise.reject(new TypeError('a defect')),
  );

  await runtimes.reconcile([wanted]);
  await until('a trouble', () => troubles.length > 0);
  await runtimes.reconcile([wanted]);
  expect(proved()).toBe(1);
  expect(troubles).toEqual(['unknown: the look at it failed: TypeError']);
  site.pass(60_000);
  await runtimes.reconcile([wanted]);

  expect(proved()).toBe(2);
});

test('the pod that looks takes next to nothing of the miners’ quota, whatever each of them is given', async () => {
  await using site = await clusterSite();
  site.state.automatic = false;
  void prove(site);
  const [job] = await until('a Job', () => {
    const jobs = site.store.all('jobs', PROFILE.namespace);
    return jobs.length > 0 && jobs;
  });

  expect(job?.spec).toMatchObject({
    template: {
      spec: { containers: [{ resources: { limits: { cpu: '250m', memory: '256Mi' } } }] },
    },
  });
  site.state.fateOf = () => ({ kind: 'ended', container: 'miner', exitCode: 0 });
  site.state.automatic = true;
});
