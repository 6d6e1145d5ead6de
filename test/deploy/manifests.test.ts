import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { buildProbePod } from '#src/cluster/objects/pod.ts';
import {
  CANARY,
  MINER_PORT,
  PRIORITY_CLASS,
  SERVICE_PORTS,
  type ServiceAddresses,
} from '#src/cluster/objects/profile.ts';
import { type Config, Environment, loadConfig, validatorFaults } from '#src/config.ts';
import { PROFILE } from '../support/cluster-site.ts';
import { type Pod, type Policy, reaches } from '../support/network-policy.ts';

const FOLDER = join(import.meta.dirname, '../../deploy/k8s');

type Container = {
  name: string;
  image: string;
  env?: { name: string; value: string }[];
  envFrom?: { configMapRef: { name: string } }[];
  ports: { containerPort: number }[];
  securityContext: object;
  resources: { limits: Record<string, string> };
  readinessProbe: { httpGet?: { path: string } };
};
type Manifest = {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec: {
    selector: Record<string, string>;
    ports: { port: number }[];
    template: {
      metadata: { labels: Record<string, string> };
      spec: { containers: Container[]; automountServiceAccountToken: boolean } & Record<
        string,
        unknown
      >;
    };
  };
  rules: { resources: string[]; verbs: string[] }[];
};

const all: readonly Manifest[] = ['base', 'miners'].flatMap((folder) =>
  readdirSync(join(FOLDER, folder))
    .filter((file) => file !== 'kustomization.yaml')
    .flatMap((file) =>
      // safe: the members that the tests read are asserted by what they expect of them
      parseAllDocuments(readFileSync(join(FOLDER, folder, file), 'utf8')).map(
        (document) => document.toJS() as Manifest,
      ),
    ),
);
const ofKind = (kind: string) => all.filter((each) => each.kind === kind);
const policies = ofKind('NetworkPolicy') as unknown as readonly Policy[]; // safe: as above, by their kind
const deployments = ofKind('Deployment');
/** The sandbox makes namespaces, which the runtime's own profile forbids to whom has no capability. */
const SANDBOX_PROFILE = { type: 'Localhost', localhostProfile: 'eirel-sandbox.json' };
const portOf = ({ spec }: Manifest) =>
  spec.template.spec.containers[0]?.ports[0]?.containerPort ?? 0;

const miner: Pod = { namespace: 'eirel-miners', labels: { 'eirel.io/component': 'miner' } };
const system = (app: string): Pod => ({ namespace: 'eirel-system', labels: { app } });
const dns: Pod = { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } };
const stranger: Pod = { namespace: 'default', labels: { app: 'validator' } };

test('a miner reaches exactly the provider proxy and the four tools', () => {
  const reached = deployments
    .filter((each) => reaches(policies, miner, system(each.metadata.name), portOf(each)))
    .map((each) => [each.metadata.name, portOf(each)]);

  expect(Object.fromEntries(reached)).toEqual(SERVICE_PORTS);
  expect(reaches(policies, miner, dns, 53, 'UDP')).toBe(false);
  expect(reaches(policies, miner, dns, 53)).toBe(false);
  expect(reaches(policies, miner, miner, MINER_PORT)).toBe(false);
  expect(reaches(policies, miner, stranger, 443)).toBe(false);
  expect(reaches(policies, miner, system('provider-proxy'), 22)).toBe(false);
});

test('a miner is reached by the validator alone, and on its port alone', () => {
  const callers = [
    ...deployments.map(({ metadata }) => system(metadata.name)),
    dns,
    stranger,
    miner,
  ];

  expect(callers.filter((pod) => reaches(policies, pod, miner, MINER_PORT))).toEqual([
    system('validator'),
  ]);
  expect(reaches(policies, system('validator'), miner, 22)).toBe(false);
});

test('who reaches whom within the validator’s own namespace', () => {
  const names = deployments.map(({ metadata }) => metadata.name);
  const table = Object.fromEntries(
    deployments.map((to) => [
      to.metadata.name,
      names.filter((from) => reaches(policies, system(from), system(to.metadata.name), portOf(to))),
    ]),
  );

  const tools = [
    'provider-proxy',
    'web-search-tool-service',
    'url-fetch-tool-service',
    'rag-tool-service',
    'sandbox-tool-service',
  ];
  expect(table).toEqual({
    ledger: expect.arrayContaining(['validator', ...tools]),
    nats: expect.arrayContaining(['validator', 'ledger']),
    validator: expect.not.arrayContaining(tools),
    ...Object.fromEntries(tools.map((name) => [name, ['validator']])),
  });
  expect(table['nats']).toHaveLength(2);
  expect(table['ledger']).toHaveLength(6);
});

