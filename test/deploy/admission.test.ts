import { expect, test } from 'vitest';
import { clusterApi } from '#src/cluster/kubernetes/cluster-api.ts';
import { kindsOf } from '#src/cluster/kubernetes/kinds.ts';
import { outcomeOf } from '#src/cluster/kubernetes/outcome.ts';
import { buildAnchor } from '#src/cluster/objects/anchor.ts';
import { buildChunks } from '#src/cluster/objects/chunks.ts';
import { buildNetworkProbe } from '#src/cluster/objects/network-probe.ts';
import { buildService } from '#src/cluster/objects/service.ts';
import { bindings, policies, refused, VALIDATOR } from '../support/admission.ts';
import {
  builtJob,
  clusterSite,
  IMAGES,
  PROFILE,
  plainConfig,
  SERVICES,
} from '../support/cluster-site.ts';
import { wantedRuntime } from '../support/wanted-runtime.ts';

const wanted = wantedRuntime();
const UID = '00000000-0000-4000-8000-000000000001';
const job = () => builtJob(wanted, UID);

/** The messages with which a pod is refused that anybody makes. */
const refusedPod = (object: object): readonly string[] =>
  refused({ operation: 'CREATE', resource: 'pods', object, params: IMAGES, user: 'a controller' });

/** The messages with which an object of the validator is refused. */
const refusedObject = (object: object & { kind?: string }): readonly string[] => {
  const resource = `${object.kind?.toLowerCase()}s`;
  return refused({ operation: 'CREATE', resource, object, params: IMAGES, user: VALIDATOR });
};

/** The pod that a Job makes, with something of it changed. */
function podWith(change: (pod: ReturnType<typeof podOf>) => void) {
  const pod = podOf();
  change(pod);
  return pod;
}
function podOf() {
  const { metadata, spec } = structuredClone(job().spec?.template) ?? {};
  if (metadata?.labels === undefined || spec === undefined) throw new Error('no template');
  const [first] = spec.containers;
  if (first === undefined) throw new Error('no container');
  return { metadata: { labels: metadata.labels }, spec, first };
}

test('the pod of a submission is admitted', () => {
  expect(refusedPod(podOf())).toEqual([]);
});

const OTHER = `registry.example/other@sha256:${'3'.repeat(64)}`;
test.each<[string, string, (pod: ReturnType<typeof podOf>) => void]>([
  ['no label of a miner', 'label', ({ metadata }) => (metadata.labels['eirel.io/component'] = 'x')],
  ['another image', 'image', ({ first }) => (first.image = OTHER)],
  ['a tag', 'image', ({ first }) => (first.image = 'registry.example/eirel:latest')],
  [
    'an init container of another image',
    'image',
    ({ spec, first }) =>
      spec.initContainers?.push(Object.assign(structuredClone(first), { image: OTHER })),
  ],
  [
    'files that can be written',
    'writes',
    ({ first }) => (first.securityContext = { readOnlyRootFilesystem: false }),
  ],
  ['no security context', 'writes', ({ first }) => delete first.securityContext],
  [
    'an environment from a Secret',
    'environment',
    ({ first }) => (first.envFrom = [{ secretRef: { name: 'x' } }]),
  ],
  [
    'a variable from a Secret',
    'environment',
    ({ first }) =>
      (first.env = [{ name: 'x', valueFrom: { secretKeyRef: { name: 'x', key: 'x' } } }]),
  ],
  [
    'no limit of disk',
    'limits',
    ({ first }) => delete first.resources?.limits?.['ephemeral-storage'],
  ],
  ['a token', 'token', ({ spec }) => (spec.automountServiceAccountToken = true)],
  ['a name server', 'token', ({ spec }) => (spec.dnsPolicy = 'ClusterFirst')],
  ['an account', 'account', ({ spec }) => (spec.serviceAccountName = 'validator')],
  [
    'a folder of the host',
    'volume',
    ({ spec }) => spec.volumes?.push({ name: 'x', hostPath: { path: '/' } }),
  ],
  [
    'a Secret as a volume',
    'volume',
    ({ spec }) => spec.volumes?.push({ name: 'x', secret: { secretName: 'x' } }),
  ],
  [
    'a token as a part of a volume',
    'volume',
    ({ spec }) =>
      spec.volumes?.push({
        name: 'x',
        projected: { sources: [{ serviceAccountToken: { path: 'x' } }] },
      }),
  ],
  ['a boundless volume', 'volume', ({ spec }) => spec.volumes?.push({ name: 'x', emptyDir: {} })],
  ['restarts', 'begun again', ({ spec }) => (spec.restartPolicy = 'Always')],
  ['a high priority', 'begun again', ({ spec }) => delete spec.priorityClassName],
])('a pod with %s is refused', (_what, why, change) => {
  expect(refusedPod(podWith(change))).toEqual([expect.stringContaining(why)]);
});

