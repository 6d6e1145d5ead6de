import { afterEach, beforeEach, expect, test } from 'vitest';
import type { UnknownReason } from '#src/events/snapshot.ts';
import type { Fault } from '../support/simulated-chain.ts';
import {
  crown,
  decisionOf,
  everybody,
  measureRun,
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

/** Miner b is far ahead: whoever moves on a broken answer crowns it. */
const MEASURED = everybody({ 'miner a': 0.5, 'miner b': 0.9, 'miner c': 0.4 });

let subnet: Subnet;
beforeEach(async () => {
  subnet = await startSubnet();
  // A first run that crowns miner a, so that there is an incumbent and a last vector.
  await playRun(subnet, 1, everybody({ 'miner a': 0.5, 'miner b': 0.2 }));
  crown(subnet, 'miner a');
});
afterEach(() => stopSubnet(subnet));

function expectWeights(vector: typeof PAYS_A): void {
  for (const { signer } of subnet.nodes)
    expect(subnet.chain.state.weights.get(signer.hotkey)).toEqual(vector);
}

/** The reasons of a run on every validator: of missed answers, of the decision, of the weights set. */
async function reasonsOf(sequence: number) {
  const told = [];
  for (const node of subnet.nodes) {
    const missed = await recordedOf(node, 'snapshot.missed.v1', sequence);
    const intended = await recordedOf(node, 'weights.intended.v1', sequence);
    told.push({
      missed: [...new Set(missed.map(({ phase, reason }) => `${phase} ${reason}`))],
      decided: (await decisionOf(node, sequence)).decision.outcome.reason,
      set: intended.map(({ reason }) => reason),
    });
  }
  return told;
}

const FAULTS: readonly Readonly<{
  title: string;
  fault: () => Fault;
  reason: UnknownReason;
  decided: string;
}>[] = [
  {
    title: 'an empty metagraph',
    fault: () => ({ kind: 'neurons', neurons: [] }),
    reason: 'empty',
    decided: 'chain-empty',
  },
  {
    title: 'a metagraph without validators',
    fault: () => ({
      kind: 'neurons',
      neurons: subnet.chain.state.neurons.filter(({ permit }) => !permit),
    }),
    reason: 'empty',
    decided: 'chain-empty',
  },
  {
    title: 'a metagraph that lost two of eight neurons',
    fault: () => ({ kind: 'neurons', neurons: subnet.chain.state.neurons.slice(0, 6) }),
    reason: 'shrunken',
    decided: 'chain-shrunken',
  },
  {
    title: 'no metagraph',
    fault: () => ({ kind: 'unavailable' }),
    reason: 'unavailable',
    decided: 'chain-unavailable',
  },
];

test.for(FAULTS)(
  '$title at the decide block changes nothing, and the next run completes',
  async ({ fault, reason, decided }) => {
    const { decide, certify } = runInput(2).phases;
    const calls = subnet.chain.state.setCalls;
    await playRun(subnet, 2, MEASURED, {
      onBlock: (block) => {
        subnet.chain.state.fault = block >= decide && block <= certify ? fault() : null;
      },
    });
    expect(await reasonsOf(2)).toEqual(
      subnet.nodes.map(() => ({ missed: [`decide ${reason}`], decided, set: [decided] })),
    );
    for (const node of subnet.nodes) {
      const { decision, inputs } = await decisionOf(node, 2);
      expect(decision).toMatchObject({ medians: [], outcome: { kind: 'hold', winner: null } });
      expect(inputs.current).toEqual({ known: false, reason });
    }
    // Held means set again: weights decay.
    expectWeights(PAYS_A);
    expect(subnet.chain.state.setCalls).toBe(calls + 4);

    await playRun(subnet, 3, MEASURED);
    expect(await reasonsOf(3)).toEqual(
      subnet.nodes.map(() => ({
        missed: [],
        decided: 'challenger-won',
        set: ['challenger-won'],
      })),
    );
    expectWeights(PAYS_B);
  },
);

test.for(FAULTS)('$title for less than half of the certify phase heals by itself', async (each) => {
  const { decide, certify } = runInput(2).phases;
  await playRun(subnet, 2, MEASURED, {
    onBlock: (block) => {
      // At half of the phase it is given up, so the block before is the last that is asked.
      const broken = block >= decide && 2 * (block + 1) < decide + certify;
      subnet.chain.state.fault = broken ? each.fault() : null;
    },
  });
  expect(await reasonsOf(2)).toEqual(
    subnet.nodes.map(() => ({
      missed: [`decide ${each.reason}`],
      decided: 'challenger-won',
      set: ['challenger-won'],
    })),
  );
  expectWeights(PAYS_B);
});

test.for(FAULTS)('$title at the snapshot block is asked for again', async (each) => {
  const { snapshot, commit } = runInput(2).phases;
  await playRun(subnet, 2, MEASURED, {
    onBlock: (block) => {
      const broken = block >= snapshot && block <= commit + 1;
      subnet.chain.state.fault = broken ? each.fault() : null;
    },
  });
  expect(await reasonsOf(2)).toEqual(
    subnet.nodes.map(() => ({
      missed: [`open ${each.reason}`],
      decided: 'challenger-won',
      set: ['challenger-won'],
    })),
  );
});

test.for(FAULTS)(
  '$title through the whole run holds the incumbent, and is recorded once',
  async (each) => {
    await measureRun(subnet, 2, MEASURED);
    const { snapshot, certify } = runInput(2).phases;
    const calls = subnet.chain.state.setCalls;
    subnet.chain.state.fault = each.fault();
    await playBlocks(subnet, snapshot, certify + SETTLING);
    // Nobody can name the incumbent. The last vector is set again where the chain at least says who sits
    // at its uid; else it could pay another.
    const fault = each.fault();
    const seated = fault.kind === 'neurons' && fault.neurons.some(({ uid }) => uid === 5);
    expect(subnet.chain.state.setCalls).toBe(seated ? calls + 4 : calls);
    subnet.chain.state.fault = null;
    await playBlocks(subnet, certify + SETTLING + 1, certify + 2 * SETTLING + 1);
    for (const told of await reasonsOf(2)) expect(told.decided).toBe(each.decided);
    for (const node of subnet.nodes) {
      const ids = (await node.events()).map(({ id }) => id);
      expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    }
    // With the seats known again, the last vector is set again.
    expectWeights(PAYS_A);
    expect(subnet.chain.state.setCalls).toBe(calls + 4);
    await playRun(subnet, 3, MEASURED);
    expectWeights(PAYS_B);
  },
);

test('a subnet that lost neurons for good is held for one run, then believed', async () => {
  const fewer = subnet.chain.state.neurons.filter(({ uid }) => uid !== 4 && uid !== 7);
  await playRun(subnet, 2, MEASURED, {
    onBlock: (block) => {
      if (block === runInput(2).phases.decide) subnet.chain.state.neurons = fewer;
    },
  });
  for (const told of await reasonsOf(2)) expect(told.set).toEqual(['chain-shrunken']);
  expectWeights(PAYS_A);
  await playRun(subnet, 3, MEASURED);
  for (const told of await reasonsOf(3))
    expect(told).toEqual({ missed: [], decided: 'challenger-won', set: ['challenger-won'] });
  expectWeights(PAYS_B);
});

test('a validator whose own endpoint is broken follows the others', async () => {
  subnet.chain.state.faultOf.set('v1', { kind: 'neurons', neurons: [] });
  const { snapshot } = runInput(2).phases;
  await playRun(subnet, 2, MEASURED, {
    // It still saw who votes.
    onBlock: (block) => {
      if (block === snapshot) subnet.chain.state.faultOf.delete('v1');
      else subnet.chain.state.faultOf.set('v1', { kind: 'neurons', neurons: [] });
    },
  });
  expect(await reasonsOf(2)).toMatchObject([
    { missed: ['decide empty'], decided: 'chain-empty', set: ['challenger-won'] },
    ...Array.from({ length: 3 }, () => ({ missed: [], decided: 'challenger-won' })),
  ]);
  expectWeights(PAYS_B);
});

test.for([
  { title: 'before the certificate is due', until: 'certify', set: 'challenger-won' },
  { title: 'after it is due', until: 'after certify', set: 'certificate-missed' },
] as const)(
  'without a head nothing moves; with one $title the run resolves',
  async ({ until, set }) => {
    const { decide, certify } = runInput(2).phases;
    const last = until === 'certify' ? decide + 1 : certify + 1;
    await measureRun(subnet, 2, MEASURED);
    await playBlocks(subnet, runInput(2).phases.snapshot, decide - 1);
    const before = await Promise.all(
      subnet.nodes.map(async (node) => (await node.events()).length),
    );
    subnet.chain.state.silent = true;
    await playBlocks(subnet, decide, last);
    expect(
      await Promise.all(subnet.nodes.map(async (node) => (await node.events()).length)),
    ).toEqual(before);
    for (const node of subnet.nodes) expect(node.validator.state.chain).toBe('unknown');

    subnet.chain.state.silent = false;
    await playBlocks(subnet, last + 1, certify + 3);
    expect(await reasonsOf(2)).toEqual(
      subnet.nodes.map(() => ({ missed: [], decided: 'challenger-won', set: [set] })),
    );
    expectWeights(set === 'challenger-won' ? PAYS_B : PAYS_A);
    await playRun(subnet, 3, MEASURED);
    expectWeights(PAYS_B);
  },
);

test('all validators restarted in the same block, at any block of a run, keep the crown', async () => {
  const { snapshot, certify } = runInput(0).phases;
  const scores = everybody({ 'miner a': 0.5, 'miner b': 0.54, 'miner c': 0.4 });
  for (let offset = 0; offset <= certify - snapshot; offset++) {
    const sequence = offset + 2;
    const restartAt = runInput(sequence).phases.snapshot + offset;
    await playRun(subnet, sequence, scores, {
      onBlock: async (block) => {
        if (block === restartAt) for (const node of subnet.nodes) await node.restart();
      },
    });
    const told = `restarted ${offset} blocks after the snapshot`;
    for (const { decided, set } of await reasonsOf(sequence))
      expect({ decided, set }, told).toEqual({
        decided: 'incumbent-kept',
        set: ['incumbent-kept'],
      });
    expectWeights(PAYS_A);
  }
  for (const node of subnet.nodes) expect((await node.events()).length).toBeGreaterThan(100);
  expect(nodeOf(subnet, 'v1').validator.state.failures).toBe(0);
});
