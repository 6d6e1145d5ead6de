import { afterEach, beforeEach, expect, test } from 'vitest';
import { commitmentV2, parseAnchor } from '#src/consensus/commitment.ts';
import { EMPTY } from '#src/events/decode.ts';
import { logSource } from '#src/events/source.ts';
import { createUnsealer } from '#src/events/unsealer.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import { memoryStore } from '#src/runtime/memory-store.ts';
import { forgedReport } from '../support/forged-documents.ts';
import {
  bringUp,
  everybody,
  FAMILY,
  measureRun,
  nodeOf,
  playBlocks,
  playRun,
  recordedOf,
  resultLines,
  runInput,
  type Subnet,
  startSubnet,
  stopSubnet,
  takeDown,
} from '../support/simulated-run.ts';
import type { SimulatedNode } from '../support/simulated-subnet.ts';

const MEASURED = everybody({ 'miner a': 0.123456789, 'miner b': 0.6, 'miner c': 0.5 });
const FIGURES = { 'miner a': 123_456_789, 'miner b': 600_000_000, 'miner c': 500_000_000 };
const { snapshot, commit, certify } = runInput(1).phases;

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

const SEALED = { kind: 'sealed', untilBlock: commit + 1 };

/** What must not be known of run 1 yet, as it stands in the facts that a node itself reads. */
async function secretsOf(node: SimulatedNode): Promise<readonly string[]> {
  const results = await recordedOf(node, 'score.recorded.v1', 1);
  const reports = await recordedOf(node, 'report.signed.v1', 1);
  expect(results).toHaveLength(12);
  return [
    ...results.flatMap(({ score, evidence }) => [`"score":${score}`, String(score), evidence]),
    ...reports.flatMap(({ body, signature, digest }) => [
      body,
      JSON.stringify(body).slice(1, -1),
      signature,
      digest,
    ]),
  ];
}

/** Which of these words stand anywhere in what a node shows, or stores in its log; boxes are looked into. */
async function foundIn(node: SimulatedNode, words: readonly string[]): Promise<readonly string[]> {
  const shown = JSON.stringify(
    await views(node),
    function (this: Readonly<Record<string, unknown>>, key: string, value: unknown) {
      // A buffer would be written as a list of numbers, in which no word can be found.
      const raw = this[key];
      return raw instanceof Uint8Array ? Buffer.from(raw).toString() : value;
    },
  );
  const stored = node.disk.messages.map(({ payload }) => Buffer.from(payload).toString());
  const boxes = stored.flatMap((text) =>
    [...text.matchAll(/"box":"([^"]*)"/g)].map(([, box = '']) =>
      Buffer.from(box, 'base64').toString('latin1'),
    ),
  );
  const everything = [shown, ...stored, ...boxes].join('\n');
  return words.filter((word) => everything.includes(word));
}

async function expectSealed(node: SimulatedNode): Promise<void> {
  expect(await views(node)).toMatchObject({
    report: SEALED,
    reports: SEALED,
    index: SEALED,
    byDigest: SEALED,
    decision: null,
    divergence: null,
  });
  expect(await foundIn(node, await secretsOf(node))).toEqual([]);
}

/** The log as a stranger reads it: the stored bytes, and what the keys in them open. */
async function readByStranger(node: SimulatedNode) {
  const source = logSource({ ...node.view, hotkey: node.signer.hotkey, generation: 0 });
  const log = logReader(memoryStore({ name: 'validator', source }, node.disk));
  const unsealer = createUnsealer();
  const events = [];
  for await (const batch of log.read({ after: EMPTY, follow: false }))
    events.push(...batch.events.flatMap(unsealer.take));
  return { events, sealed: unsealer.sealed() };
}

