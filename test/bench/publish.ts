import { setTimeout as wait } from 'node:timers/promises';
import type { Draft } from '#src/events/envelope.ts';
import type { Log } from '#src/events/log.ts';
import type { Sequencer } from '#src/sequencer/sequencer.ts';
import { compare, perSecond, type Rounds, repeat, summarise } from './measure.ts';
import { CHECKPOINT_MS, type OwnLog, ownLog, SHORTEST_MS } from './own-log.ts';
import { type Benchmark, comparedRow, plainRow, type Row } from './row.ts';
import { draftsOf, scoreEvents } from './workload.ts';

/** From an event to the signed checkpoint that covers it, on a log that holds a million events already. */
export const publish: Benchmark = {
  name: 'publish',
  summary: 'event to published checkpoint, and the sequencer’s start, on a log of a million events',
  measure: async (quick) => {
    const size = quick ? 3_000 : 1_000_000;
    await using large = await ownLog();
    await large.grow(size);
    await using small = await ownLog();
    await small.grow(SMALL_EVENTS);
    return [
      ...(await loadRows(large, size, quick ? QUICK_LOAD : LOAD)),
      await checkpointRow({ small, large }, quick ? QUICK_PAIRS : PAIRS),
      await startRow(large, quick ? QUICK_PAIRS : STARTS),
    ];
  },
};

const SMALL_EVENTS = 1_000;

type Load = Readonly<{ perSecond: number; seconds: number; rounds: number }>;

const LOAD: Load = { perSecond: 500, seconds: 20, rounds: 3 };
const QUICK_LOAD: Load = { perSecond: 500, seconds: 2, rounds: 1 };
const PAIRS: Rounds = { warmUps: 2, rounds: 31 };
const QUICK_PAIRS: Rounds = { warmUps: 0, rounds: 1 };
const STARTS: Rounds = { warmUps: 0, rounds: 3 };

/** Percentiles over the events of a round, each round's beside those of the others. */
async function loadRows(own: OwnLog, size: number, load: Load): Promise<readonly Row[]> {
  const rounds: (readonly number[])[] = [];
  for (let round = 0; round < load.rounds; round++) rounds.push(await latencies(own, load));
  const under = `${load.perSecond} events/s behind ${size.toLocaleString('en-US')}`;
  return PERCENTILES.map(([name, share, bound]) =>
    plainRow(
      {
        name: `publish-${name}`,
        what: `event to published checkpoint, ${under}: ${name}`,
        unit: 'ms',
      },
      summarise(rounds.map((sorted) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN)),
      bound === null ? [] : [{ of: 'value', is: 'at most', bound }],
    ),
  );
}

const PERCENTILES = [
  ['p50', 0.5, null],
  ['p99', 0.99, 2_000],
  ['max', 1, null],
] as const;

/**
 * Appends one event after the other at an even pace, whether the one before is stored or not. A latency counts
 * from when its event was due, so that a stall counts for all that would have come meanwhile. Sorted, in ms.
 */
async function latencies(own: OwnLog, { perSecond, seconds }: Load): Promise<readonly number[]> {
  const held = (await own.log.head()).size;
  const count = perSecond * seconds;
  const drafts = draftsOf(scoreEvents(count, held));
  const figures: number[] = [];
  let start = Number.POSITIVE_INFINITY;
  const dueAt = (index: number): number => start + (index * 1_000) / perSecond;
  await using sequencer = await own.start(CHECKPOINT_MS, ({ size }) => {
    const at = performance.now();
    while (figures.length < size - held) figures.push(at - dueAt(figures.length));
  });
  start = performance.now();
  await appendPaced(own.log, drafts, dueAt);
  await sequencer.covering(held + count, NEVER);
  return figures.toSorted((a, b) => a - b);
}

const NEVER = new AbortController().signal;

async function appendPaced(
  log: Log,
  drafts: readonly Draft[],
  dueAt: (index: number) => number,
): Promise<void> {
  const appends: Promise<void>[] = [];
  for (const [index, draft] of drafts.entries()) {
    const early = dueAt(index) - performance.now();
    if (early > 0) await wait(early);
    appends.push(appendOne(log, [draft]));
  }
  await Promise.all(appends);
}

async function appendOne(log: Log, drafts: readonly Draft[]): Promise<void> {
  const { kind } = await log.append(drafts);
  if (kind !== 'appended') throw new Error(`an append gave ${kind}`);
}

/** As many as come in one interval under the load above. */
const CHECKPOINT_EVENTS = 500;

/** What one checkpoint costs must not follow the size of its log, but for the logarithm. */
async function checkpointRow(
  { small, large }: Readonly<{ small: OwnLog; large: OwnLog }>,
  rounds: Rounds,
): Promise<Row> {
  await using ofSmall = await small.start(SHORTEST_MS);
  await using ofLarge = await large.start(SHORTEST_MS);
  const compared = await compare(
    {
      subject: () => checkpointMs(large.log, ofLarge),
      reference: () => checkpointMs(small.log, ofSmall),
    },
    rounds,
  );
  const what = `a checkpoint over ${CHECKPOINT_EVENTS} new events of a large log`;
  const against = `of one of ${SMALL_EVENTS.toLocaleString('en-US')}`;
  return comparedRow({ name: 'publish-checkpoint', what, unit: 'ms', against }, compared, [
    { of: 'ratio', is: 'at most', bound: 1.5 },
  ]);
}

/** From the events' being stored to their being published; the sequencer has waited its interval by then. */
async function checkpointMs(log: Log, sequencer: Sequencer): Promise<number> {
  const { size } = await log.head();
  const drafts = draftsOf(scoreEvents(CHECKPOINT_EVENTS, size));
  await wait(3 * SHORTEST_MS);
  await appendOne(log, drafts);
  const start = performance.now();
  await sequencer.covering(size + CHECKPOINT_EVENTS, NEVER);
  return performance.now() - start;
}

/** Every event is read from stream and files, hashed and compared before a sequencer signs anything. */
async function startRow(own: OwnLog, rounds: Rounds): Promise<Row> {
  const { size } = await own.log.head();
  const value = await repeat(
    () =>
      perSecond(size, async () => {
        await using _ = await own.start(CHECKPOINT_MS);
      }),
    rounds,
  );
  const what = `start of the sequencer on ${size.toLocaleString('en-US')} events`;
  return plainRow({ name: 'publish-start', what, unit: 'events/s' }, value);
}
