import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { verifyDocument } from '#src/consensus/signed.ts';
import { ROSTER_TYPE, RosterBody, RosterDocument } from '#src/evaluation/roster.ts';
import { decode, decodeBytes } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { hotkey } from '../support/dev-subnet.ts';
import {
  type LiveOwner,
  liveOwner,
  openRun,
  playTo,
  publish,
  submitAll,
} from '../support/live-owner.ts';
import { ClaimAnswer, RunAnswer, StatusAnswer, SubmitAnswer, WeightsAnswer } from './wire.ts';

const FAMILY = 'general_chat';
const CLAIM = `/v1/families/${FAMILY}/tasks/claim`;

let owner: LiveOwner;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  owner = cleanup.use(await liveOwner());
});
afterAll(() => cleanup.disposeAsync());

const json = { 'content-type': 'application/json' };
const post = (name: string, path: string, body: unknown) =>
  owner.askAs(name, path, { method: 'POST', body: JSON.stringify(body), headers: json });
const claim = async (name: string, body: object = { batch_size: 40 }) =>
  ClaimAnswer.parse((await post(name, CLAIM, body)).json());
const resultPath = (id: string, verb = 'result') =>
  `/v1/families/${FAMILY}/task-evaluations/${id}/${verb}`;
const scored = (scores: Record<string, number>) => ({
  baseline_response: null,
  miner_results: Object.entries(scores).map(([name, score]) => ({
    miner_hotkey: hotkey(name),
    verdict: 'matches',
    final_task_score: score,
  })),
  oracle_cost_usd: 0.001,
});

test('a run goes from submissions over a signed roster, claims and results to the owner’s weights', async () => {
  expect(WeightsAnswer.parse((await owner.ask('/v1/weights')).json()).ready).toBe(false);
  expect((await owner.ask('/v1/runs/current')).status).toBe(404);
  await submitAll(owner, ['x', 'y', 'z']);
  const taskSet = await publish(owner, ['t-2', 't-1']);
  const opened = await openRun(owner);
  expect(opened).toMatchObject({ opened: true, run: 'run-1', members: 3 });
  expect(await openRunAgain()).toMatchObject({ opened: false, run: 'run-1' });

  const run = RunAnswer.parse((await owner.ask('/v1/runs/current')).json());
  expect(run).toMatchObject({ run_id: 'run-1', status: 'open', family_results: {} });
  const members = await checkRoster(opened.roster, taskSet);

  const [x] = members;
  const archivePath = `/v1/runs/run-1/submissions/${x?.submission}/archive`;
  expect((await owner.ask(archivePath)).status).toBe(401);
  expect((await owner.askAs('x', archivePath)).status).toBe(403);
  const archive = await owner.askAs('a', archivePath);
  expect([archive.status, archive.headers['content-type']]).toEqual([200, 'application/gzip']);
  expect(sha256(archive.body)).toBe(x?.archive);
  expect((await owner.ask(`/v1/task-sets/${taskSet}`)).status).toBe(401);
  expect(sha256((await owner.askAs('b', `/v1/task-sets/${taskSet}`)).body)).toBe(taskSet);

  const forA = await claim('a');
  expect(forA.tasks.map(({ task_id }) => task_id)).toEqual(['t-1', 't-2']);
  expect(forA.remaining_task_count).toBe(2);
  expect(forA.tasks[0]?.task_payload.metadata).toEqual({
    shown: true,
    owner_frozen: true,
    run_id: 'run-1',
    benchmark_version: 'bench-1',
    rubric_version: 'rubric-1',
    evaluation_track: FAMILY,
  });
  expect(forA.tasks[0]?.miners.map(({ auth_headers }) => auth_headers)).toEqual([{}, {}, {}]);
  expect((await claim('a')).tasks).toEqual([]);
  const forB = await claim('b');
  expect(forB.tasks.map(({ task_id }) => task_id)).toEqual(['t-1', 't-2']);

  for (const [name, tasks] of [
    ['a', forA.tasks],
    ['b', forB.tasks],
  ] as const) {
    for (const { task_evaluation_id: id } of tasks) {
      const sent = await post(name, resultPath(id), scored({ x: 0.8, y: 0.85, z: 0.1 }));
      SubmitAnswer.parse(sent.json());
    }
  }
  const status = await owner.askAs('a', `/v1/families/${FAMILY}/tasks/status?run_id=run-1`);
  expect(StatusAnswer.parse(status.json())).toMatchObject({
    total_tasks: 2,
    pending_tasks: 0,
    evaluated_tasks: 2,
  });

  await playTo(owner, owner.block() + 31);
  await expect
    .poll(async () => RunAnswer.parse((await owner.ask('/v1/runs/current')).json()).status)
    .toBe('completed');
  const weights = WeightsAnswer.parse((await owner.ask('/v1/weights')).json());
  expect(weights).toEqual({
    run_id: 'run-1',
    weights: { [hotkey('y')]: 1 },
    family_winners: [
      {
        family_id: FAMILY,
        winner_hotkey: hotkey('y'),
        family_weight: 1,
        official_family_score: 0.85,
      },
    ],
    ready: true,
  });
  expect((await owner.ask(archivePath)).status).toBe(200);
  expect((await owner.ask(`/v1/task-sets/${taskSet}`)).status).toBe(200);
  expect((await claim('a', { run_id: 'run-1' })).tasks).toEqual([]);
});

async function openRunAgain(): Promise<unknown> {
  return openRun(owner);
}

/** Checks the served roster as a validator does, and gives its members. */
async function checkRoster(roster: string, taskSet: string): Promise<RosterDocument['members']> {
  const served = await owner.ask(`/v1/runs/run-1/roster?family_id=${FAMILY}`);
  expect([served.status, served.headers['cache-control']]).toEqual([
    200,
    'public, max-age=31536000, immutable',
  ]);
  const document = RosterDocument.parse(decodeBytes(served.body));
  expect(verifyDocument(document.signed, verifySr25519)).toBe(true);
  expect(document.signed).toMatchObject({ type: ROSTER_TYPE, hotkey: hotkey('owner') });
  expect(sha256(document.signed.body)).toBe(roster);
  const body = RosterBody.parse(decode(document.signed.body));
  expect(body).toMatchObject({ run: 'run-1', family: FAMILY, epoch: 1, taskSet, sample: null });
  expect(document.tasks).toEqual(['t-1', 't-2']);
  return document.members;
}
