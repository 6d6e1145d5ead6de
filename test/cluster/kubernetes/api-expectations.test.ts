import type { V1Job } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClusterApi, clusterApi } from '#src/cluster/kubernetes/cluster-api.ts';
import { type Kinds, kindsOf, listWhole } from '#src/cluster/kubernetes/kinds.ts';
import { outcomeOf } from '#src/cluster/kubernetes/outcome.ts';
import { loadKubeConfig, type PooledKubeConfig } from '#src/cluster/kubernetes/pooled-config.ts';
import { buildAnchor } from '#src/cluster/objects/anchor.ts';
import { buildChunks } from '#src/cluster/objects/chunks.ts';
import { anchorName, attemptName, LABEL } from '#src/cluster/objects/names.ts';
import { buildService } from '#src/cluster/objects/service.ts';
import { openWatch } from '#src/cluster/watch/watch-stream.ts';
import { builtJob, clusterSite, PROFILE, plainConfig } from '../../support/cluster-site.ts';
import { until } from '../../support/live-until.ts';
import { wantedRuntime } from '../../support/wanted-runtime.ts';

const KUBECONFIG = process.env['EIREL_TEST_KUBECONFIG'];
const wanted = wantedRuntime();
const name = attemptName(wanted, PROFILE);
const sites = [
  {
    site: 'the fake API server',
    open: async () => {
      const fake = await clusterSite();
      const config = plainConfig(fake.url);
      const close = async () => {
        await config.close();
        await fake[Symbol.asyncDispose]();
      };
      return { config, close };
    },
  },
  {
    site: 'the cluster of EIREL_TEST_KUBECONFIG, which has the namespace eirel-miners',
    open: async () => {
      const config = loadKubeConfig(KUBECONFIG);
      return { config, close: () => config.close() };
    },
  },
];

// One list of expectations: what the fake does is what a real server was seen to do.
describe.each(sites)('what a reconcile expects of $site', ({ site, open }) => {
  const skipped = site.includes('EIREL_TEST_KUBECONFIG') && KUBECONFIG === undefined;
  let config: PooledKubeConfig;
  let kinds: Kinds;
  let api: ClusterApi;
  let close: () => Promise<void>;
  let anchorUid = '';

  beforeAll(async () => {
    if (skipped) return;
    ({ config, close } = await open());
    kinds = kindsOf(config, PROFILE, 'eirel-system');
    api = clusterApi(config, PROFILE, kinds);
    await api.applyJob(buildAnchor(wanted, PROFILE));
    anchorUid = (await jobNamed(anchorName(wanted, PROFILE)))?.metadata?.uid ?? '';
  });
  afterAll(async () => {
    if (!skipped) await close();
  });
  const jobNamed = async (of: string) =>
    (await api.list()).jobs.find(({ metadata }) => metadata?.name === of);

  const jobOf = (health: string) =>
    builtJob(wanted, anchorUid, `{"runtime":{"health_path":"${health}"}}`);

  test.skipIf(skipped)('the same apply twice changes nothing', async () => {
    await api.applyJob(jobOf('/healthz'));
    const before = await jobNamed(anchorName(wanted, PROFILE));
    await api.applyJob(buildAnchor(wanted, PROFILE));
    const after = await jobNamed(anchorName(wanted, PROFILE));
    expect(after?.metadata?.uid).toBe(before?.metadata?.uid);
    expect(after?.metadata?.generation).toBe(before?.metadata?.generation);
  });

  test.skipIf(skipped)('a chunk that is there already is 409 AlreadyExists', async () => {
    const [chunk] = buildChunks(wanted, await wanted.bytes(), anchorUid, PROFILE);
    if (chunk === undefined) throw new Error('no chunk');
    await api.createConfigMap(chunk);
    expect(await outcomeOf(() => api.createConfigMap(chunk))).toMatchObject({
      kind: 'refused',
      status: 409,
      reason: 'AlreadyExists',
    });
    const [listed] = (await api.list()).configMaps;
    expect(listed).toMatchObject({ uid: expect.any(String), resourceVersion: expect.any(String) });
  });

  test.skipIf(skipped)('an anchor makes no pod', async () => {
    await until('the anchor to be begun', async () =>
      Boolean((await jobNamed(anchorName(wanted, PROFILE)))?.status?.startTime),
    );
    const pods = (await api.list()).pods.filter(({ metadata }) =>
      metadata?.ownerReferences?.some(({ uid }) => uid === anchorUid),
    );
    expect(pods).toEqual([]);
  });

  test.skipIf(skipped)('another template of a Job is 422 Invalid', async () => {
    expect(await outcomeOf(() => api.applyJob(jobOf('/other')))).toMatchObject({
      kind: 'refused',
      status: 422,
      reason: 'Invalid',
    });
  });

  test.skipIf(skipped)(
    'a watch from a list on tells of what happens, in order, by label',
    async () => {
      const { version } = await listWhole(kinds.jobs);
      const stop = new AbortController();
      const by = {
        silenceMs: 30_000,
        watchSeconds: 30,
        signal: stop.signal,
        onOpen: () => undefined,
      };
      const events = openWatch<V1Job>(config, kinds.jobs, version, by);
      const first = events.next();
      await api.renew(name, 1_000);
      const { value: event } = await first;
      stop.abort();

      expect(event).toMatchObject({
        type: 'MODIFIED',
        object: { metadata: { name, labels: { [LABEL.validator]: PROFILE.instance } } },
      });
      const heard = event?.type === 'MODIFIED' ? event.object.metadata?.resourceVersion : '';
      expect(BigInt(heard ?? '')).toBeGreaterThan(BigInt(version));
    },
  );

  test.skipIf(skipped)('a watch of ConfigMaps tells of no contents', async () => {
    const stop = new AbortController();
    const by = {
      silenceMs: 30_000,
      watchSeconds: 30,
      signal: stop.signal,
      onOpen: () => undefined,
    };
    const { value: event } = await openWatch(config, kinds.configMaps, '0', by).next();
    stop.abort();

    expect(event).toMatchObject({
      type: 'ADDED',
      object: { metadata: { uid: expect.any(String) } },
    });
    expect(event).not.toHaveProperty('object.binaryData');
  });

  test.skipIf(skipped)('the deadline of a Job that runs can be moved on', async () => {
    await api.renew(name, 1_234);
    const job = await jobNamed(name);
    expect(job?.spec?.activeDeadlineSeconds).toBe(1_234);
  });

  test.skipIf(skipped)('a Service has an address', async () => {
    const job = await jobNamed(name);
    await api.applyService(buildService(wanted, job?.metadata?.uid ?? '', PROFILE));
    const [service] = (await api.list()).services;
    expect(service?.spec?.clusterIP).toMatch(/^[0-9a-f.:]+$/);
  });

  test.skipIf(skipped)(
    'a removal of another object with the name is 409, of none 404',
    async () => {
      const other = '00000000-0000-4000-8000-999999999999';
      expect(await outcomeOf(() => api.remove('jobs', name, other))).toMatchObject({ status: 409 });
      expect(await outcomeOf(() => api.remove('jobs', 'm-0', other))).toMatchObject({
        status: 404,
      });
    },
  );

  test.skipIf(skipped)('with the anchor goes everything', async () => {
    await api.remove('jobs', anchorName(wanted, PROFILE), anchorUid);
    const left = await until('the end of all of it', async () => {
      const { configMaps, jobs, services: addresses, pods } = await api.list();
      return configMaps.length + jobs.length + addresses.length + pods.length === 0 && 'nothing';
    });
    expect(left).toBe('nothing');
  });
});
