import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { verifyDocument } from '#src/consensus/signed.ts';
import { ROSTER_TYPE, RosterBody, RosterDocument } from '#src/evaluation/roster.ts';
import { decode, decodeBytes } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Reply } from '../http/client.ts';
import { hotkey } from '../support/dev-subnet.ts';
import {
  archiveOf,
  type LiveOwner,
  liveOwner,
  openRun,
  playTo,
  publish,
  submitAll,
} from '../support/live-owner.ts';
import { taskSetOf } from '../support/owner-task-set.ts';
import { eirelHere } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { unfinishedRequest } from '../support/unfinished-request.ts';
import {
  ClaimAnswer,
  Refusal,
  RunAnswer,
  StatusAnswer,
  SubmitAnswer,
  WeightsAnswer,
} from './wire.ts';

const FAMILY = 'general_chat';
const CLAIM = `/v1/families/${FAMILY}/tasks/claim`;

let owner: LiveOwner;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  owner = cleanup.use(
    await liveOwner({
      EIREL_OWNER_MAX_ARCHIVE_BYTES: '2000000',
      EIREL_FAMILY_SHARE: '0.5',
      // As an existing deployment sets it: no runtimes are hosted here in any case.
      EIREL_OWNER_DISABLE_RUNTIME_RECONCILE: '1',
    }),
  );
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
  expect(await openRun(owner)).toMatchObject({ opened: false, run: 'run-1' });

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
  for (const path of [
    `/v1/runs/run-1/submissions/${opened.run}/archive`,
    `/v1/runs/run-2/submissions/${x?.submission}/archive`,
    '/v1/runs/run-2/roster',
    '/v1/runs/run-1/roster?family_id=other',
    `/v1/task-sets/${sha256('none')}`,
  ])
    expect((await owner.askAs('a', path)).status, path).toBe(404);
  expect(archive.headers['cache-control']).toContain('private');
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

  const weightsOf = async (query: string) =>
    WeightsAnswer.parse((await owner.ask(`/v1/weights${query}`)).json());
  const nothing = { run_id: null, weights: {}, family_winners: [], ready: false };
  for (const query of ['', '?run_id=run-1', '?run_id=run-99'])
    expect(await weightsOf(query), query).toEqual(nothing);
  await playTo(owner, owner.block() + 31);
  await expect
    .poll(async () => RunAnswer.parse((await owner.ask('/v1/runs/current')).json()).status)
    .toBe('completed');
  const weights = await weightsOf('');
  expect(await weightsOf('?run_id=run-1')).toEqual(weights);
  expect(await weightsOf('?run_id=run-99')).toEqual(nothing);
  expect((await owner.ask('/v1/weights?run_id=7')).status).toBe(400);
  expect(weights).toEqual({
    run_id: 'run-1',
    // The other half of the family's weight burns.
    weights: { [hotkey('y')]: 0.5 },
    family_winners: [
      {
        family_id: FAMILY,
        winner_hotkey: hotkey('y'),
        family_weight: 0.5,
        official_family_score: 0.85,
      },
    ],
    ready: true,
  });
  expect((await owner.ask(archivePath)).status).toBe(200);
  expect((await owner.ask(`/v1/task-sets/${taskSet}`)).status).toBe(200);
  expect((await claim('a', { run_id: 'run-1' })).tasks).toEqual([]);
});

test('what is asked by nobody, by a miner, twice, or wrongly is refused as at the existing services', async () => {
  const body = '{"batch_size": 1}';
  const options = { method: 'POST', body, headers: json };
  expect(await refusal(owner.ask(CLAIM, options))).toEqual([401, 'missing signature headers']);
  expect(await refusal(owner.askAs('x', CLAIM, options))).toEqual([403, 'validator access denied']);
  expect(await refusal(owner.askAs('stranger', CLAIM, options))).toEqual([
    403,
    'validator access denied',
  ]);
  const tampered = owner.signed('a', CLAIM, options);
  expect(await refusal(owner.ask(CLAIM, { ...tampered, body: '{"batch_size": 2}' }))).toEqual([
    401,
    'invalid signature',
  ]);
  const once = owner.signed('a', CLAIM, options);
  expect((await owner.ask(CLAIM, once)).status).toBe(200);
  expect(await refusal(owner.ask(CLAIM, once))).toEqual([409, 'replayed request']);
  for (const batch_size of [0, 41, 1.5, '1'])
    expect((await refusal(post('a', CLAIM, { batch_size })))[0]).toBe(422);
  expect((await refusal(owner.askAs('a', CLAIM, { ...options, body: 'x' })))[0]).toBe(422);
  const nowhere = resultPath('11111111-2222-8333-8444-555555555555');
  expect(await refusal(post('a', nowhere, scored({ x: 1 })))).toEqual([403, 'rejected_not_found']);
  const unknown = `/v1/families/${FAMILY}/tasks/status?run_id=run-99`;
  expect((await owner.askAs('a', unknown)).status).toBe(404);
});