test('until the commit block is final no byte that a node shows or stores gives its scores away', async () => {
  await measureRun(subnet, 1, MEASURED);
  for (const node of subnet.nodes) await expectSealed(node);
  for (let block = subnet.chain.state.block + 1; block <= commit; block++) {
    await playBlocks(subnet, block, block);
    for (const node of subnet.nodes) await expectSealed(node);
  }
  const node = nodeOf(subnet, 'v1');
  expect(await recordedOf(node, 'report.signed.v1', 1)).toHaveLength(1);
  await node.restart();
  await expectSealed(node);

  // Whoever asks gets the whole log all the while, as it is stored.
  const { payloads, size } = (await views(node)).events;
  expect(payloads).toEqual(node.disk.messages.map(({ payload }) => payload));
  expect(size).toBe(payloads.length);

  await playBlocks(subnet, commit + 1, commit + 1);
  for (const each of subnet.nodes) {
    const [report] = await recordedOf(each, 'report.signed.v1', 1);
    const words = [report?.signature ?? '', report?.digest ?? ''];
    expect(await foundIn(each, words)).toEqual(words);
  }
});

test('from then on a stranger reads every fact of the run, with the key that the log holds', async () => {
  await measureRun(subnet, 1, MEASURED);
  await playBlocks(subnet, snapshot, commit);
  const node = nodeOf(subnet, 'v1');
  expect((await readByStranger(node)).sealed).toMatchObject([
    { family: FAMILY, run: 'run-1', facts: 13 },
  ]);
  await playBlocks(subnet, commit + 1, certify + 2);
  for (const each of subnet.nodes) {
    const { events, sealed } = await readByStranger(each);
    expect(sealed).toEqual([]);
    expect(events.toSorted((a, b) => a.n - b.n)).toEqual(await each.events());
    const [anchor] = subnet.chain.state.commitments
      .filter(({ hotkey }) => hotkey === each.signer.hotkey)
      .map(({ fields }) => parseAnchor(fields[1] ?? ''));
    const [opened, ...more] = await recordedOf(each, 'scores.opened.v1', 1);
    const [report] = await recordedOf(each, 'report.signed.v1', 1);
    expect(more).toEqual([]);
    expect(anchor?.commit).toBe(commitmentV2(opened?.key ?? '', report?.body ?? ''));
  }
});

test.for(['owner', 'shadow'] as const)('in %s mode, too, the scores are opened', async (mode) => {
  for (const node of subnet.nodes) {
    node.mode = mode;
    await node.restart();
  }
  await playRun(subnet, 1, MEASURED);
  for (const node of subnet.nodes) {
    expect(await recordedOf(node, 'scores.opened.v1', 1)).toHaveLength(1);
    expect((await readByStranger(node)).sealed).toEqual([]);
  }
});

test('a run that was slept through is closed first, and then opened', async () => {
  const node = nodeOf(subnet, 'v4');
  subnet.chain.state.block = runInput(1).phases.snapshot - 1;
  await node.validator.openRun(runInput(1));
  await node.validator.importScores(resultLines('run-1', MEASURED['v4'] ?? {}));
  takeDown(subnet, node);
  await playRun({ ...subnet, nodes: subnet.nodes.filter((each) => each !== node) }, 1, MEASURED);
  await bringUp(subnet, node);
  await playBlocks(subnet, certify + 4, certify + 5);
  const types = (await node.events()).map(({ event }) => event.type);
  expect(types.filter((type) => /^(run|scores|report)\./.test(type))).toEqual([
    'run.opened.v1',
    'run.closed.v1',
    'scores.opened.v1',
  ]);
  expect((await readByStranger(node)).sealed).toEqual([]);
});

test('a node that was restarted shows nothing before it knows the block again', async () => {
  await playRun(subnet, 1, MEASURED);
  const node = nodeOf(subnet, 'v1');
  subnet.chain.state.silent = true;
  await node.restart();
  expect((await views(node)).report).toEqual(SEALED);

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

test('a run that is still sealed hides nothing of the run before', async () => {
  await playRun(subnet, 1, MEASURED);
  const node = nodeOf(subnet, 'v1');
  await measureRun(subnet, 2, MEASURED);
  await playBlocks(subnet, runInput(2).phases.snapshot, runInput(2).phases.commit);
  expect((await views(node)).report.kind).toBe('ready');
  expect((await readByStranger(node)).sealed).toMatchObject([{ run: 'run-2', facts: 13 }]);
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
