import { expect, test } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { MAX_APPEND_EVENTS } from '#src/events/log.ts';
import { type ImportLine, importScores } from '#src/handlers/import-scores.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const MINERS = ['m1x', 'm2x'].map(hotkeyOf);
const [FIRST = '', SECOND = ''] = MINERS;

type Result = Readonly<{
  run?: string;
  family?: string;
  task?: string;
  scores?: Readonly<Record<string, number>>;
  verdict?: string;
}>;

function textOf({
  run = 'run-7',
  family = 'general_chat',
  task = 'task-1',
  scores = { [FIRST]: 0.5, [SECOND]: 0.25 },
  verdict = 'matches',
}: Result = {}): string {
  return JSON.stringify({
    run_id: run,
    family_id: family,
    task_id: task,
    miner_results: Object.entries(scores).map(([miner_hotkey, final_task_score]) => ({
      miner_hotkey,
      verdict,
      final_task_score,
      judge_output: {},
    })),
  });
}

/** A store with one run: what is recorded shows in its evidence at once, as the projections do. */
function storeOf({ status = 'open' as 'open' | 'closed', miners = MINERS, measured = false } = {}) {
  const recorded: Extract<DomainEvent, { type: 'score.recorded.v1' }>[] = [];
  const appends: number[] = [];
  const lines = (...texts: readonly string[]): readonly ImportLine[] =>
    texts.map((text, index) => ({ number: index + 10, text }));
  return {
    recorded,
    appends,
    load: (...texts: readonly string[]) =>
      importScores(lines(...texts), {
        findRun: (family, run) =>
          Promise.resolve(
            family === 'general_chat' && run === 'run-7'
              ? { status, measured, miners, tasks: ['task-1', 'task-2'] }
              : null,
          ),
        recordedEvidence: (family, run, pairs) => {
          const wanted = new Set(pairs.map(({ task, miner }) => `${task}/${miner}`));
          const known = recorded.flatMap(({ data }) => {
            const pair = `${data.task}/${data.miner}`;
            const asked = data.family === family && data.run === run && wanted.has(pair);
            return asked ? [[pair, data.evidence] as const] : [];
          });
          return Promise.resolve(new Map(known));
        },
        record: (events) => {
          appends.push(events.length);
          for (const event of events) if (event.type === 'score.recorded.v1') recorded.push(event);
          return Promise.resolve();
        },
      }),
  };
}

const NOTHING = { scored: 0, failed: 0, excused: 0, repeated: 0 };

test('every score of good lines is recorded, in one append', async () => {
  const store = storeOf();
  expect(await store.load(textOf(), textOf({ task: 'task-2' }))).toEqual({
    accepted: 2,
    repeated: 0,
    refused: [],
    scores: { ...NOTHING, scored: 4 },
  });
  expect(store.appends).toEqual([4]);
  expect(store.recorded.map(({ data }) => [data.task, data.miner, data.score])).toEqual([
    ['task-1', FIRST, 500_000_000],
    ['task-1', SECOND, 250_000_000],
    ['task-2', FIRST, 500_000_000],
    ['task-2', SECOND, 250_000_000],
  ]);
});

test('scores are counted by what became of them', async () => {
  const store = storeOf();
  const report = await store.load(
    textOf({ scores: { [FIRST]: 0.5 } }),
    textOf({ scores: { [SECOND]: 0.5 }, verdict: 'latency_violation' }),
    textOf({ task: 'task-2', verdict: 'error' }),
  );
  expect(report.scores).toEqual({ scored: 1, failed: 1, excused: 2, repeated: 0 });
});

