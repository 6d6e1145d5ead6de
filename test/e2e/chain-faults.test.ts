import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { WeightReason } from '#src/events/weights.ts';
import { type LiveNeuron, stakedNeurons } from '../support/live-chain.ts';
import { eventsOf, readLog } from '../support/live-log.ts';
import { type LiveRun, liveRun, measure, playTo } from '../support/live-run.ts';
import { decisionOf, type LiveSubnet, liveSubnet } from '../support/live-subnet.ts';
import { PROCESS_TEST_TIMEOUT_MS, until } from '../support/live-until.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

const NAMES = ['v1', 'v2'] as const;
/** The chain pays miner-1, and nobody beats it by the margin: every run keeps it. */
const QUALITY = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3];
const PAID = [{ uid: 1, weight: 65_535 }];

let subnet: LiveSubnet;
beforeAll(async () => {
  subnet = await liveSubnet({
    validators: NAMES,
    neurons: (axons) => stakedNeurons({ v1: 400n, v2: 300n }, axons),
    env: { EIREL_MIN_COLDKEYS: '2' },
  });
  await playWell();
});
afterAll(() => subnet[Symbol.asyncDispose]());

let sequence = 0;
async function openNext(): Promise<LiveRun> {
  sequence++;
  const run = liveRun(sequence, subnet.chain.block());
  await measure(subnet, run, QUALITY);
  return run;
}

/** A run that nothing happens in, on the processes as they are. */
async function playWell(): Promise<void> {
  const run = await openNext();
  await playTo(subnet, run.phases.certify + 1);
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
    expect(await subnet.chain.weightsOf(name)).toEqual(PAID);
  }
}

const honest = (): readonly LiveNeuron[] => stakedNeurons({ v1: 400n, v2: 300n }, subnet.axons());

/** Wrong answers about the decide block, and what they are held for. */
const faults: readonly [string, WeightReason, () => readonly LiveNeuron[]][] = [
  ['emptied', 'chain-empty', () => []],
  ['without its voters', 'chain-empty', () => honest().map((one) => ({ ...one, permit: false }))],
  ['shrunken', 'chain-shrunken', () => honest().filter(({ uid }) => uid !== 3 && uid !== 4)],
  [
    'contradicting itself',
    'chain-malformed',
    () => honest().map((one) => ({ ...one, uid: one.uid === 6 ? 5 : one.uid })),
  ],
];

test.for(faults)(
  'a metagraph that is %s at the decide block holds the incumbent for %s, and the next run needs no restart',
  async ([, reason, answer]) => {
    const run = await openNext();
    await playTo(subnet, run.phases.decide - 1);
    while (subnet.chain.block() < run.phases.certify - 1) {
      await subnet.chain.nextBlockWith(answer());
      await subnet.settled();
    }
    await playTo(subnet, run.phases.certify + 1);
    await assertOutcome(run, 'hold', reason);
    await playWell();
  },
);

test('a metagraph that is empty for one block only is asked for again, and the run is decided', async () => {
  const run = await openNext();
  await playTo(subnet, run.phases.decide - 1);
  await subnet.chain.nextBlockWith([]);
  await subnet.settled();
  await playTo(subnet, run.phases.certify + 1);
  await assertOutcome(run, 'winner', 'incumbent-kept');
});

/** The chain file is out of reach: nothing moves, and whoever asks is told. */
async function assertChainUnknown(reason: string): Promise<void> {
  for (const name of NAMES) {
    const detail = await until(`${name} misses the chain`, async () => {
      const answer = await subnet.get(name, '/readyz');
      const { checks } = (await answer.json()) as { checks: { name: string; detail: string }[] }; // safe: our own program answers
      return answer.status === 503 && checks.find((check) => check.name === 'chain')?.detail;
    });
    expect(detail).toContain(reason);
  }
}

test('a chain file that is gone at the decide block moves nothing; a state that is lost with it is held', async () => {
  const run = await openNext();
  await playTo(subnet, run.phases.decide - 1);
  await subnet.chain.remove();
  await assertChainUnknown('unavailable');
  // It is back with the block after next, and does not know any more what was at the decide block.
  subnet.chain.skip(3);
  await subnet.chain.become(honest());
  await subnet.settled();
  await playTo(subnet, run.phases.certify + 1);
  await assertOutcome(run, 'hold', 'chain-unavailable');
  await playWell();
});

test.for([
  ['garbage', '\u0000\u0001\u0002'],
  ['cut in the middle', '{"netuid":36,"genesis":"dd'],
  ['nothing', ''],
  ['another form', '{"netuid":36}'],
])(
  'a chain file that holds %s at the decide block moves nothing until it is right again',
  async ([, text]) => {
    const run = await openNext();
    await playTo(subnet, run.phases.decide - 1);
    await subnet.chain.garble(text ?? '');
    await assertChainUnknown('malformed');
    await playTo(subnet, run.phases.certify + 1);
    await assertOutcome(run, 'winner', 'incumbent-kept');
  },
);

test.for(['commit', 'decide', 'certify'] as const)(
  'all validators that are killed and restarted at the %s block complete the run',
  async (phase) => {
    const run = await openNext();
    await playTo(subnet, run.phases[phase] - 1);
    await subnet.chain.nextBlock();
    await Promise.all(NAMES.map((name) => subnet.processOf(name).kill()));
    await Promise.all(NAMES.map((name) => subnet.start(name)));
    await subnet.settled();
    await playTo(subnet, run.phases.certify + 1);
    await assertOutcome(run, 'winner', 'incumbent-kept');
  },
);
