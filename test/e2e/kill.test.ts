import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Running } from '#src/cli/subnet/cast.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { eventsOf, type LiveLog, readLog } from '../support/live-log.ts';
import { type LiveRun, liveRun, measure, playTo } from '../support/live-run.ts';
import { decisionOf, type LiveSubnet, liveSubnet } from '../support/live-subnet.ts';
import { PROCESS_TEST_TIMEOUT_MS } from '../support/live-until.ts';
import { prng } from '../support/prng.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

const NAMES = ['v1', 'v2', 'v3'] as const;
const SEED = 'six moments';
const QUALITY = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

/** Facts of a run that every validator writes. */
const MOMENTS = [
  'run.opened.v1',
  'score.recorded.v1',
  'run.closed.v1',
  'snapshot.taken.v1',
  'report.signed.v1',
  'peer-report.accepted.v1',
  'inputs.gathered.v1',
  'decision.signed.v1',
  'certificate.built.v1',
  'weights.intended.v1',
  'weights.submitted.v1',
  'weights.observed.v1',
] as const satisfies readonly DomainEvent['type'][];

let subnet: LiveSubnet;
beforeAll(async () => {
  subnet = await liveSubnet({ validators: NAMES });
});
afterAll(() => subnet[Symbol.asyncDispose]());

/** Two kills in each of three runs, each at another moment. */
const kills = seededKills();

for (const [index, pair] of kills.entries()) {
  const moments = pair.map(({ by, type }) => `${by} at its first ${type}`).join(', ');
  test(`killed and restarted validators decide as the others do: ${moments}`, async () => {
    const run = liveRun(index + 1, subnet.chain.block());
    const killed = await Promise.all(
      pair.map((moment) =>
        whenPublished(moment, run, async () => {
          await subnet.processOf(moment.by).kill();
          await subnet.start(moment.by);
        }),
      ),
    );
    await measure(subnet, run, QUALITY);
    await playTo(subnet, run.phases.certify + 1);
    for (const { done } of killed) await done;
    await assertAgreed(run);
  });
}

test('a nats-server that is killed in the middle of a run costs no event and doubles none', async () => {
  const run = liveRun(kills.length + 1, subnet.chain.block());
  const restart = async (): Promise<void> => {
    await subnet.nats.kill();
    await subnet.nats.restart();
  };
  await measure(subnet, run, QUALITY);
  await playTo(subnet, run.phases.commit);
  // Seen by a subscriber, but perhaps neither stored nor acknowledged, and the others are at work, too.
  const first = await whenPublished({ by: 'v1', type: 'peer-report.accepted.v1' }, run, restart);
  await playTo(subnet, run.phases.decide - 1);
  await first.done;
  const second = await whenPublished({ by: 'v3', type: 'decision.signed.v1' }, run, restart);
  await playTo(subnet, run.phases.certify + 1);
  await second.done;
  await assertAgreed(run);
});

/** Everybody holds a verified log in which each fact is once, and made the same decision of the run. */
async function assertAgreed({ run }: LiveRun): Promise<void> {
  const decisions = await Promise.all(NAMES.map((name) => decisionOf(subnet, name, run)));
  expect(decisions[0]).toContain('"kind":"winner"');
  expect(new Set(decisions)).toHaveLength(1);
  for (const name of NAMES) {
    const log = await readLog(subnet.nats, name);
    const ids = log.events.map(({ id }) => id);
    expect(new Set(ids).size, `ids of ${name}`).toBe(ids.length);
    expect(counts(log, run), name).toEqual(WHOLE_RUN);
  }
}

/** What a validator records of a run that nothing happened in. */
const WHOLE_RUN = {
  'run.opened.v1': 1,
  'score.recorded.v1': 24,
  'run.closed.v1': 1,
  'snapshot.taken.v1': 2,
  'report.signed.v1': 1,
  'peer-report.accepted.v1': 2,
  'inputs.gathered.v1': 1,
  'decision.signed.v1': 1,
  'certificate.built.v1': 1,
  'weights.intended.v1': 1,
  'weights.submitted.v1': 1,
  'weights.observed.v1': 1,
};

function counts(log: LiveLog, run: string): Record<string, number> {
  return Object.fromEntries(MOMENTS.map((type) => [type, eventsOf(log, type, run).length]));
}

type Moment = Readonly<{ by: Running; type: (typeof MOMENTS)[number] }>;

/** Acts the moment that a validator publishes its first fact of that type and run; `done` when it has acted. */
async function whenPublished(
  { by, type }: Moment,
  { run }: LiveRun,
  act: () => Promise<void>,
): Promise<{ done: Promise<void> }> {
  const nc = await subnet.nats.connectAs('reader', by);
  const [noun, verb] = type.split('.');
  const published = nc.subscribe(`validator.${noun}.${verb}.*.${run}`, { max: 1 });
  await nc.flush();
  const done = (async () => {
    for await (const _ of published) await act();
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
  const [types, victims] = [shuffled(MOMENTS), shuffled([...NAMES, ...NAMES])];
  const moment = (index: number): Moment => ({
    type: types[index] ?? 'run.opened.v1',
    by: victims[index] ?? 'v1',
  });
  return [0, 2, 4].map((index) => [moment(index), moment(index + 1)] as const);
}
