import { expect, test } from 'vitest';
import { failureOf, judgeSilence, type Trouble } from '#src/cluster/kubernetes/blame.ts';
import { attemptName, LABEL } from '#src/cluster/objects/names.ts';
import { clusterSite, PROFILE } from '../../support/cluster-site.ts';
import { wantedRuntime } from '../../support/wanted-runtime.ts';

test.each<[Trouble['kind'], string, boolean]>([
  ['no-room', 'quota', true],
  ['image', 'image', true],
  ['not-admitted', 'rejected', true],
  ['not-created', 'unavailable', true],
  ['not-started', 'unavailable', true],
  ['lease-ran-out', 'deadline', true],
  ['taken-away', 'unavailable', true],
  ['node-silent', 'unavailable', true],
  ['network-open', 'unavailable', true],
  ['bytes-differ', 'unpack', true],
  ['out-of-reach', 'unavailable', true],
  ['not-an-archive', 'unpack', false],
  ['too-much-disk', 'crashed', false],
  ['ended', 'exited', false],
  ['crashed', 'crashed', false],
  ['never-ready', 'not-ready', false],
  ['silent', 'not-ready', false],
])('“%s” is told as %s, ours: %s', (kind, reason, ours) => {
  expect(failureOf({ kind, exitCode: null, detail: ' why ' })).toEqual({
    reason,
    ours,
    exitCode: null,
    detail: 'why',
  });
});

test.each([
  ['nobody answers', 3_600_000, { onItsNode: false, anywhere: false }, null],
  ['it was silent for a moment only', 59_999, { onItsNode: true, anywhere: true }, null],
  ['others on its node answer', 60_000, { onItsNode: true, anywhere: true }, 'silent'],
  ['others answer, none on its node', 60_000, { onItsNode: false, anywhere: true }, 'out-of-reach'],
] as const)(
  'where %s, %i ms of silence conclude as much',
  (_what, silentMs, othersAnswer, kind) => {
    expect(judgeSilence({ silentMs, othersAnswer })?.kind ?? null).toBe(kind);
  },
);

const quiet = wantedRuntime({ miner: '5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y' });
const other = wantedRuntime({ submission: 'sub-2' });

/** A cluster in which one submission is ready for its kubelet and never answers us; the other one does. */
async function quietSite(nodeOf: (submission: string) => string = () => 'node-1') {
  const site = await clusterSite();
  site.state.fateOf = (labels) => ({
    kind: 'ready',
    node: nodeOf(labels[LABEL.submission] ?? ''),
  });
  const address = () =>
    site.store.get('services', PROFILE.namespace, attemptName(quiet, PROFILE)).spec?.['clusterIP'];
  site.answers.of = (host) => host !== address();
  return site;
}

test('a submission that answers its kubelet alone fails by its own fault after a minute', async () => {
  await using site = await quietSite();
  const runtimes = site.openRuntimes();
  const look = async () => {
    const found = await runtimes.reconcile([quiet, other]);
    return found.kind === 'known' ? found.states : [];
  };

  expect(await look()).toMatchObject([
    { phase: 'starting', failure: { reason: 'unavailable', ours: true } },
    { phase: 'ready' },
  ]);
  site.pass(59_000);
  expect((await look())[0]?.phase).toBe('starting');
  site.pass(1_000);
  expect(await look()).toMatchObject([
    { phase: 'failed', url: null, failure: { reason: 'not-ready', ours: false } },
    { phase: 'ready' },
  ]);
});

test('one that answers in between is silent anew', async () => {
  await using site = await quietSite();
  const runtimes = site.openRuntimes();
  const silent = site.answers.of;
  await runtimes.reconcile([quiet, other]);
  site.pass(59_000);
  site.answers.of = () => true;
  await runtimes.reconcile([quiet, other]);
  site.answers.of = silent;
  site.pass(59_000);

  const found = await runtimes.reconcile([quiet, other]);

  expect(found).toMatchObject({ states: [{ phase: 'starting' }, { phase: 'ready' }] });
});

test('alone, or beside its own miner’s others, its silence proves nothing', async () => {
  const same = wantedRuntime({ submission: 'sub-2', miner: quiet.miner });
  for (const all of [[quiet], [quiet, same]]) {
    await using site = await quietSite();
    const runtimes = site.openRuntimes();
    await runtimes.reconcile(all);
    site.pass(600_000);
    await runtimes.reconcile(all);

    const found = await runtimes.reconcile(all);

    expect(found.kind === 'known' && found.states[0]).toMatchObject({
      phase: 'starting',
      failure: { reason: 'unavailable', ours: true },
    });
  }
});

test('out of reach with its whole node, it is begun again, and nobody is blamed', async () => {
  await using site = await quietSite((submission) => `node-of-${submission}`);
  const runtimes = site.openRuntimes();
  await runtimes.reconcile([quiet, other]);
  site.pass(60_000);

  expect(await runtimes.reconcile([quiet, other])).toMatchObject({
    states: [
      { phase: 'failed', failure: { reason: 'unavailable', ours: true } },
      { phase: 'ready' },
    ],
  });
});

test.each([
  ['a node that is not heard of', { kind: 'lost-node' }, 'unavailable', true],
  [
    'an eviction for too much disk',
    { kind: 'evicted', message: 'Pod ephemeral local storage usage exceeds the total limit' },
    'crashed',
    false,
  ],
  [
    'an eviction for the node’s own want',
    { kind: 'evicted', message: 'The node was low on resource: memory' },
    'unavailable',
    true,
  ],
] as const)('%s is told by its own words', async (_what, fate, reason, ours) => {
  await using site = await clusterSite();
  site.state.fateOf = () => fate;
  const runtimes = site.openRuntimes();
  await runtimes.reconcile([quiet]);
  site.pass(200_000);

  expect(await runtimes.reconcile([quiet])).toMatchObject({
    states: [{ phase: 'failed', failure: { reason, ours } }],
  });
});
