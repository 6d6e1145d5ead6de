import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRuntimes } from '#src/cli/open-runtimes.ts';
import { loadConfig } from '#src/config.ts';
import { clusterSite, PROFILE } from '../support/cluster-site.ts';
import { until } from '../support/live-until.ts';
import { wantedRuntime } from '../support/wanted-runtime.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'eirel-cluster-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const nowhere = 'http://127.0.0.1:9';
const services = {
  providerProxy: nowhere,
  webSearch: nowhere,
  urlFetch: nowhere,
  sandbox: nowhere,
  rag: nowhere,
};

/** A configuration that leads to a fake cluster by a kubeconfig, as an operator writes it. */
async function configOf(url: string, other: Readonly<Record<string, string>>) {
  const file = join(dir, `${new URL(url).port}.yaml`);
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(file, JSON.stringify(kubeconfig));
  return loadConfig({
    EIREL_KUBECONFIG: file,
    EIREL_RUNTIME_IMAGE: PROFILE.runtimeImage,
    EIREL_INIT_IMAGE: PROFILE.initImage,
    EIREL_LEDGER_URL: nowhere,
    ...other,
  });
}

test('what changes in the cluster wakes whoever opened it, and its end ends every watch', async () => {
  await using site = await clusterSite();
  const news = { changes: 0, troubles: [] as string[] };
  const config = await configOf(site.url, { EIREL_NETWORK_PROBE: 'off' });
  const runtimes = await openRuntimes(config, {
    instance: PROFILE.instance,
    services,
    onChange: () => (news.changes += 1),
    onTrouble: (kind, detail) => news.troubles.push(`${kind}: ${detail}`),
  });
  await until('all watches', () => site.state.watches.size === 6);
  const before = news.changes;

  const found = await runtimes.reconcile([wantedRuntime()]);
  await until('news', () => news.changes > before);
  await runtimes[Symbol.asyncDispose]();

  expect(found).toMatchObject({ kind: 'known', states: [{ attempt: 1 }] });
  await until('no watch', () => site.state.watches.size === 0);
  expect(site.store.all('jobs', PROFILE.namespace)).toHaveLength(2);
  expect(news.troubles).toEqual([]);
});

test('a network that is not proved closed lets nothing begin, and is told of', async () => {
  await using site = await clusterSite();
  const troubles: string[] = [];
  const runtimes = await openRuntimes(await configOf(site.url, {}), {
    instance: PROFILE.instance,
    services,
    onChange: () => undefined,
    onTrouble: (kind, detail) => troubles.push(`${kind}: ${detail}`),
  });

  expect(await runtimes.reconcile([wantedRuntime()])).toMatchObject({
    states: [{ phase: 'starting', url: null }],
  });
  await until('a trouble', () => troubles.length === 1);
  expect(troubles[0]).toContain('the ledger does not answer');
  expect(site.store.all('jobs', PROFILE.namespace)).toEqual([]);
  await runtimes[Symbol.asyncDispose]();
});
