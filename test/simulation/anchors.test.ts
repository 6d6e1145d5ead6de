import { afterEach, expect, test } from 'vitest';
import { commitmentPayload, commitmentV2, parseAnchor } from '#src/consensus/commitment.ts';
import { rootOf } from '#src/merkle/root.ts';
import { leafOf } from '#src/merkle/tree.ts';
import {
  everybody,
  FAMILY,
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
} from '../support/simulated-run.ts';
import type { SimulatedNode } from '../support/simulated-subnet.ts';

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 });
const { snapshot, commit, certify } = runInput(1).phases;
const INTERVAL = 20;

/** From here on nothing of run 1 is to be done but to anchor its commitment. */
const AFTER = certify + SETTLING + 1;

let subnet: Subnet;
afterEach(() => stopSubnet(subnet));

/** The subnet with some of its nodes asleep. */
function only(...nodes: readonly SimulatedNode[]): Subnet {
  return { ...subnet, nodes: [...nodes] };
}

/** What a node has put on chain, oldest first, with the anchors read. */
function onChain(node: SimulatedNode) {
  return subnet.chain.state.commitments
    .filter(({ hotkey }) => hotkey === node.signer.hotkey)
    .map(({ block, fields: [text = null, anchor = null] }) => ({
      block,
      text,
      anchor: anchor === null ? null : parseAnchor(anchor),
    }));
}

/** The root over a node's first stored events, in the other way than the checkpoints do it. */
function rootAt(node: SimulatedNode, size: number): string {
  const leaves = node.disk.messages.slice(0, size).map(({ payload }) => leafOf(payload));
  return Buffer.from(rootOf(leaves)).toString('hex');
}

async function committedBy(node: SimulatedNode, sequence: number) {
  const [report] = await recordedOf(node, 'report.signed.v1', sequence);
  const [opened] = await recordedOf(node, 'scores.opened.v1', sequence);
  const body = report?.body ?? '';
  return {
    text: commitmentPayload(`run-${sequence}`, body),
    commit: commitmentV2(opened?.key ?? '', body),
  };
}

const anchorsOf = async (node: SimulatedNode, sequence = 1) =>
  (await recordedOf(node, 'extrinsic.settled.v1', sequence)).filter(
    ({ purpose }) => purpose === 'anchor',
  );

test('a commitment anchors a checkpoint that covers its report, beside what it is salted with', async () => {
  subnet = await startSubnet();
  await playRun(subnet, 1, MEASURED);
  for (const node of subnet.nodes) {
    const { text, commit: salted } = await committedBy(node, 1);
    const [made, ...more] = onChain(node);
    expect(more).toEqual([]);
    expect(made).toMatchObject({ text, anchor: { generation: 0, commit: salted } });
    const size = made?.anchor?.size ?? 0;
    const events = await node.events();
    expect(events.findIndex(({ event }) => event.type === 'report.signed.v1')).toBeLessThan(size);
    expect(made?.anchor?.root).toBe(rootAt(node, size));
  }
});

test('a commitment waits for its checkpoint, and goes without one rather than too late', async () => {
  subnet = await startSubnet();
  const [late, never] = [nodeOf(subnet, 'v1'), nodeOf(subnet, 'v2')];
  await measureRun(subnet, 1, MEASURED);
  for (const node of [late, never]) node.covered = node.disk.messages.length;
  await playBlocks(subnet, snapshot, snapshot + 1);
  for (const node of [late, never]) expect(onChain(node)).toEqual([]);
  late.covered = null;
  await playBlocks(subnet, snapshot + 1, certify);
  expect(onChain(late)).toMatchObject([{ anchor: { generation: 0 } }]);
  const { text } = await committedBy(never, 1);
  expect(onChain(never)).toMatchObject([{ text, anchor: null }]);
  for (const node of [late, never]) expect(onChain(node)[0]?.block).toBeLessThanOrEqual(commit);
});

test('the newest checkpoint is anchored again in each interval, beside the same commitment byte for byte', async () => {
  subnet = await startSubnet({ anchorInterval: INTERVAL });
  await playRun(subnet, 1, MEASURED);
  const nodes = [nodeOf(subnet, 'v1'), nodeOf(subnet, 'v4')];
  await playBlocks(only(...nodes), AFTER, commit + 3 * INTERVAL);
  for (const node of nodes) {
    const { text, commit: salted } = await committedBy(node, 1);
    const made = onChain(node);
    expect(made).toHaveLength(3);
    const sizes = made.map(({ anchor }) => anchor?.size ?? 0);
    expect(sizes).toEqual([...new Set(sizes)].toSorted((a, b) => a - b));
    for (const [index, each] of made.entries()) {
      expect(each).toMatchObject({ text, anchor: { commit: salted } });
      expect(each.anchor?.root).toBe(rootAt(node, each.anchor?.size ?? 0));
      const since = each.block - (made[index - 1]?.block ?? each.block - INTERVAL);
      expect(since).toBeGreaterThanOrEqual(INTERVAL);
    }
    expect(await anchorsOf(node)).toMatchObject([
      { attempt: 1, outcome: 'succeeded' },
      { attempt: 2, outcome: 'succeeded' },
    ]);
    // What is repeated is no second commitment.
    const { publisher } = node.validator;
    const shown = (await publisher.decision(FAMILY, 'run-1'))?.commitments ?? [];
    expect(shown.map(({ second }) => second)).toEqual([null, null, null, null]);
  }
});

