import { afterEach, expect, test } from 'vitest';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { SignedDocument, verifyDocument } from '#src/consensus/signed.ts';
import { DIVERGENCE_TYPE } from '#src/events/divergence.ts';
import { decode, decodeBytes } from '#src/events/ej1.ts';
import { status } from '../support/simulated-network.ts';
import { ownerAnswer, ownerServes } from '../support/simulated-owner.ts';
import {
  crown,
  decisionOf,
  everybody,
  FAMILY,
  minerKey,
  nodeOf,
  PAYS_A,
  PAYS_B,
  playRun,
  recordedOf,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';
import type { SimulatedNode } from '../support/simulated-subnet.ts';

/** The consensus winner is miner a; the owner picks others. */
const MEASURED = everybody({ 'miner a': 0.9, 'miner b': 0.6, 'miner c': 0.3 });
const PAYS_C = [{ uid: 7, weight: 65_535 }];

let subnet: Subnet;
afterEach(() => stopSubnet(subnet));

function expectWeights(vector: typeof PAYS_A): void {
  for (const { signer } of subnet.nodes)
    expect(subnet.chain.state.weights.get(signer.hotkey)).toEqual(vector);
}

/** What every validator was about to set; fails when they differ. */
async function intent(sequence: number) {
  const intents = await Promise.all(
    subnet.nodes.map((node) => recordedOf(node, 'weights.intended.v1', sequence)),
  );
  for (const each of intents) expect(each).toEqual(intents[0]);
  expect(intents[0]).toHaveLength(1);
  return intents[0]?.[0];
}

async function typesOf(node: SimulatedNode): Promise<readonly string[]> {
  return [...new Set((await node.events()).map(({ event }) => event.type))];
}

test("owner mode sets the owner's pick, decides nothing and lends its scores", async () => {
  subnet = await startSubnet({ mode: 'owner' });
  ownerServes(subnet.network, (run) => ownerAnswer(run, 'miner b'));
  await playRun(subnet, 1, MEASURED);

  expect(await intent(1)).toMatchObject({
    mode: 'owner',
    reason: 'owner-pick',
    winner: minerKey('miner b'),
    vector: PAYS_B,
    outcome: null,
  });
  expectWeights(PAYS_B);
  for (const node of subnet.nodes) {
    expect(await typesOf(node)).toEqual([
      'run.opened.v1',
      'score.recorded.v1',
      'run.closed.v1',
      'report.signed.v1',
      'extrinsic.signed.v1',
      'snapshot.taken.v1',
      'extrinsic.included.v1',
      'extrinsic.settled.v1',
      'commitment-proof.read.v1',
      'scores.opened.v1',
      'owner-pick.observed.v1',
      'weights.intended.v1',
      'weights.observed.v1',
    ]);
    const { publisher } = node.validator;
    expect((await publisher.signedReport(FAMILY, 'run-1')).kind).toBe('ready');
    expect(await publisher.decision(FAMILY, 'run-1')).toBeNull();
  }
});

test("the owner's share of the weight is kept, the rest burns", async () => {
  subnet = await startSubnet({ mode: 'owner' });
  ownerServes(subnet.network, (run) => ownerAnswer(run, 'miner b', { share: 0.25 }));
  await playRun(subnet, 1, MEASURED);
  expect((await intent(1))?.vector).toEqual([
    { uid: 0, weight: 65_535 },
    { uid: 6, weight: 21_845 },
  ]);
});

test('an owner that names nobody burns', async () => {
  subnet = await startSubnet({ mode: 'owner' });
  crown(subnet, 'miner c');
  ownerServes(subnet.network, (run) => ownerAnswer(run, null));
  await playRun(subnet, 1, MEASURED);
  expect(await intent(1)).toMatchObject({ reason: 'owner-pick', winner: null });
  expectWeights([{ uid: 0, weight: 65_535 }]);
});

const MODES = ['owner', 'shadow'] as const;
const UNKNOWN = [
  { title: 'that is silent', answer: () => status(503), detail: 'HTTP status 503' },
  {
    title: 'that answers for another run',
    answer: () => ownerAnswer('run-7', 'miner b'),
    detail: 'run_id is run-7, expected run-1',
  },
  {
    title: 'that answers nonsense',
    answer: () => Buffer.from('<html>'),
    detail: 'not JSON',
  },
] as const;

test.for(MODES.flatMap((mode) => UNKNOWN.map((each) => ({ mode, ...each }))))(
  'an owner $title is unknown, and $mode mode holds the incumbent',
  async ({ mode, answer, detail }) => {
    subnet = await startSubnet({ mode });
    crown(subnet, 'miner c');
    const owner = ownerServes(subnet.network, answer);
    await playRun(subnet, 1, MEASURED);

    expect(await intent(1)).toMatchObject({
      mode,
      reason: 'owner-unknown',
      winner: minerKey('miner c'),
      vector: PAYS_C,
    });
    expectWeights(PAYS_C);
    // Asked at each block until the deadline, then told once.
    expect(owner.asked).toBeGreaterThan(subnet.nodes.length);
    for (const node of subnet.nodes) {
      expect(await recordedOf(node, 'owner-pick.missed.v1', 1)).toMatchObject([
        { detail: expect.stringContaining(detail) },
      ]);
      expect(await recordedOf(node, 'owner-pick.observed.v1', 1)).toEqual([]);
      expect(await recordedOf(node, 'divergence.recorded.v1', 1)).toEqual([]);
    }
  },
);

test.for(MODES)('an owner that answers late is still heard in %s mode', async (mode) => {
  subnet = await startSubnet({ mode });
  let asked = 0;
  ownerServes(subnet.network, (run) => (++asked > 6 ? ownerAnswer(run, 'miner b') : status(503)));
  await playRun(subnet, 1, MEASURED);
  expectWeights(PAYS_B);
});

test.for(MODES)('a pick without a seat holds the incumbent in %s mode', async (mode) => {
  subnet = await startSubnet({ mode });
  crown(subnet, 'miner c');
  ownerServes(subnet.network, (run) => ownerAnswer(run, 'miner d'));
  await playRun(subnet, 1, MEASURED);
  expect(await intent(1)).toMatchObject({ reason: 'owner-pick-unregistered', vector: PAYS_C });
  expectWeights(PAYS_C);
});

test('decentralized mode never asks the owner', async () => {
  subnet = await startSubnet({ mode: 'decentralized' });
  const owner = ownerServes(subnet.network, (run) => ownerAnswer(run, 'miner b'));
  await playRun(subnet, 1, MEASURED);
  expect(owner.asked).toBe(0);
  expect(await intent(1)).toMatchObject({
    mode: 'decentralized',
    reason: 'first-winner',
    outcome: expect.any(String),
  });
  expectWeights(PAYS_A);
});

test("shadow mode sets the owner's pick, certifies the consensus and records how they differ", async () => {
  subnet = await startSubnet({ mode: 'shadow' });
  // The owner ranks b, c, a; the validators a, b, c.
  const weights = { 'miner a': 0.1, 'miner b': 1, 'miner c': 0.5 };
  ownerServes(subnet.network, (run) => ownerAnswer(run, 'miner b', { weights }));
  await playRun(subnet, 1, MEASURED);

  expect(await intent(1)).toMatchObject({ mode: 'shadow', reason: 'owner-pick', outcome: null });
  expectWeights(PAYS_B);
  for (const node of subnet.nodes) {
    const { publisher } = node.validator;
    expect((await publisher.signedReport(FAMILY, 'run-1')).kind).toBe('ready');
    expect((await publisher.certificate(FAMILY, 'run-1')).kind).toBe('ready');
    const { decision } = await decisionOf(node, 1);
    expect(decision.outcome.winner?.hotkey).toBe(minerKey('miner a'));
    expect((await publisher.decision(FAMILY, 'run-1'))?.statements.length).toBeGreaterThan(0);
    const [observed] = await recordedOf(node, 'owner-pick.observed.v1', 1);
    expect(await recordedOf(node, 'divergence.recorded.v1', 1)).toEqual([
      {
        family: FAMILY,
        run: 'run-1',
        consensusWinner: minerKey('miner a'),
        ownerWinner: minerKey('miner b'),
        topOneAgrees: false,
        // Ranks 3 2 1 against 1 3 2: rho = 1 − 6·6 / (3·8) = −1/2, here with doubled ranks.
        rank: { n: 3, num: '-12', denA: '24', denB: '24' },
        overlap: { k: 3, common: 3 },
        inputs: decision.inputs,
        owner: observed?.evidence,
      },
    ]);
  }
});

test('a signed divergence summary verifies, and its figures count up to its records', async () => {
  subnet = await startSubnet({ mode: 'shadow' });
  const picks = ['miner a', 'miner b', null, 'miner a'];
  const weights = { 'miner a': 1, 'miner b': 0.5, 'miner c': 0.2 };
  ownerServes(subnet.network, (run) => {
    const index = Number(run?.slice('run-'.length)) - 1;
    const pick = picks[index];
    // The fourth run is answered for the third one, so it is never compared.
    return index < 3
      ? ownerAnswer(run, pick ?? null, { weights })
      : ownerAnswer('run-3', 'miner a');
  });
  for (const [index] of picks.entries()) await playRun(subnet, index + 1, MEASURED);

  for (const node of subnet.nodes) {
    const bytes = await node.validator.publisher.divergence(FAMILY, 50);
    expect(bytes).not.toBeNull();
    const document = SignedDocument.parse(decodeBytes(bytes ?? new Uint8Array()));
    expect(document).toMatchObject({ type: DIVERGENCE_TYPE, hotkey: node.signer.hotkey });
    expect(verifyDocument(document, verifySr25519)).toBe(true);
    const altered = { ...document, body: document.body.replace('"agreed":1', '"agreed":2') };
    expect(verifyDocument(altered, verifySr25519)).toBe(false);

    const records = (
      await Promise.all([1, 2, 3, 4].map((run) => recordedOf(node, 'divergence.recorded.v1', run)))
    ).flat();
    expect(records.map(({ topOneAgrees }) => topOneAgrees)).toEqual([true, false, null]);
    expect(decode(document.body)).toMatchObject({
      v: 'eirel/divergence/1',
      family: FAMILY,
      hotkey: node.signer.hotkey,
      window: { size: 50, firstRun: 'run-1', lastRun: 'run-4' },
      runs: 4,
      recorded: 3,
      missing: 1,
      repeated: 0,
      agreement: { agreed: 1, compared: 2 },
      undefinedRank: 0,
      records,
    });
  }
});

test('validators in owner mode lend their scores to the quorum of those in shadow mode', async () => {
  subnet = await startSubnet({ mode: 'shadow' });
  const lender = nodeOf(subnet, 'v1');
  lender.mode = 'owner';
  await lender.restart();
  ownerServes(subnet.network, (run) => ownerAnswer(run, 'miner b'));
  await playRun(subnet, 1, MEASURED);

  for (const name of ['v2', 'v3', 'v4']) {
    const { decision } = await decisionOf(nodeOf(subnet, name), 1);
    expect(decision.quorum.reported).toBe('1200');
    const [built] = await recordedOf(nodeOf(subnet, name), 'certificate.built.v1', 1);
    expect(built).toMatchObject({ signed: '800', total: '1200' });
  }
  expect(await recordedOf(lender, 'decision.signed.v1', 1)).toEqual([]);
  expectWeights(PAYS_B);
});
