import { afterEach, expect, test } from 'vitest';
import { commitmentPayload, scoreDigest } from '#src/consensus/commitment.ts';
import type { ReportInput } from '#src/events/decision.ts';
import { forgedReport } from '../support/forged-documents.ts';
import { failure } from '../support/simulated-extrinsics.ts';
import { body } from '../support/simulated-network.ts';
import {
  bringUp,
  decisionOf,
  everybody,
  FAMILY,
  hostOf,
  measureRun,
  nodeOf,
  playBlocks,
  playRun,
  recordedOf,
  resultLines,
  runInput,
  SETTLING,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';
import { RULES, type SimulatedNode } from '../support/simulated-subnet.ts';

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 });
const REQUIRED = { rules: { ...RULES, requireCommitment: true } };
const { snapshot, commit, decide, certify } = runInput(1).phases;

let subnet: Subnet;
afterEach(() => stopSubnet(subnet));

/** What a node's own report of run 1 says on chain. */
async function payloadOf(node: SimulatedNode): Promise<string> {
  const [report] = await recordedOf(node, 'report.signed.v1', 1);
  if (report === undefined) throw new Error(`${node.name} has no report`);
  return commitmentPayload('run-1', report.body);
}

/** What became of a validator's report in a node's decision of run 1. */
async function inputOf(node: SimulatedNode, of: SimulatedNode): Promise<ReportInput | undefined> {
  const { inputs } = await decisionOf(node, 1);
  return inputs.reports.find(({ hotkey }) => hotkey === of.signer.hotkey);
}

const settledOf = async (node: SimulatedNode) =>
  (await recordedOf(node, 'extrinsic.settled.v1', 1)).filter(
    ({ purpose }) => purpose === 'commitment',
  );

test('each validator commits to its report before anybody can read one, and all know of it', async () => {
  subnet = await startSubnet(REQUIRED);
  await playRun(subnet, 1, MEASURED);

  const { commitments } = subnet.chain.state;
  expect(commitments).toHaveLength(4);
  for (const node of subnet.nodes) {
    const own = commitments.filter(({ hotkey }) => hotkey === node.signer.hotkey);
    expect(own.map(({ fields }) => fields[0])).toEqual([await payloadOf(node)]);
    expect(own[0]?.block).toBeGreaterThan(snapshot);
    expect(own[0]?.block).toBeLessThanOrEqual(commit);
    expect(await settledOf(node)).toMatchObject([{ outcome: 'succeeded', attempt: 1 }]);
    const [read, ...more] = await recordedOf(node, 'commitments.read.v1', 1);
    expect(more).toEqual([]);
    expect(read).toMatchObject({ after: snapshot, upTo: commit });
    expect(read?.found.map(({ hotkey }) => hotkey)).toEqual(
      subnet.nodes.map(({ signer }) => signer.hotkey).toSorted(),
    );
    const { inputs } = await decisionOf(node, 1);
    expect(inputs.commitments).toMatchObject({ known: true });
    expect(inputs.reports.map(({ status }) => status)).toEqual(Array(4).fill('accepted'));
  }
});

test('a run that nobody closes closes by itself, in time to commit', async () => {
  subnet = await startSubnet(REQUIRED);
  const input = runInput(1);
  subnet.chain.state.block = snapshot - 1;
  for (const node of subnet.nodes) {
    await node.validator.openRun(input);
    await node.validator.importScores(resultLines('run-1', MEASURED['v1'] ?? {}));
  }
  await playBlocks(subnet, snapshot, certify + SETTLING);
  for (const node of subnet.nodes) {
    expect(await recordedOf(node, 'run.closed.v1', 1)).toMatchObject([{ reason: 'commit-due' }]);
    expect(await settledOf(node)).toMatchObject([{ outcome: 'succeeded', block: commit }]);
    expect((await inputOf(node, node))?.status).toBe('accepted');
  }
});

