import { clusterApi } from '#src/cluster/kubernetes/cluster-api.ts';
import { kindsOf } from '#src/cluster/kubernetes/kinds.ts';
import { kubernetesRuntimes } from '#src/cluster/kubernetes/kubernetes-runtimes.ts';
import { PROFILE, plainConfig } from './cluster-site.ts';
import { wantedRuntime } from './wanted-runtime.ts';

/** A process that brings one submission to run in the cluster at an address, as a validator does, to be killed at it. */
const [url = '', now = '0'] = process.argv.slice(2);
const config = plainConfig(url);
const runtimes = kubernetesRuntimes({
  api: clusterApi(config, PROFILE, kindsOf(config, PROFILE, 'eirel-system')),
  view: () => null,
  profile: PROFILE,
  startMs: 180_000,
  probe: () => Promise.resolve(true),
  now: () => Number(now),
  wait: () => Promise.resolve(),
});
const found = await runtimes.reconcile([wantedRuntime()]);
process.stdout.write(JSON.stringify(found));
