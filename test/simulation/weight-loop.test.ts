import { afterEach, expect, test } from 'vitest';
import type { ChainError } from '#src/chain/chain.ts';
import { mostLiving, weightsOf } from '../support/extrinsic-log.ts';
import { failure, LIFETIME } from '../support/simulated-extrinsics.ts';
import {
  everybody,
  measureRun,
  minerKey,
  nodeOf,
  PAYS_A,
  PAYS_B,
  playBlocks,
  playRun,
  recordedOf,
  runInput,
  SETTLING,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';

const FIRST = everybody({ 'miner a': 0.7, 'miner b': 0.4, 'miner c': 0.3 });
const SECOND = everybody({ 'miner a': 0.3, 'miner b': 0.8, 'miner c': 0.3 });
const { certify } = runInput(1).phases;

let subnet: Subnet;
afterEach(async () => {
  // Whatever a test did: one hotkey never has two extrinsics under way.
  for (const node of subnet.nodes) {
    const living = mostLiving(await node.events());
    if (living > 1) throw new Error(`${node.name} had ${living} extrinsics under way at once`);
  }
  await stopSubnet(subnet);
});

/** Every block in which this node's weights came on the chain. */
function blocksOf(name: string): readonly number[] {
  const { hotkey } = nodeOf(subnet, name).signer;
  return subnet.chain.state.extrinsics.included
    .filter((each) => each.hotkey === hotkey && each.call.kind === 'weights')
    .map(({ block }) => block);
}

test('the newest intent is set again once in a period, until a later run stands in its place', async () => {
  const INTERVAL = 40;
  subnet = await startSubnet({ weightInterval: INTERVAL });
  await playRun(subnet, 1, FIRST);
  const far = certify + 5 * INTERVAL;
  await playBlocks(subnet, certify + SETTLING + 1, far);
  const firsts = new Set<number>();
  for (const { name } of subnet.nodes) {
    const blocks = blocksOf(name);
    expect(blocks.length).toBeGreaterThanOrEqual(4);
    for (const [index, block] of blocks.entries()) {
      const before = blocks[index - 1];
      if (before === undefined) continue;
      // Two more blocks until it is signed and included.
      expect(block - before).toBeGreaterThanOrEqual(INTERVAL);
      expect(block - before).toBeLessThanOrEqual(INTERVAL + INTERVAL / 8 + 2);
    }
    firsts.add(blocks[1] ?? 0);
  }
  // Each validator has its own place in the period.
  expect(firsts.size).toBeGreaterThan(1);

  const next = Math.ceil((far + 1) / 20);
  await playRun(subnet, next, SECOND);
  await playBlocks(subnet, runInput(next).phases.certify + SETTLING + 1, far + 200);
  for (const node of subnet.nodes) {
    expect(await recordedOf(node, 'weights.superseded.v1', 1)).toMatchObject([
      { by: `run-${next}` },
    ]);
    const late = await weightsOf(node);
    expect(late.every(({ block }) => block <= runInput(next).phases.certify)).toBe(true);
    expect(subnet.chain.state.weights.get(node.signer.hotkey)).toEqual(PAYS_B);
    expect(await recordedOf(node, 'weights.observed.v1', next)).not.toEqual([]);
  }
});

test('a short activity cutoff shortens the period', async () => {
  subnet = await startSubnet({ weightInterval: 180 });
  subnet.chain.state.hyperparameters = {
    ...subnet.chain.state.hyperparameters,
    activityCutoff: 60,
  };
  await playRun(subnet, 1, FIRST);
  await playBlocks(subnet, certify + SETTLING + 1, certify + 70);
  const [first = 0, second = 0] = blocksOf('v1');
  expect(second - first).toBe(30 + 2);
});

test.for([
  { weightsRateLimit: 20, sets: 3 },
  { weightsRateLimit: 60, sets: 2 },
  { weightsRateLimit: 120, sets: 1 },
])(
  'before the next run the rate limit of the chain, $weightsRateLimit blocks, is kept free',
  async ({ weightsRateLimit, sets }) => {
    subnet = await startSubnet({ weightInterval: 40 });
    const { state } = subnet.chain;
    state.hyperparameters = { ...state.hyperparameters, weightsRateLimit };
    await playRun(subnet, 1, FIRST);
    const late = { snapshot: 140, commit: 144, decide: 148, certify: 160 };
    for (const { validator } of subnet.nodes)
      await validator.openRun({ ...runInput(2), phases: late });
    await playBlocks(subnet, certify + SETTLING + 1, late.certify - 1);
    for (const { name } of subnet.nodes) expect(blocksOf(name)).toHaveLength(sets);
  },
);

test('weights that the chain did not take over are signed again at once, three times in a row', async () => {
  subnet = await startSubnet({ weightInterval: 40 });
  subnet.chain.state.extrinsics.revealsFail = true;
  await playRun(subnet, 1, FIRST);
  await playBlocks(subnet, certify + SETTLING + 1, certify + 30);
  const node = nodeOf(subnet, 'v1');
  expect(await recordedOf(node, 'weights.observed.v1', 1)).toMatchObject([
    { attempt: 1, matches: false, vector: null },
    { attempt: 2, matches: false },
    { attempt: 3, matches: false },
  ]);
  expect(blocksOf('v1')).toHaveLength(3);
  subnet.chain.state.extrinsics.revealsFail = false;
  await playBlocks(subnet, certify + 31, certify + 70);
  expect(blocksOf('v1')).toHaveLength(4);
  expect((await recordedOf(node, 'weights.observed.v1', 1)).at(-1)).toMatchObject({
    attempt: 4,
    matches: true,
  });
});

test('timelocked weights are looked for after their reveal, and kept alive until then', async () => {
  subnet = await startSubnet({ weightInterval: 40 });
  subnet.chain.state.extrinsics.revealAfter = 60;
  await playRun(subnet, 1, FIRST);
  await playBlocks(subnet, certify + SETTLING + 1, certify + 64);
  const node = nodeOf(subnet, 'v1');
  expect(await recordedOf(node, 'weights.observed.v1', 1)).toEqual([]);
  expect(blocksOf('v1')).toHaveLength(2);
  await playBlocks(subnet, certify + 65, certify + 66);
  expect(await recordedOf(node, 'weights.observed.v1', 1)).toMatchObject([
    { attempt: 1, matches: true, block: certify + 65, vector: PAYS_A },
  ]);
});

test.for<readonly [string, ChainError, readonly number[]]>([
  ['an operator has to mend', failure('NeuronNoValidatorPermit', 'operator'), [40]],
  ['a release has to mend', failure('DuplicateUids', 'bug'), [40]],
  ['a new signature mends', failure('CommitRevealEnabled', 'stale'), [1, 2, 4, 8]],
  ['passes', failure('CallDisabled', 'network'), [1, 2, 4, 8]],
  ['passes at a block that the chain names', failure('TooFast', 'wait', certify + 9), [9]],
  ['names a block of years to come', failure('TooFast', 'wait', 9_999_999), [40]],
])('an error that %s is tried again in its time', async ([, error, waits]) => {
  subnet = await startSubnet({ weightInterval: 40 });
  subnet.chain.state.refusal = error;
  await playRun(subnet, 1, FIRST);
  await playBlocks(subnet, certify + SETTLING + 1, certify + 24);
  const refused = await weightsOf(nodeOf(subnet, 'v1'));
  expect(
    refused.slice(0, waits.length).map(({ block, retryAt }) => (retryAt ?? 0) - block),
  ).toEqual(waits);
  for (const { outcome, hash, errorClass } of refused)
    expect({ outcome, hash, errorClass }).toEqual({
      outcome: 'refused',
      hash: null,
      errorClass: error.class,
    });
  subnet.chain.state.refusal = null;
  await playBlocks(subnet, certify + 25, certify + 50);
  expect(subnet.chain.state.weights.size).toBe(4);
});

test('what no block includes expires, and is signed anew', async () => {
  subnet = await startSubnet();
  subnet.chain.state.extrinsics.loses = true;
  await playRun(subnet, 1, FIRST, {
    // The commitments come on the chain, the weights do not.
    onBlock: (block) => void (subnet.chain.state.extrinsics.loses = block >= certify),
  });
  await playBlocks(subnet, certify + SETTLING + 1, certify + LIFETIME - 1);
  subnet.chain.state.extrinsics.loses = false;
  const node = nodeOf(subnet, 'v1');
  expect(await weightsOf(node)).toEqual([]);
  await playBlocks(subnet, certify + LIFETIME, certify + LIFETIME + 2 * SETTLING);
  expect(await weightsOf(node)).toMatchObject([
    { attempt: 1, outcome: 'expired', error: 'Expired', errorClass: 'stale' },
    { attempt: 2, outcome: 'succeeded' },
  ]);
  expect(blocksOf('v1')).toHaveLength(1);
});

test('what the pool refuses for good is rejected; a full pool is asked again with the same bytes', async () => {
  subnet = await startSubnet();
  const { extrinsics } = subnet.chain.state;
  await playRun(subnet, 1, FIRST, {
    onBlock: (block) => {
      if (block === certify) extrinsics.poolRefusal = failure('PoolFull', 'network');
      if (block === certify + 2) extrinsics.poolRefusal = failure('BadProof', 'stale');
      if (block === certify + 3) extrinsics.poolRefusal = null;
    },
  });
  await playBlocks(subnet, certify + SETTLING + 1, certify + 2 * SETTLING);
  const node = nodeOf(subnet, 'v1');
  expect(await weightsOf(node)).toMatchObject([
    { attempt: 1, outcome: 'rejected', error: 'BadProof', block: certify + 2 },
    { attempt: 2, outcome: 'succeeded' },
  ]);
  const signed = await recordedOf(node, 'extrinsic.signed.v1', 1);
  // The second takes the nonce of the first, so the chain can take only one of them.
  expect(signed.slice(-2).map(({ nonce }) => nonce)).toEqual([1, 1]);
});

test('a call that fails in its block is settled as failed, and tried again', async () => {
  subnet = await startSubnet();
  const { extrinsics } = subnet.chain.state;
  await playRun(subnet, 1, FIRST, {
    onBlock: (block) => {
      extrinsics.dispatchError = block === certify ? failure('Exhausted', 'stale') : null;
    },
  });
  await playBlocks(subnet, certify + SETTLING + 1, certify + 3 * SETTLING);
  expect(await weightsOf(nodeOf(subnet, 'v1'))).toMatchObject([
    { outcome: 'failed', error: 'Exhausted', block: certify + 2 },
    { outcome: 'succeeded', error: null },
  ]);
});

test('a seat that another took over is not paid, until a run names a new winner', async () => {
  subnet = await startSubnet({ weightInterval: 40 });
  await playRun(subnet, 1, FIRST, {
    onBlock: (block) => {
      if (block !== certify) return;
      subnet.chain.state.neurons = subnet.chain.state.neurons.map((neuron) =>
        neuron.uid === 5 ? { ...neuron, hotkey: minerKey('miner d') } : neuron,
      );
    },
  });
  for (const node of subnet.nodes)
    expect(await weightsOf(node)).toMatchObject([
      { outcome: 'refused', error: 'SeatChanged', errorClass: 'operator', retryAt: certify + 40 },
    ]);
  expect(subnet.chain.state.setCalls).toBe(0);
  await playRun(subnet, 2, SECOND);
  for (const { signer } of subnet.nodes)
    expect(subnet.chain.state.weights.get(signer.hotkey)).toEqual(PAYS_B);
});

test('a silent chain holds up no score and no report, and what was sent is found afterwards', async () => {
  subnet = await startSubnet();
  await playRun(subnet, 1, FIRST, {
    onBlock: (block) => void (subnet.chain.state.silent = block > certify),
  });
  const node = nodeOf(subnet, 'v1');
  expect(await weightsOf(node)).toEqual([]);
  await measureRun(subnet, 2, SECOND);
  expect(await recordedOf(node, 'run.closed.v1', 2)).toHaveLength(1);
  subnet.chain.state.silent = false;
  const { snapshot, certify: certify2 } = runInput(2).phases;
  await playBlocks(subnet, snapshot, certify2 + SETTLING);
  for (const each of subnet.nodes) {
    expect(await weightsOf(each)).toMatchObject([{ outcome: 'succeeded', block: certify + 2 }]);
    expect(subnet.chain.state.weights.get(each.signer.hotkey)).toEqual(PAYS_B);
  }
});

test('weights wait for a commitment, which has a deadline', async () => {
  subnet = await startSubnet({ weightInterval: 12 });
  // The weights of run 1 fall due again just when run 2 is about to commit.
  await playRun(subnet, 1, FIRST);
  await measureRun(subnet, 2, SECOND);
  const { snapshot, commit, certify: certify2 } = runInput(2).phases;
  await playBlocks(subnet, certify + SETTLING + 1, certify2 + 2 * SETTLING);
  for (const { signer } of subnet.nodes) {
    const own = subnet.chain.state.extrinsics.included.filter(
      ({ hotkey, block }) => hotkey === signer.hotkey && block > snapshot,
    );
    expect(own[0]).toMatchObject({ call: { kind: 'commitment' } });
    expect(own[0]?.block).toBeLessThanOrEqual(commit);
    // Nor are they set again when the next run's are about to be.
    expect(own[1]).toMatchObject({ call: { kind: 'weights', vector: PAYS_B } });
  }
});