test('the canary is a service of the stack that no miner reaches', () => {
  const canary = deployments.find(({ metadata }) => metadata.name === CANARY.name);

  expect(canary && portOf(canary)).toBe(CANARY.port);
  expect(reaches(policies, miner, system(CANARY.name), CANARY.port)).toBe(false);
});

test.each(deployments.map((each) => [each.metadata.name, each] as const))(
  '%s is hardened and bounded, and has its Service',
  (name, { spec }) => {
    const { containers, ...pod } = spec.template.spec;
    expect(pod).toMatchObject({
      automountServiceAccountToken: name === 'validator',
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    for (const { securityContext, resources, env = [] } of containers) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        privileged: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ['ALL'] },
        ...(name === 'sandbox-tool-service' ? { seccompProfile: SANDBOX_PROFILE } : {}),
      });
      expect(Object.keys(resources.limits)).toEqual(
        expect.arrayContaining(['memory', 'ephemeral-storage']),
      );
      for (const { name: variable } of env) expect(Environment.shape).toHaveProperty(variable);
    }
    const service = ofKind('Service').find(({ metadata }) => metadata.name === name);
    expect(service?.spec.selector).toEqual(spec.template.metadata.labels);
    expect(service?.spec.ports.map(({ port }) => port)).toEqual([
      containers[0]?.ports[0]?.containerPort,
    ]);
  },
);

test('the validator may neither read secrets, nor make pods, nor touch policies', () => {
  const granted = ofKind('Role').flatMap(({ rules }) =>
    rules.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    ),
  );

  expect(
    granted.filter((each) => /secrets|networkpolicies|exec|portforward|deployments|\*/.test(each)),
  ).toEqual([]);
  expect(
    granted.filter((each) => /^(create|patch|update|delete) (pods|events)/.test(each)),
  ).toEqual([]);
  expect(granted).toEqual(
    expect.arrayContaining(['create jobs', 'patch jobs', 'delete configmaps', 'list events']),
  );
});

test('both namespaces admit restricted pods only', () => {
  for (const { metadata } of ofKind('Namespace'))
    expect(metadata.labels).toMatchObject({
      name: metadata.name,
      'pod-security.kubernetes.io/enforce': 'restricted',
    });
  expect(ofKind('Namespace')).toHaveLength(2);
});

const kubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

function built(overlay: string): readonly Manifest[] {
  const text = execFileSync('kubectl', ['kustomize', join(FOLDER, 'overlays', overlay)], {
    encoding: 'utf8',
  });
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest); // safe: as above
}

const containersOf = ({ spec }: Manifest) => spec.template.spec.containers;

test.skipIf(!kubectl).each([
  ['k3s-single', deployments.length],
  ['engine-outside', deployments.length - 1],
])('the overlay %s builds, with every image by its digest (needs kubectl)', (overlay, count) => {
  const found = built(overlay).filter(({ kind }) => kind === 'Deployment');
  const images = found.flatMap(containersOf).map(({ image }) => image);

  expect(images).toHaveLength(count);
  for (const image of images) expect(image).toMatch(/@sha256:[0-9a-f]{64}$/);
});

test.skipIf(!kubectl)(
  'admission is told the same images as the validator, and this software has one (needs kubectl)',
  () => {
    const all = built('k3s-single');
    const named = all.find(({ metadata }) => metadata.name === 'miner-images');
    const validator = all.find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'validator',
    );
    const [container] = validator === undefined ? [] : containersOf(validator);
    const env = new Map(container?.env?.map(({ name, value }) => [name, value]));

    expect(named).toMatchObject({
      data: { runtime: env.get('EIREL_RUNTIME_IMAGE'), init: env.get('EIREL_INIT_IMAGE') },
    });
    expect(env.get('EIREL_INIT_IMAGE')).toBe(container?.image);
  },
);

test.skipIf(!kubectl)(
  'a validator outside of the cluster reaches miners and services by its address alone (needs kubectl)',
  () => {
    const found = built('engine-outside').filter(({ kind }) => kind === 'NetworkPolicy');
    const blocks = found
      .filter((policy) => JSON.stringify(policy.spec).includes('192.0.2.10/32'))
      .map(({ metadata }) => metadata.name);

    expect(new Set(blocks)).toEqual(
      new Set(['miners-ingress', 'ledger', ...Object.keys(SERVICE_PORTS)]),
    );
    const outside = found as unknown as readonly Policy[]; // safe: as above, by their kind
    expect(reaches(outside, system('validator'), miner, MINER_PORT)).toBe(false);
    expect(reaches(outside, miner, system(CANARY.name), CANARY.port)).toBe(false);
    expect(reaches(outside, miner, system('provider-proxy'), 8_092)).toBe(true);
  },
);

