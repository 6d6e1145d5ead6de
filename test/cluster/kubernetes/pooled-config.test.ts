import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpMethod, RequestContext } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { loadKubeConfig, type PooledKubeConfig } from '#src/cluster/kubernetes/pooled-config.ts';
import { scratchDirectory } from '../../support/scratch-directory.ts';

const kubeconfig = (token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://192.0.2.1:6443' } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });

async function tokenOf(config: PooledKubeConfig): Promise<string | undefined> {
  const context = new RequestContext('https://192.0.2.1:6443/api', HttpMethod.GET);
  await config.applySecurityAuthentication(context);
  return context.getHeaders()['Authorization'];
}

test('a token that is renewed in the kubeconfig is used from the next request on', async () => {
  await using scratch = await scratchDirectory();
  const file = join(scratch.path, 'kubeconfig');
  await writeFile(file, kubeconfig('one'));
  const config = loadKubeConfig(file);
  expect(await tokenOf(config)).toBe('Bearer one');
  expect(await tokenOf(config)).toBe('Bearer one');

  await writeFile(`${file}.new`, kubeconfig('two'));
  await rename(`${file}.new`, file);

  expect(await tokenOf(config)).toBe('Bearer two');
  await config.close();
});

test.each<[string, (file: string) => Promise<void>]>([
  ['half written', (file) => writeFile(file, kubeconfig('two').slice(0, 40))],
  ['without a user', (file) => writeFile(file, kubeconfig('two').replace('"u"', '"other"'))],
  ['gone', (file) => rm(file)],
])('a kubeconfig that is %s changes nothing until it is whole again', async (_what, spoil) => {
  await using scratch = await scratchDirectory();
  const file = join(scratch.path, 'kubeconfig');
  await writeFile(file, kubeconfig('one'));
  const config = loadKubeConfig(file);
  await tokenOf(config);

  await spoil(file);
  expect(await tokenOf(config)).toBe('Bearer one');
  await writeFile(file, kubeconfig('three'));

  expect(await tokenOf(config)).toBe('Bearer three');
  await config.close();
});
