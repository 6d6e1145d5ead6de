import { afterEach, beforeEach, expect, test } from 'vitest';
import { failure } from '../support/simulated-extrinsics.ts';
import { status } from '../support/simulated-network.ts';
import {
  crown,
  decisionOf,
  everybody,
  FAMILY,
  minerKey,
  nodeOf,
  playBlocks,
  playRun,
  recordedOf,
  runInput,
  SETTLING,
  type Subnet,
  startSubnet,
  stopSubnet,
  takeDown,
} from '../support/simulated-run.ts';

let subnet: Subnet;
beforeEach(async () => {
  subnet = await startSubnet();
});
afterEach(() => stopSubnet(subnet));

const BURN = [{ uid: 0, weight: 65_535 }];
const PAYS = { 'miner a': [{ uid: 5, weight: 65_535 }], 'miner b': [{ uid: 6, weight: 65_535 }] };

/** The one decision that all of these validators made; fails when they differ in a byte. */
async function sharedDecision(sequence: number, names = ['v1', 'v2', 'v3', 'v4']) {
  const decisions = await Promise.all(
    names.map((name) => decisionOf(nodeOf(subnet, name), sequence)),
  );
  const [first] = decisions;
  for (const decision of decisions) expect(JSON.stringify(decision)).toBe(JSON.stringify(first));
  if (first === undefined) throw new Error('no validator was named');
  return first;
}

function byNumber(a: number | null, b: number | null): number {
  return (a ?? -1) - (b ?? -1);
}

/** What every validator has set on the chain. */
function weights() {
  return subnet.nodes.map(({ signer }) => subnet.chain.state.weights.get(signer.hotkey));
}

/** The reasons and winners of what the validators were about to set. */
async function intents(sequence: number, names = ['v1', 'v2', 'v3', 'v4']) {
  const intended = await Promise.all(
    names.map((name) => recordedOf(nodeOf(subnet, name), 'weights.intended.v1', sequence)),
  );
  return intended.flat().map(({ reason, winner, vector }) => ({ reason, winner, vector }));
}

test('honest validators decide byte-identically, certify and set the winner', async () => {
  await playRun(subnet, 1, everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 }));

  const { decision } = await sharedDecision(1);
  expect(decision.outcome).toMatchObject({
    kind: 'winner',
    reason: 'first-winner',
    winner: { hotkey: minerKey('miner a'), uid: 5 },
  });
  expect(weights()).toEqual(Array.from({ length: 4 }, () => PAYS['miner a']));
  for (const node of subnet.nodes) {
    const certificate = await node.validator.publisher.certificate(FAMILY, 'run-1');
    expect(certificate.kind).toBe('ready');
    expect((await node.events()).at(-1)?.event).toMatchObject({
      type: 'weights.observed.v1',
      data: { matches: true },
    });
  }
});

test('the incumbent is dethroned exactly at its median plus the margin', async () => {
  crown(subnet, 'miner a');
  await playRun(subnet, 1, everybody({ 'miner a': 0.6, 'miner b': 0.649999999 }));
  expect((await sharedDecision(1)).decision.outcome).toMatchObject({
    reason: 'incumbent-kept',
    winner: { hotkey: minerKey('miner a') },
  });
  expect(weights()).toEqual(Array.from({ length: 4 }, () => PAYS['miner a']));

  await playRun(subnet, 2, everybody({ 'miner a': 0.6, 'miner b': 0.65 }));
  const { decision } = await sharedDecision(2);
  expect(decision.medians.map(({ median }) => median).toSorted(byNumber)).toEqual([
    null,
    600_000_000,
    650_000_000,
  ]);
  expect(decision.outcome).toMatchObject({
    reason: 'challenger-won',
    winner: { hotkey: minerKey('miner b') },
  });
  expect(weights()).toEqual(Array.from({ length: 4 }, () => PAYS['miner b']));

  // The crown moves with what the chain pays: the new incumbent is defended by the same margin.
  crown(subnet, 'miner b');
  await playRun(subnet, 3, everybody({ 'miner a': 0.699999999, 'miner b': 0.65 }));
  expect((await sharedDecision(3)).decision.outcome).toMatchObject({
    reason: 'incumbent-kept',
    winner: { hotkey: minerKey('miner b') },
  });
});

