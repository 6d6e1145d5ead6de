import { afterEach, beforeEach, expect, test } from 'vitest';
import { prng } from '../support/prng.ts';
import {
  bringUp,
  crown,
  decisionOf,
  everybody,
  measureRun,
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
import type { SimulatedNode } from '../support/simulated-subnet.ts';

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 });
const { snapshot, commit, decide, certify } = runInput(1).phases;

let subnet: Subnet;
let late: SimulatedNode;
beforeEach(async () => {
  subnet = await startSubnet();
  late = nodeOf(subnet, 'v4');
});
afterEach(() => stopSubnet(subnet));

/** Plays run 1 with the late validator away through these blocks; it is back at the one after them. */
async function playWithAbsence(from: number, to: number): Promise<void> {
  await measureRun(subnet, 1, MEASURED);
  if (from > snapshot) await playBlocks(subnet, snapshot, from - 1);
  takeDown(subnet, late);
  await playBlocks(subnet, from, to);
  subnet.chain.state.block = to + 1;
  await bringUp(subnet, late);
  await playBlocks(subnet, to + 1, certify + 2 + SETTLING);
}

test.for([
  { title: 'that was away while reports were exchanged', from: commit + 1, to: decide - 1 },
  { title: 'that came back after the decide block', from: commit, to: decide + 1 },
  {
    title: 'that was away from opening until after the deadline',
    from: snapshot + 1,
    to: certify + 1,
  },
  { title: 'that never saw the run begin', from: snapshot, to: certify + 1 },
  { title: 'that started between the phases', from: snapshot, to: decide + 1 },
])("a validator $title ends with the others' certificate", async ({ from, to }) => {
  crown(subnet, 'miner c');
  await playWithAbsence(from, to);

  const { decision } = await decisionOf(late, 1);
  // Back before the deadline it still asks for the reports; after it, only the certificate tells.
  expect(decision.outcome.kind).toBe(to < certify ? 'winner' : 'hold');
  const [own] = await recordedOf(late, 'certificate.built.v1', 1);
  const [others] = await recordedOf(nodeOf(subnet, 'v1'), 'certificate.built.v1', 1);
  expect(own?.certificate.outcome).toEqual(others?.certificate.outcome);
  expect(await recordedOf(late, 'certificate.missed.v1', 1)).toEqual([]);
  expect(await recordedOf(late, 'weights.intended.v1', 1)).toMatchObject([
    { reason: 'challenger-won', vector: [{ uid: 5, weight: 65_535 }] },
  ]);
  expectSameWeights();
});

function expectSameWeights(): void {
  const weights = subnet.nodes.map(({ signer }) => subnet.chain.state.weights.get(signer.hotkey));
  expect(weights).toEqual(weights.map(() => [{ uid: 5, weight: 65_535 }]));
}

test('a validator that only its peers cannot hear counts as missing, and follows them', async () => {
  subnet.network.tamper = (url, asker) =>
    Promise.resolve(
      url.host === 'v4.test' && asker !== 'v4'
        ? { kind: 'refused', reason: 'unreachable', detail: 'no route' }
        : null,
    );
  await playRun(subnet, 1, MEASURED);
  const { inputs } = await decisionOf(nodeOf(subnet, 'v1'), 1);
  const { inputs: own } = await decisionOf(late, 1);
  const statusIn = (of: typeof inputs) =>
    of.reports.find(({ hotkey }) => hotkey === late.signer.hotkey)?.status;
  expect([statusIn(inputs), statusIn(own)]).toEqual(['missing', 'accepted']);
  expectSameWeights();
});

test('wherever one validator is away for some blocks, all set the same weights', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = prng(`absence ${seed}`);
    const from = snapshot + Math.floor(random() * (certify - snapshot));
    const to = from + Math.floor(random() * (certify + 2 - from));
    late = subnet.nodes[Math.floor(random() * subnet.nodes.length)] ?? late;
    await playWithAbsence(from, to);

    const told = `seed ${seed}: ${late.name} away from block ${from} to ${to}`;
    for (const node of subnet.nodes) {
      expect(subnet.chain.state.weights.get(node.signer.hotkey), told).toEqual([
        { uid: 5, weight: 65_535 },
      ]);
      const ids = (await node.events()).map(({ id }) => id);
      expect(new Set(ids).size, told).toBe(ids.length);
    }
    await stopSubnet(subnet);
    subnet = await startSubnet();
  }
});
