import { readFile, watch } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hotkeyOf, type Running } from '#src/cli/subnet/cast.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { runOf } from '#src/events/define-event.ts';
import { writeImport } from '#src/handlers/commands.ts';
import type { Checkpoint } from '#src/merkle/checkpoint.ts';
import { wholeLog } from '../support/live-checkpoint.ts';
import { eventsOf, type LiveLog } from '../support/live-log.ts';
import {
  BLOCKS_TO_SET,
  type LiveRun,
  liveRun,
  measure,
  measuredLines,
  playTo,
} from '../support/live-run.ts';
import { decisionOf, type LiveSubnet, liveSubnet } from '../support/live-subnet.ts';
import { PROCESS_TEST_TIMEOUT_MS, until } from '../support/live-until.ts';
import { prng } from '../support/prng.ts';
import { connectRpc } from '../support/rpc-client.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

const NAMES = ['v1', 'v2', 'v3'] as const;
const SEED = 'eight moments';
const QUALITY = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

/** What is done on chain, at its two ends in the log: between them the extrinsic is sent, included and final. */
const CHAIN_MOMENTS = [
  'extrinsic.signed.v1 commitment',
  'extrinsic.settled.v1 commitment',
  'extrinsic.signed.v1 weights',
  'extrinsic.settled.v1 weights',
] as const;

/** Other facts of a run that every validator writes. */
const LOG_MOMENTS = [
  'run.opened.v1',
  'score.recorded.v1',
  'run.closed.v1',
  'snapshot.taken.v1',
  'report.signed.v1',
  'scores.opened.v1',
  'commitments.read.v1',
  'peer-report.accepted.v1',
  'inputs.gathered.v1',
  'decision.signed.v1',
  'certificate.built.v1',
  'weights.intended.v1',
  'weights.observed.v1',
] as const satisfies readonly DomainEvent['type'][];

type Fact = (typeof CHAIN_MOMENTS)[number] | (typeof LOG_MOMENTS)[number];

let subnet: LiveSubnet;
beforeAll(async () => {
  subnet = await liveSubnet({ validators: NAMES });
});
afterAll(() => subnet[Symbol.asyncDispose]());

/** Two kills in each of four runs, each at another moment, those on chain among them. */
const kills = seededKills();

let sequence = 0;
function openNext(): LiveRun {
  sequence++;
  return liveRun(sequence, subnet.chain.block());
}

for (const pair of kills) {
  const moments = pair.map(({ by, fact }) => `${by} at its first ${fact}`).join(', ');
  test(`killed and restarted validators decide as the others do: ${moments}`, async () => {
    const run = openNext();
    const killed = await Promise.all(
      pair.map((moment) => whenPublished(moment, run, () => restart([moment.by]))),
    );
    await measure(subnet, run, QUALITY);
    await playTo(subnet, run.phases.certify + BLOCKS_TO_SET);
    for (const { done } of killed) await done;
    await assertAgreed(run);
  });
}

test('a validator that is killed while it publishes a checkpoint has published it after its next start', async () => {
  const run = openNext();
  await subnet.command('v1', 'runs.open', JSON.stringify(run));
  const { EIREL_DATA_DIR = '' } = await subnet.environment('v1');
  for (const [index, line] of measuredLines(run, 'v1', QUALITY).entries()) {
    await assertPublished(['v1']);
    const killed = atStep(STEPS_TO_KILL_AT[index] ?? 1, join(EIREL_DATA_DIR, 'log-staging'), () =>
      subnet.processOf('v1').kill(),
    );
    const operator = await subnet.nats.connectAs('operator', 'v1');
    operator.publish('cmd.validator.scores.import', writeImport(1, [line]));
    await operator.flush();
    await operator.close();
    await killed;
    await subnet.start('v1');
  }
  await measure(subnet, run, QUALITY);
  await playTo(subnet, run.phases.certify + BLOCKS_TO_SET);
  await assertAgreed(run);
});

/** A checkpoint takes some ten steps in this folder: each file is written there, synced, and moved to its place. */
const STEPS_TO_KILL_AT = [1, 3, 5, 7];

/** Acts once a folder has changed that often. */
async function atStep(step: number, folder: string, act: () => Promise<void>): Promise<void> {
  let steps = 0;
  for await (const _ of watch(folder)) {
    steps++;
    if (steps >= step) break;
  }
  await act();
}