test.for([
  {
    title: 'a third of the stake',
    liar: 'v1',
    scores: { 'miner a': 0, 'miner b': 0, 'miner c': 1 },
  },
  { title: 'an eighth of it', liar: 'v4', scores: { 'miner a': 0, 'miner b': 0, 'miner c': 1 } },
  { title: 'praise for all', liar: 'v1', scores: { 'miner a': 1, 'miner b': 1, 'miner c': 1 } },
])('a validator that inflates its miner moves no median: $title', async ({ liar, scores }) => {
  const honest = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 });
  await playRun(subnet, 1, honest);
  await playRun(subnet, 2, { ...honest, [liar]: scores });

  const [before, after] = [await sharedDecision(1), await sharedDecision(2)];
  expect(after.decision.medians).toEqual(before.decision.medians);
  expect(after.decision.outcome.winner).toEqual(before.decision.outcome.winner);
  expect(after.decision.quorum).toEqual(before.decision.quorum);
});

/** Nobody hears these validators' reports; their signed decisions still arrive. */
function keepReportsFrom(names: readonly string[]) {
  subnet.network.tamper = (url) => {
    const silent = names.includes(url.host.replace('.test', ''));
    return Promise.resolve(silent && !url.pathname.includes('decisions') ? status(404) : null);
  };
}

test.for([
  { title: 'holds the incumbent', incumbent: 'miner b' },
  { title: 'burns where nobody is paid', incumbent: null },
] as const)('a quorum miss that all agree on $title', async ({ incumbent }) => {
  crown(subnet, incumbent);
  // Each hears of itself and the two others: 5/8 of the stake at the most.
  keepReportsFrom(['v1', 'v2', 'v3', 'v4']);
  await playRun(subnet, 1, everybody({ 'miner a': 0.7, 'miner b': 0.1 }));

  const vector = incumbent === null ? BURN : PAYS[incumbent];
  for (const name of ['v1', 'v2', 'v3', 'v4']) {
    const { decision, inputs } = await decisionOf(nodeOf(subnet, name), 1);
    expect(decision.quorum.reached).toBe(false);
    expect(decision.medians).toEqual([]);
    expect(inputs.reports.filter(({ status }) => status === 'accepted')).toHaveLength(1);
    expect(decision.outcome).toMatchObject({
      kind: incumbent === null ? 'burn' : 'hold',
      reason: 'quorum-missed',
      vector,
    });
  }
  const winner = incumbent === null ? null : minerKey(incumbent);
  expect(await intents(1)).toEqual(
    Array.from({ length: 4 }, () => ({ reason: 'quorum-missed', winner, vector })),
  );
  expect(weights()).toEqual(Array.from({ length: 4 }, () => vector));
});