/** The messages with which a change of a pod is refused, where `miner-images` is what it is, or is not there. */
const refusedChange = (
  resource: string,
  { before, after, params }: Readonly<{ before: object; after: object; params: object | null }>,
): readonly string[] =>
  refused({
    operation: 'UPDATE',
    resource,
    object: after,
    oldObject: before,
    params,
    user: 'a controller',
  });

/** What the Job controller leaves of a pod of which it has taken note. */
const finalized = (pod: ReturnType<typeof podOf>) =>
  Object.assign(structuredClone(pod), {
    metadata: { labels: pod.metadata.labels, finalizers: [] },
  });
const NEW_IMAGES = { data: { runtime: OTHER, init: OTHER } };

test.each([
  ['are as they were', IMAGES],
  ['are other ones by now', NEW_IMAGES],
  ['are not there', null],
])('a pod’s finalizer is taken off where the images %s', (_what, params) => {
  const before = Object.assign(podOf(), { status: {} });
  expect(refusedChange('pods', { before, after: finalized(before), params })).toEqual([]);
});

test.each<[string, string, string, (pod: ReturnType<typeof podOf>) => void]>([
  ['another image', 'pods', 'changed', ({ first }) => (first.image = OTHER)],
  ['other labels', 'pods', 'labels', ({ metadata }) => (metadata.labels['x'] = 'y')],
  ['none of its labels', 'pods', 'labels', ({ metadata }) => (metadata.labels = {})],
  [
    'a container that is added',
    'pods/ephemeralcontainers',
    'added',
    ({ spec }) => (spec.ephemeralContainers = [{ name: 'x' }]),
  ],
  ['more room', 'pods/resize', 'changed', ({ first }) => delete first.resources],
])('a pod that runs is not given %s', (_what, resource, why, change) => {
  const reasons = refusedChange(resource, {
    before: podOf(),
    after: podWith(change),
    params: IMAGES,
  });

  expect(reasons).toEqual([expect.stringContaining(why)]);
});

test('the pod that looks at the network is admitted, and so is its Job', () => {
  const probe = buildNetworkProbe('p-1', PROFILE, SERVICES);

  expect(refusedPod(probe.spec?.template ?? {})).toEqual([]);
  expect(refusedObject(probe)).toEqual([]);
});

const [chunk = {}] = buildChunks(wanted, await wanted.bytes(), UID, PROFILE);

test('what the validator makes is admitted', () => {
  for (const object of [
    buildAnchor(wanted, PROFILE),
    job(),
    chunk,
    buildService(wanted, UID, PROFILE),
  ])
    expect(refusedObject(object)).toEqual([]);
});

/** As the server reads it. */
const sent = (object: object): object => JSON.parse(JSON.stringify(object)) as object; // safe: an object's own text
const changed = (object: object, by: object): object => Object.assign(sent(object), by);

test.each<[string, string, object]>([
  ['without labels', 'labels', changed(job(), { metadata: {} })],
  [
    'a Job without an end',
    'deadline',
    changed(job(), { spec: { activeDeadlineSeconds: 900, ttlSecondsAfterFinished: 86_400 } }),
  ],
  [
    'a Service that nothing owns',
    'goes with',
    changed(buildService(wanted, UID, PROFILE), {
      metadata: { labels: buildAnchor(wanted, PROFILE).metadata?.labels },
    }),
  ],
  [
    'a Service of the node',
    'within the cluster',
    changed(buildService(wanted, UID, PROFILE), { spec: { type: 'NodePort' } }),
  ],
  ['a chunk that may change', 'never change', changed(chunk, { immutable: false })],
  ['a chunk that does not say so', 'never change', changed(chunk, { immutable: undefined })],
])('of the validator’s objects one that is %s is refused', (_what, why, object) => {
  expect(refusedObject(object)).toEqual([expect.stringContaining(why)]);
});

test('the API server takes no chunk whose bytes may change, and the one that is built', async () => {
  await using site = await clusterSite();
  const config = plainConfig(site.url);
  const api = clusterApi(config, PROFILE, kindsOf(config, PROFILE, 'eirel-system'));
  const loose = Object.assign(structuredClone(chunk), { immutable: false });

  expect(await outcomeOf(() => api.createConfigMap(loose))).toMatchObject({
    kind: 'refused',
    status: 422,
    detail: expect.stringContaining('never change'),
  });
  expect(site.store.all('configmaps')).toEqual([]);
  expect(await outcomeOf(() => api.createConfigMap(chunk))).toMatchObject({ kind: 'done' });
  await config.close();
});

test('each policy refuses, also when it cannot be evaluated, and is bound to the miners’ namespace', () => {
  expect(policies.map(({ spec }) => spec.failurePolicy)).toEqual(['Fail', 'Fail', 'Fail']);
  expect(bindings.map(({ metadata }) => metadata.name)).toEqual(
    policies.map(({ metadata }) => metadata.name),
  );
  for (const { spec } of bindings)
    expect(spec).toMatchObject({
      validationActions: ['Deny'],
      matchResources: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'eirel-miners' } },
      },
    });
});