test('extrinsics that a block includes while every validator is dead are found, and none is made again', async () => {
  const run = openNext();
  await measure(subnet, run, QUALITY);
  for (const phase of ['snapshot', 'certify'] as const) {
    await playTo(subnet, run.phases[phase]);
    if (phase === 'snapshot') {
      // A commitment anchors a checkpoint that covers the report, which was signed only just now.
      await assertPublished(NAMES);
      await playTo(subnet, run.phases.snapshot + 1);
    }
    await until('each has sent its own', async () => (await pending()) === NAMES.length);
    await Promise.all(NAMES.map((name) => subnet.processOf(name).kill()));
    await subnet.chain.nextBlock();
    expect(await pending()).toBe(0);
    await Promise.all(NAMES.map((name) => subnet.start(name)));
    await subnet.settled();
    await assertPublished(NAMES);
  }
  await playTo(subnet, run.phases.certify + BLOCKS_TO_SET);
  await assertAgreed(run);
});

test('a nats-server that is killed in the middle of a run, or away for blocks, costs no event and doubles none', async () => {
  const run = openNext();
  const again = async (): Promise<void> => {
    await subnet.nats.kill();
    await subnet.nats.restart();
  };
  await measure(subnet, run, QUALITY);
  await subnet.nats.kill();
  await playUnheard(run.phases.snapshot + 1);
  await subnet.nats.restart();
  await playTo(subnet, run.phases.commit);
  // Seen by a subscriber, but perhaps neither stored nor acknowledged, and the others are at work, too.
  const first = await whenPublished({ by: 'v1', fact: 'peer-report.accepted.v1' }, run, again);
  await playTo(subnet, run.phases.decide - 1);
  await first.done;
  const second = await whenPublished({ by: 'v3', fact: 'decision.signed.v1' }, run, again);
  await playTo(subnet, run.phases.certify - 1);
  await second.done;
  const third = await whenPublished({ by: 'v2', fact: 'extrinsic.signed.v1 weights' }, run, again);
  await playTo(subnet, run.phases.certify + BLOCKS_TO_SET);
  await third.done;
  await assertAgreed(run);
});

/** Kills them as a crash would, and starts them again: their logs go on from what was published before. */
async function restart(names: readonly Running[]): Promise<void> {
  await Promise.all(names.map((name) => subnet.processOf(name).kill()));
  await Promise.all(names.map((name) => subnet.start(name)));
  await assertPublished(names);
}

/** What each has published of its log at one time or another. */
const published = new Map<Running, readonly Checkpoint[]>();

/** All of each log is published, and goes on from everything that was published of it earlier. */
async function assertPublished(names: readonly Running[]): Promise<void> {
  for (const name of names) await publishedLog(name);
}

async function publishedLog(name: Running): Promise<LiveLog> {
  const earlier = published.get(name) ?? [];
  const { log, checkpoint } = await wholeLog(subnet, name, earlier);
  published.set(name, [...earlier, checkpoint]);
  return log;
}

/** Block by block up to `last`; what every validator has to record meanwhile finds no server. */
async function playUnheard(last: number): Promise<void> {
  const logs = NAMES.map((name) => subnet.processOf(name).logFile);
  const told = async (file: string): Promise<number> =>
    (await readFile(file, 'utf8')).split('the log does not answer').length;
  const before = await Promise.all(logs.map(told));
  while (subnet.chain.block() < last) await subnet.chain.nextBlock();
  for (const [index, file] of logs.entries())
    await until(
      `${file} tells of the outage`,
      async () => (await told(file)) > (before[index] ?? 0),
    );
}

/** How many extrinsics wait for a block. */
async function pending(): Promise<number> {
  await using client = await connectRpc(subnet.chain.url);
  const answer = await client.call('author_pendingExtrinsics');
  return Array.isArray(answer?.result) ? answer.result.length : Number.NaN;
}

/**
 * Everybody holds a verified log in which each fact is once, made the same decision of the run, and did on
 * chain what its log says, no more.
 */
async function assertAgreed({ run }: LiveRun): Promise<void> {
  const decisions = await Promise.all(NAMES.map((name) => decisionOf(subnet, name, run)));
  expect(decisions[0]).toContain('"kind":"winner"');
  expect(new Set(decisions)).toHaveLength(1);
  for (const name of NAMES) {
    const log = await publishedLog(name);
    const ids = log.events.map(({ id }) => id);
    expect(new Set(ids).size, `ids of ${name}`).toBe(ids.length);
    expect(counts(log, run), name).toEqual(WHOLE_RUN);
    assertOnChain(name, log, run);
  }
}