test.for([
  { title: 'the greater half gone, the incumbent', silent: ['v1', 'v2'], incumbent: 'miner b' },
  { title: 'the lesser half gone, the incumbent', silent: ['v3', 'v4'], incumbent: 'miner b' },
  { title: 'the lesser half gone and no incumbent, nobody', silent: ['v3', 'v4'], incumbent: null },
] as const)(
  'two silent validators of four leave no certificate: with $title is paid',
  async ({ silent, incumbent }) => {
    crown(subnet, incumbent);
    const rest = ['v1', 'v2', 'v3', 'v4'].filter((name) => !silent.some((gone) => gone === name));
    await playBlocks(subnet, 1, 1);
    for (const name of silent) takeDown(subnet, nodeOf(subnet, name));
    const scores = { 'miner a': 0.7, 'miner b': 0.1 };
    await playRun(subnet, 1, Object.fromEntries(rest.map((name) => [name, scores])));

    const { decision, inputs } = await sharedDecision(1, rest);
    expect(decision.outcome.reason).toBe('quorum-missed');
    expect(inputs.reports.filter(({ status }) => status === 'missing')).toHaveLength(2);
    const vector = incumbent === null ? BURN : PAYS[incumbent];
    const winner = incumbent === null ? null : minerKey(incumbent);
    expect(await intents(1, rest)).toEqual(
      rest.map(() => ({ reason: 'certificate-missed', winner, vector })),
    );
    for (const name of rest) {
      const node = nodeOf(subnet, name);
      expect(await recordedOf(node, 'certificate.missed.v1', 1)).toMatchObject([
        { block: runInput(1).phases.certify, total: '1200' },
      ]);
      expect(subnet.chain.state.weights.get(node.signer.hotkey)).toEqual(vector);
    }
  },
);

test('an incumbent outside the roster is held like any other, and defends nothing', async () => {
  const [miner] = subnet.chain.state.neurons.slice(-1);
  if (miner === undefined) throw new Error('the subnet has miners');
  const stranger = { ...miner, uid: 8, hotkey: minerKey('miner d'), incentive: 65_535 };
  subnet.chain.state.neurons = [...subnet.chain.state.neurons, stranger];
  const honest = subnet.network.tamper;
  keepReportsFrom(['v1', 'v2', 'v3', 'v4']);
  const { decide } = runInput(1).phases;
  await playRun(subnet, 1, everybody({ 'miner a': 0.7 }), {
    // Whom the chain pays at the decide block is another matter: the run opened with this incumbent.
    onBlock: (block) => crown(subnet, block < decide ? 'miner d' : null),
  });
  expect(weights()).toEqual(Array.from({ length: 4 }, () => [{ uid: 8, weight: 65_535 }]));

  crown(subnet, 'miner d');
  subnet.network.tamper = honest;
  await playRun(subnet, 2, everybody({ 'miner a': 0.01 }));
  expect((await sharedDecision(2)).decision.outcome.reason).toBe('first-winner');
  expect(weights()).toEqual(Array.from({ length: 4 }, () => PAYS['miner a']));
});

test('without a certificate by the deadline a winner is not set: the incumbent is held', async () => {
  crown(subnet, 'miner b');
  subnet.network.tamper = (url) =>
    Promise.resolve(url.pathname.includes('decisions') ? status(404) : null);
  await playRun(subnet, 1, everybody({ 'miner a': 0.9, 'miner b': 0.1 }));

  expect((await sharedDecision(1)).decision.outcome.reason).toBe('challenger-won');
  expect(await intents(1)).toEqual(
    Array.from({ length: 4 }, () => ({
      reason: 'certificate-missed',
      winner: minerKey('miner b'),
      vector: PAYS['miner b'],
    })),
  );
  expect(weights()).toEqual(Array.from({ length: 4 }, () => PAYS['miner b']));
});

test('weights that come too fast are set at the block that the chain names', async () => {
  const { certify } = runInput(1).phases;
  subnet.chain.state.refusal = failure('SettingWeightsTooFast', 'wait', certify + 6);
  await playRun(subnet, 1, everybody({ 'miner a': 0.7 }));
  expect(weights()).toEqual(Array.from({ length: 4 }, () => undefined));

  subnet.chain.state.refusal = null;
  await playBlocks(subnet, certify + 4, certify + 5);
  expect(subnet.chain.state.extrinsics.included.map(({ call }) => call.kind)).not.toContain(
    'weights',
  );
  await playBlocks(subnet, certify + 6, certify + 6 + SETTLING);
  expect(weights()).toEqual(Array.from({ length: 4 }, () => PAYS['miner a']));
});