test('an anchor that was without a commitment to the report stays without', async () => {
  subnet = await startSubnet({ anchorInterval: INTERVAL });
  const node = nodeOf(subnet, 'v1');
  node.covered = 0;
  await playRun(subnet, 1, MEASURED);
  await playBlocks(only(node), AFTER, commit + INTERVAL + 3);
  expect(onChain(node)).toHaveLength(1);
  node.covered = null;
  await playBlocks(only(node), commit + INTERVAL + 4, commit + INTERVAL + 7);
  const { text } = await committedBy(node, 1);
  expect(onChain(node)).toMatchObject([
    { text, anchor: null },
    { text, anchor: { commit: null } },
  ]);
});

test("only the newest run's commitment is repeated, and no anchor is in the way of the next one's", async () => {
  subnet = await startSubnet({ anchorInterval: 10 });
  const node = nodeOf(subnet, 'v1');
  const second = runInput(2).phases;
  await measureRun(subnet, 1, MEASURED);
  await playBlocks(subnet, snapshot, certify - 1);
  for (const each of subnet.nodes) await each.validator.openRun(runInput(2));
  // Every block is too near to a deadline of the next run.
  await playBlocks(subnet, certify, second.snapshot - 1);
  await playRun(subnet, 2, MEASURED);
  expect(await anchorsOf(node, 1)).toEqual([]);
  expect(onChain(node).map(({ block }) => block <= second.commit)).toEqual([true, true]);
  await playBlocks(only(node), second.certify + SETTLING + 1, second.certify + 40);
  expect(await anchorsOf(node, 1)).toEqual([]);
  const { text } = await committedBy(node, 2);
  const repeated = onChain(node).slice(2);
  expect(repeated.length).toBeGreaterThan(2);
  expect(new Set(repeated.map((each) => each.text))).toEqual(new Set([text]));
});

test('a process that dies at every block loses no anchor and repeats none', async () => {
  subnet = await startSubnet({ anchorInterval: INTERVAL });
  await playRun(subnet, 1, MEASURED);
  const node = nodeOf(subnet, 'v1');
  await playBlocks(only(node), AFTER, commit + 2 * INTERVAL, { onBlock: () => node.restart() });
  expect(onChain(node)).toHaveLength(2);
  expect(await anchorsOf(node)).toMatchObject([{ attempt: 1, outcome: 'succeeded' }]);
});

test.for([
  {
    title: 'a commitment that this log does not know',
    fields: [`eirel/scores/v1:run-1:${'ab'.repeat(32)}`],
    told: 'does not know',
  },
  { title: 'something else', fields: ['hello'], told: 'does not know' },
  { title: 'more events than it has published', ahead: 1_000_000, told: 'log.forked' },
] as const)('beside $title nothing is anchored', async ({ told, ...planted }) => {
  subnet = await startSubnet({ anchorInterval: INTERVAL });
  const node = nodeOf(subnet, 'v1');
  await playRun(subnet, 1, MEASURED);
  const { text } = await committedBy(node, 1);
  const root = Buffer.alloc(32).toString('base64url');
  const block = AFTER;
  const fields =
    'fields' in planted ? planted.fields : [text, `eirel/log/v1:${planted.ahead}:${root}:-`];
  subnet.chain.state.planted.push({ hotkey: node.signer.hotkey, block, fields });
  const other = nodeOf(subnet, 'v2');
  await playBlocks(only(node, other), block, commit + INTERVAL + 3);
  expect(onChain(node)).toHaveLength(2);
  expect(await anchorsOf(node)).toEqual([]);
  expect(
    new Set(node.notes.filter(({ step }) => step === 'sign-anchor').map(({ note }) => note)),
  ).toEqual(new Set([expect.stringContaining(told)]));
  // The others go on.
  expect(onChain(other).length).toBeGreaterThan(1);
});

test('a log of which the chain knows more than it holds commits to nothing', async () => {
  subnet = await startSubnet();
  const node = nodeOf(subnet, 'v1');
  await measureRun(subnet, 1, MEASURED);
  const root = Buffer.alloc(32).toString('base64url');
  const fields = [`eirel/scores/v1:run-0:${'ab'.repeat(32)}`, `eirel/log/v1:1000:${root}:-`];
  subnet.chain.state.planted.push({ hotkey: node.signer.hotkey, block: snapshot + 1, fields });
  node.covered = 1;
  await playBlocks(subnet, snapshot, snapshot);
  node.covered = null;
  await playBlocks(subnet, snapshot + 1, certify + SETTLING);
  expect(onChain(node)).toHaveLength(1);
  expect(node.notes.map(({ note }) => note)).toContainEqual(expect.stringMatching(/^log\.forked/));
});
