import { expect, test } from 'vitest';
import { pairsByState } from '#src/handlers/evaluation/run-progress.ts';
import { Status } from '#src/http/documents.ts';
import { simulatedTasks, simulateEvaluation } from '../support/simulated-evaluation.ts';
import type { Fault } from '../support/simulated-services.ts';
import { startApp } from './client.ts';
import { fakeValidator } from './fake-validator.ts';

const MINUTE_MS = 60_000;
const ALWAYS = { from: 0, to: 60 * MINUTE_MS };
const TASKS = simulatedTasks(4);
const MINERS = { A: 'honest', B: 'hanging', C: 'wrong' } as const;
const PLANNED = TASKS.length * 3;

/** A validator's evaluation, and what its status says of it to whoever asks over HTTP. */
async function site(faults: readonly Fault[], more: { room?: number; oracles?: boolean } = {}) {
  const plan = { seed: 'status', miners: MINERS, tasks: TASKS, leases: false, mortality: 0 };
  const play = await simulateEvaluation({ ...plan, ...more, faults });
  const validator = fakeValidator();
  const app = await startApp({
    ...validator,
    status: async () => ({
      ...(await validator.status()),
      evaluation: play.progress().map((each) => ({ ...each, waitsFor: [...each.waitsFor] })),
    }),
  });
  return {
    play,
    evaluation: async () => {
      const { evaluation } = Status.parse((await app.ask('/v1/status')).json());
      if (evaluation?.length !== 1) throw new Error('the status tells of one run');
      return evaluation[0];
    },
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]();
      await play[Symbol.asyncDispose]();
    },
  };
}

test('the status tells how many pairs of a run are scored, and of a whole one that it waits for nothing', async () => {
  await using at = await site([]);
  await at.play.live(5 * MINUTE_MS);
  const under = await at.evaluation();
  expect(under?.pairs).toMatchObject({ planned: PLANNED, excused: 0, waiting: 0, busy: 1 });
  const { scored = 0 } = under?.pairs ?? {};
  expect(scored).toBeGreaterThan(TASKS.length);
  const states = { excused: 0, busy: 1, waiting: 0, unjudged: 0 };
  expect(pairsByState(at.play.progress())).toEqual({
    ...states,
    scored,
    left: PLANNED - scored - 1,
  });

  await at.play.live(40 * MINUTE_MS);

  expect(await at.evaluation()).toEqual({
    family: 'general_chat',
    run: 'run-7',
    status: 'open',
    pairs: { planned: PLANNED, scored: PLANNED, excused: 0, busy: 0, waiting: 0, unjudged: 0 },
    waitsFor: [],
  });
});

const unseen = { scored: 0, busy: 0, waiting: 0 };
test.each<[string, string, Fault['what'], object, object]>([
  ['a roster that is not here', 'roster', 'roster', unseen, { detail: 'the roster is not here' }],
  ['documents to search', 'tasks', 'search', unseen, {}],
  ['a cluster that says nothing', 'cluster', 'cluster', unseen, { detail: 'no answer' }],
  ['a service that is away', 'services', 'ledger', { scored: 0 }, {}],
  ['a disk that is nearly full', 'disk', 'disk', unseen, { detail: 'a disk is nearly full' }],
])('a run that waits for %s says so', async (_what, name, what, pairs, waits) => {
  await using at = await site([{ what, ...ALWAYS }]);
  await at.play.live(3 * MINUTE_MS);

  expect(await at.evaluation()).toMatchObject({
    pairs: { planned: PLANNED, ...pairs },
    waitsFor: expect.arrayContaining([expect.objectContaining({ what: name, ...waits })]),
  });
});

test('pairs that wait for a judge that is away are counted, and excused once the run is closed', async () => {
  await using at = await site([{ what: 'judge', ...ALWAYS }]);
  await at.play.live(10 * MINUTE_MS);
  const under = await at.evaluation();
  const waiting = under?.pairs.waiting ?? 0;
  expect(waiting).toBeGreaterThan(0);
  expect(under?.waitsFor).toContainEqual({ what: 'judge', detail: `${waiting} pairs are put off` });

  await at.play.close();
  await at.play.live(MINUTE_MS);

  const closed = await at.evaluation();
  expect(closed?.waitsFor).toEqual([]);
  expect(closed?.pairs).toMatchObject({ busy: 0, waiting: 0 });
  expect(closed?.pairs.excused).toBe(at.play.excused.length);
  const none = { scored: 0, excused: 0, busy: 0, waiting: 0, unjudged: 0, left: 0 };
  expect(pairsByState(at.play.progress())).toEqual(none);
});

test('whom the cluster has no place for waits for room, and tasks that nobody can judge are told', async () => {
  await using at = await site([], { room: 2, oracles: false });
  await at.play.live(2 * MINUTE_MS);

  const seen = await at.evaluation();
  expect(seen?.waitsFor).toEqual([{ what: 'room', detail: '1 of 3 miners; 2 find room at once' }]);
  expect(seen?.pairs.unjudged).toBe(3);
});
