import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { WeightReason } from '#src/events/weights.ts';
import { stakedNeurons } from '../support/live-chain.ts';
import { eventsOf, readLog } from '../support/live-log.ts';
import { BLOCKS_TO_SET, type LiveRun, liveRun, measure, playTo } from '../support/live-run.ts';
import { decisionOf, type LiveSubnet, liveSubnet } from '../support/live-subnet.ts';
import { PROCESS_TEST_TIMEOUT_MS, until } from '../support/live-until.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

const NAMES = ['v1', 'v2'] as const;
const STAKES = { v1: 400n, v2: 300n };
/** The chain pays miner-1, and nobody beats it by the margin: every run keeps it. */
const QUALITY = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3];
const PAID = [{ uid: 1, weight: 65_535 }];

let subnet: LiveSubnet;
beforeAll(async () => {
  subnet = await liveSubnet({
    validators: NAMES,
    neurons: (axons) => stakedNeurons(STAKES, axons),
    env: { EIREL_MIN_COLDKEYS: '2' },
  });
  await playWell();
});
afterAll(() => subnet[Symbol.asyncDispose]());

let sequence = 0;
async function openNext(phases?: LiveRun['phases']): Promise<LiveRun> {
  sequence++;
  const run = liveRun(sequence, subnet.chain.block(), phases);
  await measure(subnet, run, QUALITY);
  return run;
}

async function playOut(run: LiveRun): Promise<void> {
  await playTo(subnet, run.phases.certify + BLOCKS_TO_SET);
}

/** A run that nothing happens in, on the processes as they are. */
async function playWell(): Promise<void> {
  const run = await openNext();
  await playOut(run);
  await assertOutcome(run, 'winner', 'incumbent-kept');
}

/** Everybody came to the same outcome, certified it, and the chain holds what was intended. */
async function assertOutcome(
  { run }: LiveRun,
  kind: 'winner' | 'hold',
  reason: WeightReason,
): Promise<void> {
  const decisions = await Promise.all(NAMES.map((name) => decisionOf(subnet, name, run)));
  expect(new Set(decisions)).toHaveLength(1);
  for (const name of NAMES) {
    const log = await readLog(subnet.nats, name);
    const of = <Type extends DomainEvent['type']>(type: Type) => eventsOf(log, type, run);
    expect(of('decision.made.v1').map(({ outcome }) => [outcome.kind, outcome.reason])).toEqual([
      [kind, reason],
    ]);
    expect(of('certificate.built.v1')).toHaveLength(1);
    expect(of('weights.intended.v1')).toMatchObject([{ reason, vector: PAID }]);
    expect(of('weights.observed.v1')).toMatchObject([{ matches: true, vector: PAID }]);
    expect(subnet.chain.weightsOf(name)).toEqual(PAID);
  }
}

const sizes = () =>
  Promise.all(NAMES.map(async (name) => (await readLog(subnet.nats, name)).head.size));

/** What a node answers wrongly from the decide block on, what ends that, and what the run is held for. */
const faults: readonly [what: string, WeightReason, start: () => void, end: () => void][] = [
  [
    'is emptied',
    'chain-empty',
    () => subnet.chain.faults.spoilMetagraph('empty'),
    () => subnet.chain.faults.spoilMetagraph(null),
  ],
  [
    'is of no subnet',
    'chain-empty',
    () => subnet.chain.faults.spoilMetagraph('missing'),
    () => subnet.chain.faults.spoilMetagraph(null),
  ],
  [
    'has lost its voters',
    'chain-empty',
    () =>
      subnet.chain.amend((state) => ({
        ...state,
        neurons: state.neurons.map((neuron) => ({ ...neuron, permit: false })),
      })),
    () =>
      subnet.chain.amend((state) => ({ ...state, neurons: stakedNeurons(STAKES, subnet.axons()) })),
  ],
  [
    'is shrunken',
    'chain-shrunken',
    // Without two miners, so that the voters are still among them.
    () =>
      subnet.chain.amend((state) => ({
        ...state,
        neurons: state.neurons.filter((_, uid) => uid !== 3 && uid !== 4),
      })),
    () =>
      subnet.chain.amend((state) => ({ ...state, neurons: stakedNeurons(STAKES, subnet.axons()) })),
  ],
  [
    'is cut in the middle',
    'chain-malformed',
    () => subnet.chain.faults.spoilMetagraph('malformed'),
    () => subnet.chain.faults.spoilMetagraph(null),
  ],
  [
    'is answered with an error',
    'chain-unavailable',
    () => subnet.chain.faults.failCalls('state_call'),
    () => subnet.chain.faults.failCalls('state_call', 0),
  ],
];

// One after the other: a fault that left something behind would show as another reason in the next one's run.
test.for(faults)(
  'a metagraph that %s at the decide block holds the incumbent for %s',
  async ([, reason, start, end]) => {
    const run = await openNext();
    await playTo(subnet, run.phases.decide - 1);
    start();
    await playTo(subnet, run.phases.certify - 1);
    end();
    await playOut(run);
    await assertOutcome(run, 'hold', reason);
  },
);