test('who announces large results and sends none holds up his own network, and no memory', async () => {
  const path = resultPath('11111111-2222-8333-8444-555555555555');
  {
    using begun = new DisposableStack();
    for (let count = 0; count < 4; count += 1)
      begun.use(unfinishedRequest(owner.url(), path, {}, 4_000_000));
    await expect
      .poll(async () => (await post('a', path, scored({ x: 1 }))).json())
      .toEqual({ detail: 'too much is under way: send it again' });
  }
  await expect.poll(async () => (await post('a', path, scored({ x: 1 }))).status).toBe(403);
});

test('a lease is its validator’s: it is given back, taken again, and its first result stands', async () => {
  await openRun(owner);
  const [first] = (await claim('a', { batch_size: 1 })).tasks;
  const id = first?.task_evaluation_id ?? '';
  expect(await refusal(post('b', resultPath(id), scored({ x: 1 })))).toEqual([
    403,
    'rejected_wrong_validator',
  ]);
  const returned = await post('a', resultPath(id, 'return'), {});
  expect(returned.json()).toEqual({ task_evaluation_id: id, status: 'returned' });
  expect((await post('a', resultPath(id, 'return'), {})).status).toBe(200);
  expect(await refusal(post('a', resultPath(id), scored({ x: 1 })))).toEqual([
    409,
    'rejected_not_claimed',
  ]);
  const [again] = (await claim('a', { batch_size: 1 })).tasks;
  expect(again?.task_evaluation_id).toBe(id);

  await owner.restart();
  expect((await claim('a', { batch_size: 1 })).tasks[0]?.task_id).not.toBe(first?.task_id);
  for (const wrong of [{ x: 1.5 }, { a: 0.5 }])
    expect((await refusal(post('a', resultPath(id), scored(wrong))))[0]).toBe(422);
  const sent = SubmitAnswer.parse((await post('a', resultPath(id), scored({ x: 0.1 }))).json());
  expect(sent).toMatchObject({ family_evaluation_complete: false, remaining_task_count: 1 });
  const second = await post('a', resultPath(id), scored({ x: 0.9, y: 7 }));
  expect(SubmitAnswer.parse(second.json())).toEqual(sent);
  expect(await refusal(post('a', resultPath(id, 'return'), {}))).toEqual([
    409,
    'rejected_evaluated',
  ]);
  const ended = await owner.command('runs.end', { family: FAMILY, run: 'run-2' });
  expect(ended).toMatchObject({ ended: true, winner: hotkey('x'), reason: 'first-run-best-score' });
  expect(await owner.command('runs.end', { family: FAMILY, run: 'run-2' })).toMatchObject({
    ended: false,
    winner: hotkey('x'),
  });
});

test('of a sampled run nobody gets a task before the snapshot block is final, and everybody the same ones then', async () => {
  const at = owner.block();
  const phases = { snapshot: at + 30, commit: at + 50, decide: at + 60, certify: at + 70 };
  await expect(
    openRun(owner, { sample: 1, phases: { ...phases, snapshot: at + 20 } }),
  ).rejects.toThrow('its hash chooses the tasks');
  const run = await openRun(owner, { sample: 1, phases });
  expect(await claim('a')).toEqual({ tasks: [], remaining_task_count: 0 });
  await playTo(owner, phases.snapshot);
  const [forA, forB] = [await claim('a'), await claim('b')];
  expect(forA.tasks).toHaveLength(1);
  expect(forB.tasks.map(({ task_id }) => task_id)).toEqual(
    forA.tasks.map(({ task_id }) => task_id),
  );
  const id = forA.tasks[0]?.task_evaluation_id ?? '';
  const sent = SubmitAnswer.parse(
    (await post('a', resultPath(id), scored({ x: 0.5, y: 0.54 }))).json(),
  );
  expect(sent.family_evaluation_complete).toBe(true);
  // The winner before had 0.5 in this run: 0.54 does not reach the margin.
  expect(await owner.command('runs.end', { family: FAMILY, run: run.run })).toMatchObject({
    winner: hotkey('x'),
    reason: 'previous-winner-retained',
  });
});