/** The chain has included one commitment and one setting of weights for each run so far, those of the log. */
function assertOnChain(name: Running, log: LiveLog, run: string): void {
  const { chain } = subnet;
  expect(chain.stateAt('finalized').nonces.get(hotkeyOf(name)), `nonce of ${name}`).toBe(
    2 * sequence,
  );
  const signed = eventsOf(log, 'extrinsic.signed.v1', run);
  expect(signed.map(({ purpose, nonce }) => [purpose, nonce])).toEqual([
    ['commitment', 2 * sequence - 2],
    ['weights', 2 * sequence - 1],
  ]);
  const settled = eventsOf(log, 'extrinsic.settled.v1', run);
  for (const [index, { hash }] of signed.entries()) {
    const found = chain.findExtrinsic(hash);
    expect(found).toMatchObject({ finalized: true, error: null });
    expect(settled[index]).toMatchObject({
      hash,
      outcome: 'succeeded',
      block: found?.block,
      blockHash: found?.blockHash,
    });
  }
  expect(chain.weightsOf(name)).toEqual([{ uid: 1, weight: 65_535 }]);
}

/** What a validator records of a run that nothing happened in. */
const WHOLE_RUN = {
  'run.opened.v1': 1,
  'score.recorded.v1': 24,
  'run.closed.v1': 1,
  'snapshot.taken.v1': 2,
  'report.signed.v1': 1,
  'scores.opened.v1': 1,
  'commitments.read.v1': 1,
  'peer-report.accepted.v1': 2,
  'inputs.gathered.v1': 1,
  'decision.signed.v1': 1,
  'certificate.built.v1': 1,
  'weights.intended.v1': 1,
  'weights.observed.v1': 1,
  'extrinsic.signed.v1 commitment': 1,
  'extrinsic.settled.v1 commitment': 1,
  'extrinsic.signed.v1 weights': 1,
  'extrinsic.settled.v1 weights': 1,
} satisfies Record<Fact, number>;

function counts({ events }: LiveLog, run: string): Record<string, number> {
  const facts = events.flatMap(({ event }) =>
    runOf(event.data)?.run === run ? [factOf(event)] : [],
  );
  return Object.fromEntries(
    [...LOG_MOMENTS, ...CHAIN_MOMENTS].map((fact) => [
      fact,
      facts.filter((other) => other === fact).length,
    ]),
  );
}

/** What an event says, sealed or not. */
function factOf(event: DomainEvent): string {
  if (event.type === 'fact.sealed.v1') return event.data.of;
  return 'purpose' in event.data ? `${event.type} ${event.data.purpose}` : event.type;
}

type Moment = Readonly<{ by: Running; fact: Fact }>;

/** Acts the moment that a validator publishes its first fact of that kind and run; `done` when it has acted. */
async function whenPublished(
  { by, fact }: Moment,
  { run }: LiveRun,
  act: () => Promise<void>,
): Promise<{ done: Promise<void> }> {
  const nc = await subnet.nats.connectAs('reader', by);
  const [noun, verb] = fact.split('.');
  const published = nc.subscribe(`validator.${noun}.${verb}.*.${run}`);
  await nc.flush();
  const done = (async () => {
    for await (const message of published) {
      if (factOf(message.json<DomainEvent>()) !== fact) continue;
      await act();
      break;
    }
    await nc.close();
  })();
  done.catch(() => undefined); // the test awaits it at its end
  return { done };
}

function seededKills(): readonly (readonly [Moment, Moment])[] {
  const random = prng(SEED);
  const shuffled = <T>(items: readonly T[]): readonly T[] =>
    items
      .map((item) => ({ item, key: random() }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ item }) => item);
  const [others, victims] = [shuffled(LOG_MOMENTS), shuffled([...NAMES, ...NAMES, ...NAMES])];
  const facts = shuffled([...CHAIN_MOMENTS, ...others.slice(0, 4)]);
  const moment = (index: number): Moment => ({
    fact: facts[index] ?? 'run.opened.v1',
    by: victims[index] ?? 'v1',
  });
  return [0, 2, 4, 6].map((index) => [moment(index), moment(index + 1)] as const);
}