test('what is kept over a restart is on a volume of its own', () => {
  const claims = ofKind('PersistentVolumeClaim').map(({ metadata }) => metadata.name);

  expect(new Set(claims)).toEqual(new Set(['ledger', 'nats', 'rag-tool-service', 'validator']));
  for (const name of claims) {
    const deployment = deployments.find(({ metadata }) => metadata.name === name);
    expect(deployment?.spec.template.spec['volumes']).toContainEqual({
      name: 'data',
      persistentVolumeClaim: { claimName: name },
    });
  }
});

test('the profile of the sandbox allows namespaces and mounts, and nothing that changes the machine', () => {
  const profile = Seccomp.parse(
    JSON.parse(readFileSync(join(FOLDER, 'seccomp', SANDBOX_PROFILE.localhostProfile), 'utf8')),
  );
  const refused = new Set(profile.syscalls.flatMap(({ names }) => names));

  expect(profile.syscalls.map(({ action }) => action)).toEqual(['SCMP_ACT_ERRNO']);
  for (const call of ['bpf', 'kexec_load', 'init_module', 'keyctl', 'ptrace', 'reboot', 'swapon'])
    expect(refused).toContain(call);
  for (const call of ['unshare', 'clone', 'clone3', 'mount', 'umount2', 'pivot_root', 'execve'])
    expect(refused).not.toContain(call);
});

const Seccomp = z.object({
  defaultAction: z.literal('SCMP_ACT_ALLOW'),
  syscalls: z.array(z.object({ names: z.array(z.string()), action: z.string() })),
});

test('the validator may watch what it lists, but for quotas, which it reads now and then', () => {
  const listed = ofKind('Role')
    .flatMap(({ rules }) => rules.filter(({ verbs }) => verbs.includes('list')))
    .filter(({ resources }) => !resources.includes('resourcequotas'));

  expect(listed.map(({ verbs }) => verbs)).toEqual(
    listed.map(() => expect.arrayContaining(['watch'])),
  );
  expect(listed.flatMap(({ resources }) => resources)).toEqual(
    expect.arrayContaining(['configmaps', 'services', 'jobs', 'pods', 'events']),
  );
});

test('submissions run with the priority that the stack has', () => {
  expect(ofKind('PriorityClass')).toMatchObject([
    { metadata: { name: PRIORITY_CLASS }, value: -10, preemptionPolicy: 'Never' },
  ]);
});

test('an outage of something else takes no validator out of its peers’ reach', () => {
  const probe = deployments.find(({ metadata }) => metadata.name === 'validator')?.spec.template
    .spec.containers[0]?.readinessProbe;

  expect(probe?.httpGet?.path).toBe('/livez');
});

/** The environment of each service of an overlay, with the operator's own settings as they are filled in. */
function environmentsOf(
  overlay: string,
  filled: Readonly<Record<string, string>>,
): ReadonlyMap<string, Record<string, string>> {
  const file = join(FOLDER, 'overlays', overlay, 'settings.yaml');
  const { data } = parse(readFileSync(file, 'utf8')) as {
    data: Record<string, string>;
  }; // safe: what is read of it is asserted by the tests
  const own = Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      value === FILL_IN ? (filled[name] ?? value) : value,
    ]),
  );
  return new Map(
    deployments.map((each) => {
      const [container] = each.spec.template.spec.containers;
      const reads = container?.envFrom?.some(
        ({ configMapRef }) => configMapRef.name === 'settings',
      );
      const set = container?.env?.map(({ name, value }) => [name, PINNED[name] ?? value]) ?? [];
      return [each.metadata.name, { ...(reads ? own : {}), ...Object.fromEntries(set) }];
    }),
  );
}

const FILL_IN = 'FILL-IN';
const FILLED = {
  EIREL_OWNER_URL: 'https://owner.example',
  EIREL_OWNER_HOTKEY: PROFILE.instance,
  EIREL_JUDGE_SERVICE_URL: 'https://judge.example',
  EIREL_LEDGER_HOTKEY: PROFILE.instance,
};
/** What the overlay's replacements put there. */
const PINNED: Readonly<Record<string, string>> = {
  EIREL_RUNTIME_IMAGE: PROFILE.runtimeImage,
  EIREL_INIT_IMAGE: PROFILE.initImage,
};
const SECRETS = ['EIREL_SERVICE_TOKEN_FILE', 'EIREL_JOB_KEY_FILE'] as const;
const LOG = ['EIREL_NATS_USER', 'EIREL_NATS_PASSWORD_FILE'] as const;

