import { rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { HttpMethod, RequestContext } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { clusterApi } from '#src/cluster/kubernetes/cluster-api.ts';
import { kindsOf } from '#src/cluster/kubernetes/kinds.ts';
import { loadKubeConfig, type PooledKubeConfig } from '#src/cluster/kubernetes/pooled-config.ts';
import { openWatch } from '#src/cluster/watch/watch-stream.ts';
import { clusterSite, PROFILE } from '../../support/cluster-site.ts';
import { scratchDirectory } from '../../support/scratch-directory.ts';
import { selfSign } from '../../support/self-signed.ts';

function kubeconfig(
  token: string,
  cluster: object = { server: 'https://192.0.2.1:6443' },
  user: object = {},
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token, ...user } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}

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

test('a server that moves is followed by every client and every watch from the next request on', async () => {
  await using scratch = await scratchDirectory();
  const before = await clusterSite(); // ends below, as its machine does
  await using after = await clusterSite();
  const plain = { 'insecure-skip-tls-verify': true };
  const file = join(scratch.path, 'kubeconfig');
  await writeFile(file, kubeconfig('one', { server: `${before.url}/`, ...plain }));
  const config = loadKubeConfig(file);
  const kinds = kindsOf(config, PROFILE, 'eirel-system');
  const api = clusterApi(config, PROFILE, kinds);
  await api.list();
  await before[Symbol.asyncDispose]();
  await expect(api.list()).rejects.toThrow('fetch failed');

  await writeFile(file, kubeconfig('one', { server: after.url, ...plain }));

  expect((await api.list()).jobs).toEqual([]);
  const stop = new AbortController();
  const opened = Promise.withResolvers<void>();
  const by = { silenceMs: 30_000, watchSeconds: 30, signal: stop.signal, onOpen: opened.resolve };
  const watching = openWatch(config, kinds.jobs, '0', by).next();
  await opened.promise;
  stop.abort();
  await expect(watching).rejects.toThrow('aborted');
  expect(after.state.watches.size).toBe(1);
  await config.close();
});

test('certificates that are replaced, the server’s and our own, are used from the next request on', async () => {
  await using scratch = await scratchDirectory();
  const file = join(scratch.path, 'kubeconfig');
  await using first = await certifiedServer();
  await using second = await certifiedServer();
  await writeFile(file, first.kubeconfig);
  const config = loadKubeConfig(file);
  const api = clusterApi(config, PROFILE, kindsOf(config, PROFILE, 'eirel-system'));
  expect(await api.quotas()).toEqual([]);

  await writeFile(file, second.kubeconfig);

  expect(await Promise.all([api.quotas(), api.quotas()])).toEqual([[], []]);
  await config.close();
});

/** A server that knows one client, and how that one reaches it: by certificates that nothing else has. */
async function certifiedServer() {
  const [own, client] = [selfSign('api.test'), selfSign('client.test')];
  const demands = { requestCert: true, rejectUnauthorized: true, ca: client.cert };
  const server = createServer({ ...own, ...demands }, (_req, res) =>
    res.setHeader('Content-Type', 'application/json').end('{"items":[]}'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const cluster = {
    server: `https://127.0.0.1:${port}`,
    'certificate-authority-data': base64(own.cert),
    'tls-server-name': 'api.test',
  };
  const user = {
    'client-certificate-data': base64(client.cert),
    'client-key-data': base64(client.key),
  };
  return {
    kubeconfig: kubeconfig('one', cluster, user),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test('the connections are those of one pool as long as nothing changes', async () => {
  await using scratch = await scratchDirectory();
  const file = join(scratch.path, 'kubeconfig');
  const trusted = { 'certificate-authority-data': Buffer.from('x').toString('base64') };
  await writeFile(file, kubeconfig('one', { server: 'https://192.0.2.1:6443', ...trusted }));
  const config = loadKubeConfig(file);
  const poolOf = async () => {
    const context = new RequestContext('https://192.0.2.1:6443/api', HttpMethod.GET);
    await config.applySecurityAuthentication(context);
    return context.getDispatcher();
  };

  const [one, two] = await Promise.all([poolOf(), poolOf()]);
  expect(two).toBe(one);
  expect(await poolOf()).toBe(one);
  await config.close();
});
