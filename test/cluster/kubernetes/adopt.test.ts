import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRuntimeKeeper, type RuntimeDeps } from '#src/handlers/evaluation/keep-runtimes.ts';
import type { PlanNow } from '#src/handlers/evaluation/places.ts';
import { clusterSite, PROFILE } from '../../support/cluster-site.ts';
import { PROCESS_TEST_TIMEOUT_MS } from '../../support/live-until.ts';
import { idleClock, memoryBlobs, simulatedLog } from '../../support/simulated-log.ts';
import { wantedRuntime } from '../../support/wanted-runtime.ts';

const CHILD = join(import.meta.dirname, '../../support/runtimes-process.ts');
const wanted = wantedRuntime();

/** A run without tasks: its runtimes are kept all the same. */
const planOf = (
  members: PlanNow['members'],
  at: Readonly<{ family: string; run: string }>,
): PlanNow => ({
  ...at,
  tasks: new Map(),
  noOracle: new Set(),
  members,
  holdup: null,
  due: [],
  busy: new Set(),
});

const uidsOf = ({ store }: Awaited<ReturnType<typeof clusterSite>>) =>
  (['jobs', 'configmaps', 'services', 'pods'] as const).flatMap((resource) =>
    store.all(resource, PROFILE.namespace).map(({ metadata }) => metadata.uid),
  );

test.each([
  [2, 'its archive'],
  [3, 'its Job'],
])(
  'a validator that is killed at write %i, of %s, finds what it made and goes on from there',
  {
    timeout: PROCESS_TEST_TIMEOUT_MS,
  },
  async (kill) => {
    await using site = await clusterSite();
    const child = spawn(process.execPath, [CHILD, site.url, String(site.now())], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let writes = 0;
    site.state.faultOf = ({ method }) => {
      if (method === 'GET') return null;
      writes += 1;
      if (writes !== kill) return null;
      child.kill('SIGKILL');
      return { kind: 'cut-after' };
    };
    const [, signal] = await once(child, 'close');
    expect(signal).toBe('SIGKILL');
    site.state.faultOf = () => null;
    const before = uidsOf(site);
    expect(before.length).toBeGreaterThan(0);

    const found = await site.openRuntimes().reconcile([wanted]);

    expect(found).toMatchObject({ kind: 'known', states: [{ attempt: 1, phase: 'ready' }] });
    expect(uidsOf(site)).toEqual(expect.arrayContaining(before));
    expect(site.store.all('pods', PROFILE.namespace)).toHaveLength(1);
  },
);

test('one that dies between the start of a submission and its record tells of it once, and starts nothing anew', async () => {
  await using site = await clusterSite();
  await using log = await simulatedLog(idleClock(site.now()));
  const { plan, keeper } = await oneMiner(site, log);
  const { deployment } = wanted;
  const dying = keeper(() => Promise.reject(new Error('killed')));
  await expect(dying([plan], [])).rejects.toThrow('killed');
  const before = uidsOf(site);

  const adopting = keeper(log.record);
  const kept = await adopting([plan], []);
  await adopting([plan], []);

  if (kept.kind === 'unknown') throw new Error(kept.detail);
  expect(kept.standings.get(deployment)).toMatchObject({ standing: 'ready' });
  expect(log.data('runtime.ready.v1')).toMatchObject([{ deployment, attempt: 1 }]);
  expect(uidsOf(site)).toEqual(before);
});

test('a submission whose lease ran out is told of as ours, and its next attempt runs', async () => {
  await using site = await clusterSite();
  await using log = await simulatedLog(idleClock(site.now()));
  const { plan, keeper } = await oneMiner(site, log);
  const { deployment } = wanted;
  await keeper(log.record)([plan], []);
  site.pass(2_000_000);

  const next = keeper(log.record);
  for (let round = 0; round < 5; round++) {
    await next([plan], []);
    site.pass(10_000);
  }

  expect(log.data('runtime.failed.v1')).toMatchObject([
    { deployment, attempt: 1, reason: 'deadline', ours: true },
  ]);
  expect(log.data('runtime.ready.v1').map(({ attempt }) => attempt)).toEqual([1, 2]);

  expect(await keeper(log.record)([], [])).toEqual({ kind: 'known', standings: new Map() });
  site.pass(1_000);
  await keeper(log.record)([], []);
  expect(log.data('runtime.ended.v1')).toMatchObject([{ deployment, attempt: 2 }]);
  expect(uidsOf(site)).toEqual([]);
});

/** The plan of a run with one submission, and what keeps it running, a new life of it each time. */
async function oneMiner(
  site: Awaited<ReturnType<typeof clusterSite>>,
  log: Awaited<ReturnType<typeof simulatedLog>>,
) {
  const blobs = memoryBlobs();
  await blobs.put(await wanted.bytes());
  const { family, run, submission, miner, archive, manifest, deployment } = wanted;
  const member = { submission, miner, archive, manifest, deployment };
  const keeper = (record: RuntimeDeps['record']) =>
    createRuntimeKeeper({
      runtimes: site.openRuntimes(),
      queries: log.queries,
      blobs,
      record,
      alone: (act) => act(),
      outageUntilNow: async () => null,
      clock: site.now,
    });
  return { plan: planOf([member], { family, run }), keeper };
}