test.each<[string, readonly (keyof Config)[]]>([
  ['validator', [...SECRETS, ...LOG]],
  ['ledger', [...SECRETS, ...LOG, 'EIREL_LEDGER_HOTKEY']],
  ['provider-proxy', [...SECRETS, 'EIREL_PROVIDERS_FILE']],
  ['web-search-tool-service', [...SECRETS, 'EIREL_BRAVE_SEARCH_API_KEY_FILE']],
  ['url-fetch-tool-service', SECRETS],
  ['rag-tool-service', SECRETS],
  ['sandbox-tool-service', SECRETS],
])(
  'with the operator’s settings filled in %s has all that it cannot do without',
  (name, needed) => {
    const overlays = name === 'validator' ? ['k3s-single'] : ['k3s-single', 'engine-outside'];
    for (const overlay of overlays) {
      const config = loadConfig(environmentsOf(overlay, FILLED).get(name) ?? {});

      expect(needed.filter((setting) => config[setting] === undefined)).toEqual([]);
      if (name === 'validator') expect(validatorFaults(config)).toEqual([]);
    }
  },
);

test.each(Object.keys(FILLED))('%s that is not filled in is told by name', (left) => {
  const env = environmentsOf('k3s-single', { ...FILLED, [left]: FILL_IN }).get('validator') ?? {};

  expect(() => loadConfig(env)).toThrow(
    expect.objectContaining({
      details: expect.objectContaining({ faults: [expect.stringContaining(left)] }),
    }),
  );
});

test('a restart opens nobody the keys of a log, which its process would refuse then', () => {
  const withKeys = deployments.filter(({ spec }) =>
    spec.template.spec.containers[0]?.env?.some(({ name }) => name === 'EIREL_SIGNING_DIR'),
  );

  expect(withKeys.map(({ metadata }) => metadata.name)).toEqual(['ledger', 'validator']);
  for (const { spec } of withKeys)
    expect(spec.template.spec['securityContext']).toMatchObject({
      fsGroupChangePolicy: 'OnRootMismatch',
    });
});

test('the instructions name every file of a secret that a service reads', () => {
  const text = readFileSync(join(FOLDER, 'README.md'), 'utf8');
  for (const { metadata, spec } of deployments)
    for (const { value } of spec.template.spec.containers[0]?.env ?? []) {
      if (!value.startsWith('/secrets/')) continue;
      const row = text
        .split('\n')
        .find((line) => line.startsWith('   | ') && line.includes(`\`${metadata.name}\``));
      expect(row).toContain(`\`${value.slice('/secrets/'.length)}\``);
    }
});

test('miners that fill the quota leave room for the pod that looks at the network', () => {
  const [quota] = ofKind('ResourceQuota') as unknown as [
    { spec: { hard: Record<string, string> } },
  ]; // safe: as above
  const { hard } = quota.spec;
  const config = Environment.parse({});
  const look = buildProbePod(PROFILE, probeServices).containers[0]?.resources?.limits ?? {};
  const room = (name: string, each: number) => {
    const all = amountOf(hard[`limits.${name}`] ?? '');
    return { miners: Math.floor(all / each), left: all % each };
  };
  const cpu = room('cpu', config.EIREL_RUNTIME_CPU_MILLIS / 1_000);
  const memory = room('memory', config.EIREL_RUNTIME_MEMORY_MIB * 1_024 ** 2);

  expect(Number(hard['pods'])).toBeGreaterThan(Math.min(cpu.miners, memory.miners));
  expect(cpu.left).toBeGreaterThanOrEqual(amountOf(look['cpu'] ?? ''));
  expect(memory.left).toBeGreaterThanOrEqual(amountOf(look['memory'] ?? ''));
});

const probeServices = Object.fromEntries(
  [...Object.keys(SERVICE_PORTS), CANARY.name].map((name) => [name, '10.43.0.1']),
) as ServiceAddresses; // safe: exactly its names

/** A quantity as a number: `250m`, `2`, `256Mi`, `64Gi`. */
function amountOf(quantity: string): number {
  const units: Readonly<Record<string, number>> = { m: 0.001, Mi: 1_024 ** 2, Gi: 1_024 ** 3 };
  const unit = /[A-Za-z]+$/.exec(quantity)?.[0] ?? '';
  return Number.parseFloat(quantity) * (units[unit] ?? 1);
}