test.for<readonly [string, string, string]>([
  ['that is no JSON', 'half a {', 'not JSON'],
  [
    'with a score above 1',
    textOf({ scores: { [FIRST]: 1.5 } }),
    'miner_results.0.final_task_score',
  ],
  ['of an unknown run', textOf({ run: 'run-8' }), 'run_id: run-8 of general_chat was never opened'],
  ['of an unknown family', textOf({ family: 'other' }), 'run_id: run-7 of other was never opened'],
  [
    'of an unknown task',
    textOf({ task: 'task-9' }),
    "task_id: task-9 is not in the run's task set",
  ],
  [
    'of a stranger',
    textOf({ scores: { [FIRST]: 1, [hotkeyOf('m9x')]: 1 } }),
    `miner_hotkey: ${hotkeyOf('m9x')} is not in the run's roster`,
  ],
])('a line %s is refused with its number, and the rest goes in', async ([, bad, reason]) => {
  const store = storeOf();
  const report = await store.load(textOf(), bad, textOf({ task: 'task-2' }));
  expect(report).toMatchObject({ accepted: 2, repeated: 0, scores: { scored: 4 } });
  expect(report.refused).toEqual([{ line: 11, reason: expect.stringContaining(reason) }]);
  // A refused line leaves nothing, not even its good scores.
  expect(store.recorded).toHaveLength(4);
});

test('a closed run takes nothing', async () => {
  const store = storeOf({ status: 'closed' });
  expect(await store.load(textOf())).toEqual({
    accepted: 0,
    repeated: 0,
    refused: [{ line: 10, reason: 'run_id: run-7 of general_chat is closed' }],
    scores: NOTHING,
  });
  expect(store.appends).toEqual([]);
});

test('importing the same lines again changes nothing', async () => {
  const store = storeOf();
  const lines = [textOf(), textOf({ task: 'task-2' })];
  await store.load(...lines);
  const before = store.recorded.length;
  expect(await store.load(...lines)).toEqual({
    accepted: 0,
    repeated: 2,
    refused: [],
    scores: { ...NOTHING, repeated: 4 },
  });
  expect(store.recorded).toHaveLength(before);
});

test('a line that comes twice in one import counts once', async () => {
  const store = storeOf();
  expect(await store.load(textOf(), textOf())).toMatchObject({ accepted: 1, repeated: 1 });
  expect(store.recorded).toHaveLength(2);
});

test.for([
  { title: 'in the same import', apart: false },
  { title: 'in a later import', apart: true },
])('another result for a pair is refused $title: the first one stands', async ({ apart }) => {
  const store = storeOf();
  const other = textOf({ scores: { [FIRST]: 0.75 } });
  const report = apart
    ? (await store.load(textOf()), await store.load(other))
    : await store.load(textOf(), other);
  expect(report.refused).toEqual([
    {
      line: apart ? 10 : 11,
      reason: `task-1 of ${FIRST} has another result already; the first one stands`,
    },
  ]);
  expect(store.recorded.map(({ data }) => data.score)).toEqual([500_000_000, 250_000_000]);
});

test("a task's miners may come in several lines", async () => {
  const store = storeOf();
  const [first, second] = [{ [FIRST]: 0.5 }, { [SECOND]: 0.25 }].map((scores) =>
    textOf({ scores }),
  );
  expect(await store.load(first ?? '', second ?? '')).toMatchObject({ accepted: 2, refused: [] });
  expect(store.recorded.map(({ data }) => data.miner)).toEqual([FIRST, SECOND]);
});

test('more scores than one append takes go in several', async () => {
  const miners = Array.from({ length: 256 }, (_, index) => hotkeyOf(`m${index}x`)).toSorted();
  const store = storeOf({ miners });
  const scores = Object.fromEntries(miners.map((miner) => [miner, 0.5]));
  const halves = [0, 128].map((start) =>
    Object.fromEntries(Object.entries(scores).slice(start, start + 128)),
  );
  const texts = ['task-1', 'task-2'].flatMap((task) =>
    halves.map((half) => textOf({ task, scores: half })),
  );
  await store.load(...texts);
  expect(store.recorded).toHaveLength(512);
  expect(Math.max(...store.appends)).toBeLessThanOrEqual(MAX_APPEND_EVENTS);
});

test('nothing is imported into a run that this validator measures itself: its scores have evidence, or are none', async () => {
  const store = storeOf({ measured: true });
  const { accepted, refused } = await store.load(textOf());
  expect(accepted).toBe(0);
  expect(refused).toMatchObject([{ line: 10, reason: expect.stringContaining('run-7') }]);
  expect(store.recorded).toEqual([]);
});