test.for([
  {
    title: 'committed to nothing',
    plants: 'nothing',
    status: 'rejected',
    reason: 'commitment-missing',
  },
  {
    title: 'committed to another report',
    plants: 'other',
    status: 'rejected',
    reason: 'commitment-mismatch',
  },
  { title: 'committed to two reports', plants: 'second', status: 'equivocated', reason: null },
  { title: 'committed too late', plants: 'late', status: 'rejected', reason: 'commitment-missing' },
] as const)('a validator that $title does not count', async ({ plants, status, reason }) => {
  subnet = await startSubnet(REQUIRED);
  const liar = nodeOf(subnet, 'v4');
  const { hotkey } = liar.signer;
  const text = `eirel/scores/v1:run-1:${scoreDigest('another report')}`;
  const plant = (block: number) =>
    subnet.chain.state.planted.push({ hotkey, block, fields: [text] });
  const { extrinsics } = subnet.chain.state;
  await playRun(subnet, 1, MEASURED, {
    onBlock: (block) => {
      // What the liar's own process puts on the chain is taken off it, so that only the lie is there.
      if (plants !== 'second') {
        const at = extrinsics.included.findIndex(
          (each) => each.hotkey === hotkey && each.call.kind === 'commitment',
        );
        if (at >= 0) extrinsics.included.splice(at, 1);
      }
      if (block === snapshot + 1 && plants === 'other') plant(snapshot + 1);
      if (block === commit && plants === 'second') plant(commit);
      if (block === commit + 1 && plants === 'late') plant(commit + 1);
    },
  });
  for (const node of subnet.nodes.filter((each) => each !== liar)) {
    expect(await inputOf(node, liar)).toMatchObject({ status, reason });
    expect((await decisionOf(node, 1)).decision.outcome.kind).toBe('winner');
  }
  // Its own report is held against no commitment, but two commitments are evidence against anybody.
  expect(await inputOf(liar, liar)).toMatchObject({
    status: plants === 'second' ? 'equivocated' : 'accepted',
  });
  if (plants === 'second') {
    const reads = await recordedOf(nodeOf(subnet, 'v1'), 'commitments.read.v1', 1);
    const found = reads.flatMap((read) => read.found).find((each) => each.hotkey === hotkey);
    const second = { block: commit, digest: scoreDigest('another report') };
    expect(found?.second).toEqual(second);
    // Whoever asks any validator for the run sees both.
    const { publisher } = nodeOf(subnet, 'v1').validator;
    const shown = (await publisher.decision(FAMILY, 'run-1'))?.commitments;
    expect(shown?.find((each) => each.hotkey === hotkey)).toEqual(found);
  }
});

test('a report that is shown instead of the committed one does not count', async () => {
  subnet = await startSubnet(REQUIRED);
  const liar = nodeOf(subnet, 'v4');
  const shown = forgedReport(liar, 1, { 'miner c': 1_000_000_000 });
  subnet.network.tamper = (url) =>
    Promise.resolve(
      url.host !== hostOf(liar)
        ? null
        : url.pathname.includes('/scores/')
          ? body(shown.bytes)
          : url.searchParams.get('view') === 'index'
            ? { kind: 'ok', status: 404, body: new Uint8Array() }
            : null,
    );
  await playRun(subnet, 1, MEASURED);
  for (const name of ['v1', 'v2', 'v3'])
    expect(await inputOf(nodeOf(subnet, name), liar)).toEqual({
      hotkey: liar.signer.hotkey,
      stake: '150',
      status: 'rejected',
      reason: 'commitment-mismatch',
      digest: shown.digest,
    });
});

test('a validator whose endpoint forgot the commitments holds, says so once and follows the others', async () => {
  subnet = await startSubnet(REQUIRED);
  const blind = nodeOf(subnet, 'v4');
  subnet.chain.state.forgetful.add('v4');
  await playRun(subnet, 1, MEASURED);

  expect(await recordedOf(blind, 'commitments.missed.v1', 1)).toMatchObject([
    { block: (decide + certify) / 2, reason: 'unavailable' },
  ]);
  const { inputs, decision } = await decisionOf(blind, 1);
  expect(inputs.commitments).toEqual({ known: false, reason: 'unavailable' });
  expect(decision.outcome).toMatchObject({ kind: 'burn', reason: 'chain-unavailable' });
  expect(await recordedOf(blind, 'weights.intended.v1', 1)).toMatchObject([
    { reason: 'first-winner' },
  ]);
});

test.for([true, false])('commitments that nobody can read, required: %s', async (required) => {
  subnet = await startSubnet(required ? REQUIRED : {});
  await playRun(subnet, 1, MEASURED, {
    onBlock: (block) => {
      if (block > commit)
        for (const { name } of subnet.nodes) subnet.chain.state.forgetful.add(name);
    },
  });
  for (const node of subnet.nodes) {
    const { decision, inputs } = await decisionOf(node, 1);
    expect(decision.outcome.reason).toBe(required ? 'chain-unavailable' : 'first-winner');
    expect(inputs.commitments).toEqual(required ? { known: false, reason: 'unavailable' } : null);
    expect(await recordedOf(node, 'commitments.missed.v1', 1)).toHaveLength(required ? 1 : 0);
  }
});

test('a commitment that fails in its block is signed anew while there is time', async () => {
  subnet = await startSubnet(REQUIRED);
  const { extrinsics } = subnet.chain.state;
  extrinsics.lag = 0;
  extrinsics.dispatchError = failure('SpaceLimitExceeded', 'wait');
  await playRun(subnet, 1, MEASURED, {
    onBlock: (block) => {
      if (block > snapshot) extrinsics.dispatchError = null;
    },
  });
  for (const node of subnet.nodes) {
    expect(await settledOf(node)).toMatchObject([
      { attempt: 1, outcome: 'failed', error: 'SpaceLimitExceeded', errorClass: 'wait' },
      { attempt: 2, outcome: 'succeeded', error: null, retryAt: null },
    ]);
    expect((await inputOf(node, nodeOf(subnet, 'v1')))?.status).toBe('accepted');
  }
});

