import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { capacityOf } from '#src/cluster/kubernetes/capacity.ts';
import { clusterSite, PROFILE } from '../../support/cluster-site.ts';

type Quota = { kind: string; metadata: { name: string }; spec: { hard: Record<string, string> } };
const [deployed] = parseAllDocuments(
  readFileSync(join(import.meta.dirname, '../../../deploy/k8s/miners/limits.yaml'), 'utf8'),
)
  .map((document) => document.toJS() as Quota) // safe: what is read of it is asserted by the test
  .filter(({ kind }) => kind === 'ResourceQuota');

test('the quota that is deployed holds as many submissions as its comment says', async () => {
  await using site = await clusterSite();
  site.store.create('resourcequotas', PROFILE.namespace, deployed ?? {});
  expect(await site.openRuntimes().capacity()).toBe(32);
});

test.each<[string, Record<string, string>, number | null]>([
  ['pods', { pods: '7' }, 7],
  ['Jobs, of which one is the anchor', { 'count/jobs.batch': '7' }, 6],
  ['thousandths of a processor', { 'limits.cpu': '6300m' }, 3],
  ['memory by powers of ten', { 'requests.memory': '6G' }, 2],
  ['disk', { 'limits.ephemeral-storage': '1.5Gi' }, 3],
  ['whatever is least', { pods: '7', cpu: '8', memory: '100Gi' }, 4],
  ['nothing', { pods: '0' }, 0],
  ['too little for one', { memory: '1Ki' }, 0],
  ['what a submission does not take', { 'count/secrets': '0', 'count/configmaps': '5' }, null],
  ['a form that quotas are not written in', { pods: 'many' }, null],
])('a quota of %s is held against what each submission is given', (_what, hard, room) => {
  expect(capacityOf([{ spec: { hard } }], PROFILE)).toBe(room);
});

test('the least of several quotas counts, and one of some pods alone does not', () => {
  const of = (pods: string) => ({ hard: { pods } });
  const scoped = { spec: { ...of('1'), scopes: ['BestEffort'] } };
  expect(capacityOf([{ spec: of('9') }, { spec: of('5') }, scoped], PROFILE)).toBe(5);
  expect(capacityOf([{ spec: { hard: { cpu: '0.3' } } }], { ...PROFILE, cpuMillis: 100 })).toBe(3);
});

test('a cluster that does not tell its quotas has a capacity that nobody knows', async () => {
  await using site = await clusterSite();
  site.state.faultOf = () => ({ kind: 'answer', status: 403, message: 'forbidden' });
  expect(await site.openRuntimes().capacity()).toBeNull();
});
