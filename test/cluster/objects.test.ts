import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildAnchor } from '#src/cluster/objects/anchor.ts';
import { buildChunks } from '#src/cluster/objects/chunks.ts';
import { buildJob } from '#src/cluster/objects/job.ts';
import { attemptName } from '#src/cluster/objects/names.ts';
import { buildNetworkProbe } from '#src/cluster/objects/network-probe.ts';
import { buildService } from '#src/cluster/objects/service.ts';
import { readManifest } from '#src/evaluation/manifest.ts';
import { PROFILE } from '../support/cluster-site.ts';
import { wantedRuntime } from '../support/wanted-runtime.ts';

const wanted = wantedRuntime();
const UID = '00000000-0000-4000-8000-000000000001';
const services = {
  'provider-proxy': '10.43.0.1',
  'web-search-tool-service': '10.43.0.2',
  'url-fetch-tool-service': '10.43.0.3',
  'rag-tool-service': '10.43.0.4',
  'sandbox-tool-service': '10.43.0.5',
  ledger: '10.43.0.6',
};

function job(profile = PROFILE) {
  const read = readManifest(wanted.manifest);
  if (read.kind !== 'read') throw new Error(read.detail);
  return buildJob({ wanted, manifest: read.manifest, profile, services, anchorUid: UID });
}

test.each([
  ['anchor', () => buildAnchor(wanted, PROFILE)],
  ['chunk', async () => buildChunks(wanted, await wanted.bytes(), UID, PROFILE)[0]],
  ['job', job],
  ['service', () => buildService(wanted, UID, PROFILE)],
  ['network-probe', () => buildNetworkProbe('p-1', PROFILE, services)],
])('the %s is the committed one', async (name, build) => {
  const text = `${JSON.stringify(await build(), null, 2)}\n`;

  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, `golden/${name}.json`));
});

test('every container is hardened, pinned by digest, and as large as every other', () => {
  const pod = job().spec?.template.spec;
  const containers = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])];

  expect(containers.map(({ name }) => name)).toEqual(['unpack', 'netgate', 'miner']);
  for (const { image, securityContext, resources, envFrom } of containers) {
    expect(image).toMatch(/@sha256:[0-9a-f]{64}$/);
    expect(securityContext).toEqual({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(resources?.requests).toEqual(resources?.limits);
    expect(resources).toEqual(containers[0]?.resources);
    expect(envFrom).toBeUndefined();
  }
});

test('nothing of a pod is a secret, a token, a host’s or another user’s', () => {
  const pod = job().spec?.template.spec;

  expect(pod).toMatchObject({
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    dnsPolicy: 'None',
    restartPolicy: 'Never',
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  });
  expect(pod?.hostNetwork ?? pod?.hostPID ?? pod?.hostIPC).toBeUndefined();
  const kinds = (pod?.volumes ?? []).flatMap((volume) =>
    Object.keys(volume).filter((key) => key !== 'name'),
  );
  expect(kinds).toEqual(['projected', 'emptyDir', 'emptyDir']);
  expect(JSON.stringify(job())).not.toMatch(/secret|token(?!":false)/i);
  expect(pod?.hostAliases?.map(({ ip }) => ip)).not.toContain(services.ledger);
});

test('an object has another name when anything that it runs with is another', () => {
  const name = attemptName(wanted, PROFILE);
  const others = [
    attemptName({ ...wanted, attempt: 2 }, PROFILE),
    attemptName({ ...wanted, archive: 'cd'.repeat(32) }, PROFILE),
    attemptName({ ...wanted, run: 'run-8' }, PROFILE),
    attemptName(wanted, { ...PROFILE, memoryMib: 1_024 }),
    attemptName(wanted, { ...PROFILE, runtimeImage: PROFILE.initImage }),
    attemptName(wanted, { ...PROFILE, instance: wanted.miner }),
  ];

  expect(new Set([name, ...others]).size).toBe(7);
  expect(attemptName(wanted, { ...PROFILE, leaseSeconds: 60 })).toBe(name);
  for (const each of [name, ...others]) expect(each).toMatch(/^m-[0-9a-f]{12}$/);
});

test('bytes of another archive make no chunks', () => {
  expect(() => buildChunks(wanted, Buffer.from('other'), UID, PROFILE)).toThrow('archive');
});