test('a restart serves the same roster bytes, and knows every submission', async () => {
  const path = '/v1/runs/run-1/roster';
  const before = await owner.ask(path);
  await owner.restart();
  const after = await owner.ask(path);
  expect([after.status, after.body]).toEqual([200, before.body]);
  const runs = RunAnswer.array().parse((await owner.ask('/v1/runs')).json());
  expect(runs.map(({ run_id, status }) => [run_id, status])).toEqual([
    ['run-3', 'completed'],
    ['run-2', 'completed'],
    ['run-1', 'completed'],
  ]);
  expect(await owner.command('submissions.list', { limit: 10 })).toHaveLength(3);
  await expect.poll(async () => (await owner.ask('/readyz')).status).toBe(200);
  expect((await owner.ask('/healthz')).status).toBe(200);
  expect((await owner.ask('/metrics')).text).toContain('eirel_log_size_events');
});

test('an archive comes as a form or as it is, once; beyond its limits it is refused', async () => {
  const path = '/v1/submissions';
  const gzip = { 'content-type': 'application/gzip' };
  const archive = await archiveOf('x');
  const again = await owner.askAs('x', path, { method: 'POST', body: archive, headers: gzip });
  expect(again.json()).toMatchObject({
    miner_hotkey: hotkey('x'),
    archive_sha256: sha256(archive),
  });
  expect(await owner.command('submissions.list', { limit: 10 })).toHaveLength(3);

  const boundary = 'a-boundary';
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="archive"; filename="a.tar.gz"\r\n\r\n`;
  const another = await archiveOf('another of x');
  const form = Buffer.concat([Buffer.from(head), another, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  const formType = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  const taken = await owner.askAs('x', path, { method: 'POST', body: form, headers: formType });
  expect([taken.status, taken.json()]).toMatchObject([200, { archive_sha256: sha256(another) }]);

  const submit = (name: string, body: Uint8Array) =>
    refusal(owner.askAs(name, path, { method: 'POST', body, headers: gzip }));
  expect((await submit('x', await archiveOf('a third of x')))[0]).toBe(429);
  expect((await submit('y', Buffer.from('no archive')))[0]).toBe(400);
  expect((await submit('y', Buffer.alloc(2_000_001)))[0]).toBe(413);
  expect(await submit('stranger', archive)).toEqual([
    403,
    'hotkey is not registered on the subnet',
  ]);
  expect(await refusal(owner.ask(path, { method: 'POST', body: archive }))).toEqual([
    401,
    'missing signature headers',
  ]);
});

test('an operator does it from the command line, and is told what came of it', async () => {
  await using scratch = await scratchDirectory();
  const file = join(scratch.path, 'tasks.json');
  // More than one message of NATS holds.
  const large = { ...taskSetOf(['t-9']), corpora: [corpusOf(2_000_000)] };
  await writeFile(file, JSON.stringify(large));
  const eirel = async (...argv: string[]) => {
    const { code, out, err } = await eirelHere(['owner', ...argv, '--json'], owner.operatorEnv);
    return { code, err, said: out === '' ? null : (JSON.parse(out) as object) };
  };
  const taskSet = sha256(JSON.stringify(large));
  expect(await eirel('task-set', 'publish', file)).toEqual({
    code: 0,
    err: '',
    said: { taskSet, tasks: 1, published: true },
  });
  expect((await eirel('task-set', 'publish', file)).said).toMatchObject({ published: false });
  const at = owner.block();
  const phases = ['--snapshot', `${at + 10}`, '--commit', `${at + 30}`, '--decide', `${at + 40}`];
  const missing = await eirel('runs', 'open', ...phases);
  expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('--certify')]);
  const opened = await eirel('runs', 'open', ...phases, '--certify', `${at + 50}`);
  expect(opened.said).toMatchObject({ opened: true, run: 'run-4', members: 3 });
  const early = await eirel('runs', 'open', ...phases, '--certify', `${at + 41}`);
  expect([early.code, early.err]).toEqual([3, expect.stringContaining('blocks until certify')]);
  const ended = await eirel('runs', 'end', 'run-4');
  expect(ended.said).toEqual({ ended: true, winner: null, score: null, reason: 'no-scores' });
  const listed = await eirelHere(['owner', 'submissions', 'list'], owner.operatorEnv);
  expect(listed.out.trimEnd().split('\n')).toHaveLength(4);
});

/** A corpus of at least so many bytes. */
function corpusOf(bytes: number) {
  const documents = Array.from({ length: Math.ceil(bytes / 100_000) }, (_, index) => ({
    doc_id: `d-${index}`,
    content: 'x'.repeat(100_000),
  }));
  return { corpus_id: 'c-1', documents };
}

/** The status of a refusal, and its words. */
async function refusal(asked: Promise<Reply>): Promise<[number, string]> {
  const reply = await asked;
  return [reply.status, Refusal.parse(reply.json()).detail];
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