/** The node's log as it was before it signed its report: an older copy that was restored. */
async function restoreOlder(node: SimulatedNode): Promise<void> {
  const events = await node.events();
  const signed = events.findIndex(({ event }) => event.type === 'run.closed.v1');
  node.disk.messages.splice(signed);
  await bringUp(subnet, node);
}

const SAME = MEASURED['v1'] ?? {};
const OTHER = { 'miner a': 0.1 };
const FOUND = { outcome: 'succeeded', hash: null, error: null, errorClass: null };
const REFUSED = {
  outcome: 'refused',
  hash: null,
  error: 'AlreadyCommitted',
  errorClass: 'operator',
};

test.for([
  { title: 'the same scores', scores: SAME, lost: false, reports: 1, settled: [FOUND] },
  { title: 'other scores are not signed', scores: OTHER, lost: false, reports: 0, settled: [] },
  // What the history has forgotten is signed; the chain has not forgotten.
  {
    title: 'other scores, and an older signing history, too',
    scores: OTHER,
    lost: true,
    reports: 1,
    settled: [REFUSED],
  },
] as const)(
  'a log that was restored from before it committed commits no second time: $title',
  async ({ scores, lost, reports, settled }) => {
    subnet = await startSubnet(REQUIRED);
    const node = nodeOf(subnet, 'v1');
    subnet.chain.state.extrinsics.lag = 0;
    await measureRun(subnet, 1, MEASURED);
    await playBlocks(subnet, snapshot, snapshot + 1);
    expect(subnet.chain.state.commitments).toHaveLength(4);

    const events = await node.events();
    const opened = events.findIndex(({ event }) => event.type === 'score.recorded.v1');
    node.disk.messages.splice(opened);
    if (lost) node.signed.clear();
    await node.restart();
    await node.validator.importScores(resultLines('run-1', scores));
    await node.validator.closeRun(FAMILY, 'run-1');
    await playBlocks(subnet, snapshot + 2, certify + SETTLING);

    const own = subnet.chain.state.commitments.filter(
      ({ hotkey }) => hotkey === node.signer.hotkey,
    );
    expect(own).toHaveLength(1);
    expect(await settledOf(node)).toMatchObject(settled);
    expect(await recordedOf(node, 'report.signed.v1', 1)).toHaveLength(reports);
    // It decides without its own report as with it, and follows the others.
    expect(await recordedOf(node, 'certificate.built.v1', 1)).toHaveLength(1);
  },
);

test('beside another commitment that was signed before none is signed, and the run goes on', async () => {
  subnet = await startSubnet(REQUIRED);
  const node = nodeOf(subnet, 'v4');
  node.signed.set(`commitment ${FAMILY} run-1`, 'another text');
  await playRun(subnet, 1, MEASURED);

  const { hotkey } = node.signer;
  expect(subnet.chain.state.commitments.filter((each) => each.hotkey === hotkey)).toEqual([]);
  expect(await settledOf(node)).toMatchObject([
    { outcome: 'refused', hash: null, error: 'AlreadySigned', errorClass: 'operator' },
  ]);
  expect(await inputOf(nodeOf(subnet, 'v1'), node)).toMatchObject({ reason: 'commitment-missing' });
  expect(await recordedOf(node, 'certificate.built.v1', 1)).toHaveLength(1);
});

test('a decision beside another one that was signed before is not signed, and the others certify theirs', async () => {
  subnet = await startSubnet(REQUIRED);
  const node = nodeOf(subnet, 'v4');
  node.signed.set(`decision ${FAMILY} run-1`, 'another statement');
  await playRun(subnet, 1, MEASURED);

  for (const each of subnet.nodes) {
    const signed = await recordedOf(each, 'decision.signed.v1', 1);
    expect(signed).toHaveLength(each === node ? 0 : 1);
    const [built] = await recordedOf(each, 'certificate.built.v1', 1);
    expect(built?.certificate.signatures.map(({ hotkey }) => hotkey)).not.toContain(
      node.signer.hotkey,
    );
  }
});

test('a log that was restored from before it closed finds its commitment on the chain', async () => {
  subnet = await startSubnet(REQUIRED);
  const node = nodeOf(subnet, 'v2');
  await measureRun(subnet, 1, MEASURED);
  await playBlocks(subnet, snapshot, commit - 1);
  await restoreOlder(node);
  await playBlocks(subnet, commit - 1, certify + SETTLING);
  expect(await settledOf(node)).toMatchObject([{ outcome: 'succeeded', hash: null }]);
  expect((await inputOf(nodeOf(subnet, 'v1'), node))?.status).toBe('accepted');
});
