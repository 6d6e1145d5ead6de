import { afterEach, beforeEach, expect, test } from 'vitest';
import { forgedReport } from '../support/forged-documents.ts';
import {
  everybody,
  FAMILY,
  measureRun,
  nodeOf,
  playBlocks,
  playRun,
  recordedOf,
  runInput,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';
import type { SimulatedNode } from '../support/simulated-subnet.ts';

const MEASURED = everybody({ 'miner a': 0.123456789, 'miner b': 0.6, 'miner c': 0.5 });
const FIGURES = { 'miner a': 123_456_789, 'miner b': 600_000_000, 'miner c': 500_000_000 };
const { commit, certify } = runInput(1).phases;

let subnet: Subnet;
beforeEach(async () => {
  subnet = await startSubnet();
});
afterEach(() => stopSubnet(subnet));

/** Every way in which a node could show what it measured in run 1, with its parameters at their widest. */
async function views(node: SimulatedNode) {
  const { publisher } = node.validator;
  const { digest } = forgedReport(node, 1, FIGURES);
  return {
    report: await publisher.signedReport(FAMILY, 'run-1'),
    reports: await publisher.reports(FAMILY, 'run-1'),
    index: await publisher.reportIndex(FAMILY, 'run-1'),
    byDigest: await publisher.reportByDigest(FAMILY, 'run-1', digest),
    decision: await publisher.decision(FAMILY, 'run-1'),
    certificate: await publisher.certificate(FAMILY, 'run-1'),
    divergence: await publisher.divergence(FAMILY, 50),
    events: await publisher.events(0, 1_000, 10_000_000),
  };
}

/** Which of these words stand anywhere in what a node shows. */
async function shownOf(node: SimulatedNode, words: readonly string[]): Promise<readonly string[]> {
  const text = JSON.stringify(
    await views(node),
    function (this: Readonly<Record<string, unknown>>, key: string, value: unknown) {
      // A buffer would be written as a list of numbers, in which no word can be found.
      const raw = this[key];
      return raw instanceof Uint8Array ? Buffer.from(raw).toString() : value;
    },
  );
  return words.filter((word) => text.includes(word));
}

/** A figure of the run, and the events that hold it. */
const SECRETS = ['123456789', 'score.recorded', 'report.signed'];

const SEALED = { kind: 'sealed', untilBlock: commit + 1 };

async function expectSealed(node: SimulatedNode): Promise<void> {
  expect(await views(node)).toMatchObject({
    report: SEALED,
    reports: SEALED,
    index: SEALED,
    byDigest: SEALED,
    decision: null,
    divergence: null,
    events: { payloads: [], size: 0, sealedFrom: 0 },
  });
  expect(await shownOf(node, SECRETS)).toEqual([]);
}

test('until the commit block is final nothing that a node shows holds its scores', async () => {
  await measureRun(subnet, 1, MEASURED);
  for (const node of subnet.nodes) await expectSealed(node);
  for (let block = subnet.chain.state.block + 1; block <= commit; block++) {
    await playBlocks(subnet, block, block);
    for (const node of subnet.nodes) await expectSealed(node);
  }
  // The log holds the scores all the while; only what is shown ends before them.
  const node = nodeOf(subnet, 'v1');
  expect(await recordedOf(node, 'score.recorded.v1', 1)).toHaveLength(12);
  await node.restart();
  await expectSealed(node);

  await playBlocks(subnet, commit + 1, commit + 1);
  for (const each of subnet.nodes) expect(await shownOf(each, SECRETS)).toEqual(SECRETS);
});

test('a node that was restarted shows nothing before it knows the block again', async () => {
  await playRun(subnet, 1, MEASURED);
  const node = nodeOf(subnet, 'v1');
  subnet.chain.state.silent = true;
  await node.restart();
  expect((await views(node)).report).toEqual(SEALED);
  expect((await views(node)).events.payloads).toEqual([]);

  subnet.chain.state.silent = false;
  await node.validator.round();
  expect((await views(node)).report.kind).toBe('ready');
});

test('what is shown afterwards is the same for ever', async () => {
  await measureRun(subnet, 1, MEASURED);
  await playBlocks(subnet, commit, commit + 2);
  const node = nodeOf(subnet, 'v1');
  const before = await views(node);
  expect(before.report).toMatchObject({ kind: 'ready' });
  expect(before.byDigest).toMatchObject({ kind: 'ready', bytes: expect.any(Uint8Array) });
  const page = before.events.payloads;
  expect(page.length).toBeGreaterThan(12);

  await playBlocks(subnet, commit + 3, certify + 2);
  const decided = await views(node);
  await node.restart();
  await playRun(subnet, 2, MEASURED);
  const after = await views(node);
  for (const later of [decided, after]) {
    expect(later.report).toEqual(before.report);
    expect(later.byDigest).toEqual(before.byDigest);
    expect(later.events.payloads.slice(0, page.length)).toEqual(page);
  }
  expect(after.reports).toEqual(decided.reports);
  expect(after.decision).toEqual(decided.decision);
  expect(after.certificate).toEqual(decided.certificate);
});

test('a run that is still sealed hides no report of the run before, only later events', async () => {
  await measureRun(subnet, 1, MEASURED);
  await playBlocks(subnet, commit + 1, commit + 1);
  const node = nodeOf(subnet, 'v1');
  const { size } = (await views(node)).events;
  await measureRun(subnet, 2, MEASURED);
  await playBlocks(subnet, certify + 1, certify + 1);

  const later = await views(node);
  expect(later.report.kind).toBe('ready');
  expect(later.events).toMatchObject({ size, sealedFrom: size });
  expect(later.events.payloads).toHaveLength(size);

  const { phases } = runInput(2);
  await playBlocks(subnet, phases.commit + 1, phases.commit + 1);
  expect((await views(node)).events).toMatchObject({ sealedFrom: null });
});

test('two pages of events join to the whole, byte for byte', async () => {
  await playRun(subnet, 1, MEASURED);
  const { publisher } = nodeOf(subnet, 'v1').validator;
  const whole = await publisher.events(0, 1_000, 10_000_000);
  const first = await publisher.events(0, 7, 10_000_000);
  const rest = await publisher.events(7, 1_000, 10_000_000);
  expect([...first.payloads, ...rest.payloads]).toEqual(whole.payloads);
  expect(await publisher.events(whole.size, 10, 10_000_000)).toMatchObject({ payloads: [] });
});