test('after all of these the next run needs no restart', playWell);

test('a metagraph that is empty for one block only is asked for again, and the run is decided', async () => {
  const run = await openNext();
  await playTo(subnet, run.phases.decide - 1);
  subnet.chain.faults.spoilMetagraph('empty');
  await playTo(subnet, run.phases.decide);
  subnet.chain.faults.spoilMetagraph(null);
  await playOut(run);
  await assertOutcome(run, 'winner', 'incumbent-kept');
});

/** Blocks come, and no validator hears of them. */
const silences: readonly [what: string, start: () => void, end: () => void][] = [
  ['sends nothing any more', () => subnet.chain.faults.mute(), () => subnet.chain.faults.unmute()],
  [
    'makes no block final',
    () => subnet.chain.faults.stallFinality(),
    () => subnet.chain.faults.resumeFinality(),
  ],
];

test.for(silences)(
  'a node that %s at the decide block moves nothing; with the next final block the run is decided',
  async ([, start, end]) => {
    const run = await openNext();
    await playTo(subnet, run.phases.decide - 1);
    const before = await sizes();
    start();
    await subnet.chain.nextBlock();
    // Rounds go on between these answers, and see the same block as before.
    for (const name of [...NAMES, ...NAMES, ...NAMES, ...NAMES])
      expect(await (await subnet.get(name, '/v1/status')).json()).toMatchObject({
        finalizedBlock: run.phases.decide - 1,
      });
    expect(await sizes()).toEqual(before);
    end();
    await playOut(run);
    await assertOutcome(run, 'winner', 'incumbent-kept');
  },
);

test('a chain that is out of reach moves nothing, /readyz says so, and when it is back the run is decided', async () => {
  const run = await openNext();
  await playTo(subnet, run.phases.decide - 1);
  const before = await sizes();
  subnet.chain.faults.refuseHandshakes('reset');
  subnet.chain.faults.dropConnections();
  // Restarted, they know no block that they could go on with for a while.
  await restartAll();
  for (const name of NAMES) expect(await unreadyFor(name)).toContain('connect');
  await subnet.chain.nextBlock();
  expect(await sizes()).toEqual(before);
  subnet.chain.faults.refuseHandshakes('reset', 0);
  await subnet.settled();
  for (const name of NAMES) expect((await subnet.get(name, '/readyz')).status).toBe(200);
  await playOut(run);
  await assertOutcome(run, 'winner', 'incumbent-kept');
});

test('a node that restarts takes every connection with it, and nobody else needs a restart', async () => {
  const run = await openNext();
  await playTo(subnet, run.phases.decide - 1);
  subnet.chain.faults.restart();
  await playOut(run);
  await assertOutcome(run, 'winner', 'incumbent-kept');
});

test('a runtime that is upgraded in the middle of a run needs no restart', async () => {
  const run = await openNext();
  await playTo(subnet, run.phases.commit - 1);
  subnet.chain.faults.upgradeRuntime();
  await playOut(run);
  await assertOutcome(run, 'winner', 'incumbent-kept');
});

test('a run is held when the state of its decide block is discarded before anybody asked for it', async () => {
  // The node keeps the states of 300 blocks; there is so long a time to ask.
  const run = await openNext({ snapshot: 1, commit: 6, decide: 9, certify: 709 });
  await playTo(subnet, run.phases.decide - 1);
  subnet.chain.faults.stallFinality();
  await subnet.chain.produceBlock(345);
  subnet.chain.faults.resumeFinality();
  await playTo(subnet, run.phases.decide + 355);
  await subnet.chain.produceBlock(run.phases.certify - subnet.chain.block() - 1);
  await playOut(run);
  await assertOutcome(run, 'hold', 'chain-unavailable');
  await playWell();
});

test.for(['commit', 'decide', 'certify'] as const)(
  'all validators that are killed and restarted at the %s block complete the run',
  async (phase) => {
    const run = await openNext();
    await playTo(subnet, run.phases[phase] - 1);
    await subnet.chain.nextBlock();
    await restartAll();
    await subnet.settled();
    await playOut(run);
    await assertOutcome(run, 'winner', 'incumbent-kept');
  },
);

async function restartAll(): Promise<void> {
  await Promise.all(NAMES.map((name) => subnet.processOf(name).kill()));
  await Promise.all(NAMES.map((name) => subnet.start(name)));
}

/** What `/readyz` says of the chain, once it says that the validator is not ready. */
function unreadyFor(name: (typeof NAMES)[number]): Promise<string> {
  return until(`${name} misses the chain`, async () => {
    const answer = await subnet.get(name, '/readyz');
    const { checks } = (await answer.json()) as { checks: { name: string; detail: string }[] }; // safe: our own program answers
    return answer.status === 503 && checks.find((check) => check.name === 'chain')?.detail;
  });
}
