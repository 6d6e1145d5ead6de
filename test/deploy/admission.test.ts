import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { buildAnchor } from '#src/cluster/objects/anchor.ts';
import { buildChunks } from '#src/cluster/objects/chunks.ts';
import { buildJob } from '#src/cluster/objects/job.ts';
import { buildNetworkProbe } from '#src/cluster/objects/network-probe.ts';
import { buildService } from '#src/cluster/objects/service.ts';
import { readManifest } from '#src/evaluation/manifest.ts';
import { evaluate } from '../support/cel.ts';
import { PROFILE } from '../support/cluster-site.ts';
import { wantedRuntime } from '../support/wanted-runtime.ts';

type Policy = {
  kind: string;
  metadata: { name: string };
  spec: {
    paramKind?: object;
    matchConstraints: { resourceRules: { operations: string[]; resources: string[] }[] };
    variables?: { name: string; expression: string }[];
    validations: { message: string; expression: string }[];
    failurePolicy: string;
    validationActions: string[];
  };
};
const documents = parseAllDocuments(
  readFileSync(join(import.meta.dirname, '../../deploy/k8s/miners/admission.yaml'), 'utf8'),
).map((document) => document.toJS() as Policy); // safe: what is read of it is asserted by the tests

const IMAGES = { data: { runtime: PROFILE.runtimeImage, init: PROFILE.initImage } };

/** The messages with which a policy refuses an object. */
function refusals(name: string, object: object): readonly string[] {
  const policy = documents.find(
    ({ kind, metadata }) => kind === 'ValidatingAdmissionPolicy' && metadata.name === name,
  );
  if (policy === undefined) throw new Error(`no policy ${name}`);
  return refusalsOf(policy, { object, params: IMAGES });
}

/** The messages with which any policy refuses a change of a pod, where `miner-images` is what it is, or is not there. */
function refusedChanges(
  resource: string,
  { before, after, params }: Readonly<{ before: object; after: object; params: object | null }>,
): readonly string[] {
  return documents
    .filter(({ kind }) => kind === 'ValidatingAdmissionPolicy')
    .filter(({ spec }) =>
      spec.matchConstraints.resourceRules.some(
        ({ operations, resources }) =>
          operations.includes('UPDATE') && resources.includes(resource),
      ),
    )
    .flatMap((policy) =>
      // What the binding says is decided before anything of the policy is looked at.
      policy.spec.paramKind !== undefined && params === null
        ? ['no parameters']
        : refusalsOf(policy, { object: after, oldObject: before, params }),
    );
}

function refusalsOf({ spec }: Policy, named: Record<string, unknown>): readonly string[] {
  const variables = Object.fromEntries(
    (spec.variables ?? []).map((each) => [each.name, evaluate(each.expression, named)]),
  );
  return spec.validations
    .filter(({ expression }) => !holds(expression, { ...named, variables }))
    .map(({ message }) => message);
}

function holds(expression: string, names: Record<string, unknown>): boolean {
  try {
    return evaluate(expression, names) === true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

const wanted = wantedRuntime();
const UID = '00000000-0000-4000-8000-000000000001';
const ADDRESS = '10.43.0.1';
const services = {
  'provider-proxy': ADDRESS,
  'web-search-tool-service': ADDRESS,
  'url-fetch-tool-service': ADDRESS,
  'rag-tool-service': ADDRESS,
  'sandbox-tool-service': ADDRESS,
  ledger: ADDRESS,
};
function job() {
  const read = readManifest(wanted.manifest);
  if (read.kind !== 'read') throw new Error(read.detail);
  return buildJob({ wanted, manifest: read.manifest, profile: PROFILE, services, anchorUid: UID });
}

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
  expect(refusals('eirel-miner-pods', podOf())).toEqual([]);
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
  expect(refusals('eirel-miner-pods', podWith(change))).toEqual([expect.stringContaining(why)]);
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
  expect(refusedChanges('pods', { before, after: finalized(before), params })).toEqual([]);
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
  const refused = refusedChanges(resource, {
    before: podOf(),
    after: podWith(change),
    params: IMAGES,
  });

  expect(refused).toEqual([expect.stringContaining(why)]);
});

test('the pod that looks at the network is admitted, and so is its Job', () => {
  const probe = buildNetworkProbe('p-1', PROFILE, services);

  expect(refusals('eirel-miner-pods', probe.spec?.template ?? {})).toEqual([]);
  expect(refusals('eirel-validator-objects', probe)).toEqual([]);
});

test('what the validator makes is admitted', async () => {
  const [chunk] = buildChunks(wanted, await wanted.bytes(), UID, PROFILE);
  for (const object of [
    buildAnchor(wanted, PROFILE),
    job(),
    chunk ?? {},
    buildService(wanted, UID, PROFILE),
  ])
    expect(refusals('eirel-validator-objects', object)).toEqual([]);
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
])('of the validator’s objects one that is %s is refused', (_what, why, object) => {
  expect(refusals('eirel-validator-objects', object)).toEqual([expect.stringContaining(why)]);
});

test('each policy refuses, also when it cannot be evaluated, and is bound to the miners’ namespace', () => {
  const policies = documents.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy');
  const bindings = documents.filter(({ kind }) => kind === 'ValidatingAdmissionPolicyBinding');

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
