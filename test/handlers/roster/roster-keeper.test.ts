import { describe, expect, test } from 'vitest';
import { signRequest } from '#src/consensus/signed-request.ts';
import { buildRoster } from '#src/evaluation/build-roster.ts';
import type { RosterMember } from '#src/evaluation/roster.ts';
import { manifestText } from '#src/evaluation/submission-yaml.ts';
import { sha256 } from '#src/events/hash.ts';
import { ask } from '../../http/client.ts';
import { devSigner } from '../../support/dev-keys.ts';
import {
  fakeOwner,
  type OwnerAnswers,
  type RosterValidator,
  rosterValidator,
  runWithVoters,
  snapshotOf,
} from '../../support/roster-site.ts';
import { rosterDraft, rosterMember, rosterOwner } from '../../support/rosters.ts';
import { archiveOf, MANIFEST_YAML } from '../../support/tar-files.ts';

const RUN = 'run-7';
const manifest = manifestText(Buffer.from(MANIFEST_YAML));
const TEXT = manifest.kind === 'read' ? manifest.text : '';

const TASK_SET = Buffer.from(
  JSON.stringify({
    v: 'eirel/task-set/1',
    family: 'general_chat',
    benchmark_version: '1',
    rubric_version: '1',
    tasks: rosterDraft().tasks.map((id) => ({
      task_id: id,
      family_id: 'general_chat',
      prompt: 'how many?',
      category: 'arithmetic',
      expected_output: { answer: '42' },
    })),
  }),
);

type Submission = Readonly<{ member: RosterMember; archive: Uint8Array }>;

function submission(name: string, archive = archiveOf({ path: `${name}.py`, content: name })) {
  const bytes = { archive: sha256(archive), bytes: archive.length, manifest: TEXT };
  return { member: rosterMember(name, bytes), archive };
}

/** What an owner has that opened a run with these submissions; gives its roster. */
function publish(
  answers: OwnerAnswers,
  submissions: readonly Submission[],
  {
    epoch = 7,
    taskSet = TASK_SET,
    sample = null,
  }: { epoch?: number; taskSet?: Uint8Array; sample?: number | null } = {},
) {
  const members = submissions.map(({ member }) => member);
  const draft = rosterDraft({ epoch, members, taskSet: sha256(taskSet), sample });
  const built = buildRoster(draft, rosterOwner);
  answers.set('/v1/runs/current', Buffer.from(JSON.stringify({ run_id: RUN, status: 'open' })));
  answers.set(`/v1/runs/${RUN}/roster`, built.bytes);
  answers.set(`/v1/task-sets/${sha256(taskSet)}`, taskSet);
  for (const { member, archive } of submissions) answers.set(archivePath(member), archive);
  return built;
}

function archivePath({ submission: id }: RosterMember): string {
  return `/v1/runs/${RUN}/submissions/${id}/archive`;
}

const ANN = submission('ann');
const BOB = submission('bob');

describe('a validator and its owner', () => {
  test('a run is opened by its roster, once, and every archive is had', async () => {
    await using owner = await fakeOwner();
    await using validator = await rosterValidator('v1', owner);
    const { roster, bytes } = publish(owner.answers, [ANN, BOB]);
    await validator.pass(2);
    expect(await validator.data('run.opened.v1')).toMatchObject([
      { run: RUN, roster, tasks: rosterDraft().tasks, phases: rosterDraft().phases },
    ]);
    expect(await validator.data('roster.accepted.v1')).toMatchObject([
      { roster, document: sha256(bytes), epoch: 7, members: 2 },
    ]);
    expect((await validator.data('archive.accepted.v1')).toSorted(bySubmission)).toMatchObject([
      { submission: 'submission-ann', from: 'owner', entries: 2 },
      { submission: 'submission-bob', from: 'owner', entries: 2 },
    ]);
    expect(await validator.blobs.size(ANN.member.archive)).toBe(ANN.archive.length);
    const size = await validator.size();
    await validator.pass(20);
    expect(await validator.size()).toBe(size);
  });

  test('a roster that somebody else signed is refused, once, and the right one is taken later', async () => {
    await using owner = await fakeOwner();
    await using validator = await rosterValidator('v1', owner);
    publish(owner.answers, [ANN]);
    const { members, ...rest } = rosterDraft({ members: [ANN.member], taskSet: sha256(TASK_SET) });
    const forged = buildRoster({ ...rest, members }, devSigner('forger'));
    const path = `/v1/runs/${RUN}/roster`;
    const right = owner.answers.get(path) ?? 404;
    owner.answers.set(path, forged.bytes);
    await validator.pass(40);
    expect(await validator.data('roster.refused.v1')).toMatchObject([
      { run: RUN, roster: forged.roster, reason: 'wrong-signer' },
    ]);
    expect(await validator.data('run.opened.v1')).toEqual([]);
    owner.answers.set(path, right);
    await validator.pass(17);
    expect(await validator.data('run.opened.v1')).toHaveLength(1);
  });

  test('a roster whose tasks are not those of its task set opens nothing', async () => {
    await using owner = await fakeOwner();
    await using validator = await rosterValidator('v1', owner);
    const taskSet = Buffer.from(TASK_SET.toString().replace('"t-4"', '"t-5"'));
    publish(owner.answers, [ANN], { taskSet });
    await validator.pass(5);
    expect(await validator.data('roster.refused.v1')).toMatchObject([
      { reason: 'task-set-differs' },
    ]);
    expect(await validator.data('run.opened.v1')).toEqual([]);
  });

  test('a sample whose block may be known already is refused, once, and the run is left to others', async () => {
    await using owner = await fakeOwner();
    await using validator = await rosterValidator('v1', owner);
    await validator.pass(90);
    const { roster } = publish(owner.answers, [ANN], { sample: 2 });
    await validator.pass(30);
    expect(await validator.data('roster.refused.v1')).toMatchObject([
      {
        roster,
        reason: 'snapshot-not-ahead',
        detail: expect.stringContaining('a snapshot at block 101 or later'),
      },
    ]);
    expect(await validator.data('run.opened.v1')).toEqual([]);
  });

  test('a sample that nobody could know when its roster was accepted stays accepted after its block', async () => {
    await using owner = await fakeOwner();
    await using validator = await rosterValidator('v1', owner);
    await validator.pass(89);
    publish(owner.answers, [ANN], { sample: 2 });
    await validator.pass(60);
    expect(await validator.data('roster.accepted.v1')).toMatchObject([{ sample: 2 }]);
    expect(await validator.data('roster.refused.v1')).toEqual([]);
    expect(await validator.data('archive.accepted.v1')).toHaveLength(1);
  });

  test('while the owner gives nothing, or nonsense, nothing is recorded', async () => {
    await using owner = await fakeOwner();
    await using validator = await rosterValidator('v1', owner);
    await validator.pass(3);
    owner.answers.set('/v1/runs/current', Buffer.from('nonsense'));
    await validator.pass(3);
    publish(owner.answers, [ANN]);
    owner.answers.set(`/v1/task-sets/${sha256(TASK_SET)}`, 503);
    await validator.pass(10);
    expect(await validator.size()).toBe(0);
    owner.answers.set(`/v1/task-sets/${sha256(TASK_SET)}`, TASK_SET);
    await validator.pass(17);
    expect(await validator.data('run.opened.v1')).toHaveLength(1);
  });

  test('an archive that must not be unpacked, or has another manifest, is refused once and for all', async () => {
    await using owner = await fakeOwner();
    await using validator = await rosterValidator('v1', owner);
    const link = submission('ann', archiveOf({ path: 'l', type: '2', link: '/etc/passwd' }));
    const other = { ...BOB, member: { ...BOB.member, manifest: '{"schema_version":1}' } };
    publish(owner.answers, [link, other, submission('cid')]);
    await validator.pass(40);
    expect(await validator.data('archive.accepted.v1')).toMatchObject([
      { submission: 'submission-cid' },
    ]);
    const refused = await validator.data('archive.refused.v1');
    expect(refused.toSorted(bySubmission)).toMatchObject([
      { submission: 'submission-ann', reason: 'unsafe', found: link.member.archive },
      { submission: 'submission-bob', reason: 'manifest-differs' },
    ]);
    expect(await validator.blobs.has(link.member.archive)).toBe(false);
    const asked = owner.asked.filter((path) => path === archivePath(link.member));
    expect(asked).toHaveLength(1);
  });
});

describe('validators and an owner that is not straight', () => {
  test("a peer's right bytes make up for the owner's wrong ones, which are recorded", async () => {
    await using site = await twoValidators();
    const { owner, one, other } = site;
    publish(owner.answers, [ANN, BOB]);
    await one.pass(2);
    await vote(site);
    owner.answers.set(archivePath(ANN.member), Buffer.from('something else'));
    owner.answers.set(archivePath(BOB.member), 503);
    await other.pass(1);
    await other.record([snapshotOf(RUN, [one, other])]);
    await other.pass(40);
    expect(await other.data('archive.refused.v1')).toMatchObject([
      {
        submission: 'submission-ann',
        reason: 'hash-differs',
        from: 'owner',
        found: sha256('something else'),
      },
    ]);
    const from = one.signer.hotkey;
    const accepted = await other.data('archive.accepted.v1');
    expect(accepted.toSorted(bySubmission)).toMatchObject([
      { submission: 'submission-ann', from },
      { submission: 'submission-bob', from },
    ]);
  });

  test('an archive that nobody gives is told of once, and asked for less and less often', async () => {
    await using site = await twoValidators();
    const { owner, one } = site;
    publish(owner.answers, [ANN]);
    owner.answers.set(archivePath(ANN.member), 503);
    await one.pass(100);
    expect(await one.data('archive.refused.v1')).toMatchObject([
      { submission: 'submission-ann', reason: 'unavailable', found: null },
    ]);
    const asked = owner.asked.filter((path) => path === archivePath(ANN.member));
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.length).toBeLessThan(15);
    owner.answers.set(archivePath(ANN.member), ANN.archive);
    await one.pass(17);
    expect(await one.data('archive.accepted.v1')).toHaveLength(1);
  });

  test('who is kept from everything has roster, tasks and archives from a peer', async () => {
    await using site = await twoValidators();
    const { owner, one, other } = site;
    publish(owner.answers, [ANN, BOB]);
    await one.pass(2);
    await vote(site);
    for (const path of owner.answers.keys()) owner.answers.set(path, 503);
    await other.pass(1);
    expect(await other.data('run.opened.v1')).toMatchObject([{ run: 'run-6' }, { run: RUN }]);
    await other.pass(1);
    expect(await other.data('archive.accepted.v1')).toHaveLength(2);
  });

  test('two rosters of one run convict the owner with everybody who sees them', async () => {
    await using site = await twoValidators();
    const { owner, one, other } = site;
    const first = publish(owner.answers, [ANN, BOB]);
    await one.pass(2);
    const second = publish(owner.answers, [BOB]);
    await other.pass(2);
    expect(second.roster).not.toBe(first.roster);
    await one.pass(3);
    await other.pass(3);
    for (const validator of [one, other])
      expect(await validator.evidence()).toMatchObject([
        { kind: 'roster', hotkey: rosterOwner.hotkey, run: RUN },
      ]);
    expect(await one.data('roster.refused.v1')).toMatchObject([
      { roster: second.roster, reason: 'another-roster' },
    ]);
    expect((await one.evidence()).map(({ digest }) => digest)).toEqual(
      (await other.evidence()).map(({ digest }) => digest),
    );
  });

  test('a peer that shows a roster which the owner did not sign convicts nobody', async () => {
    await using site = await twoValidators();
    const { owner, one } = site;
    publish(owner.answers, [ANN]);
    await one.pass(2);
    await using liar = await fakeOwner();
    const { signed } = JSON.parse(
      Buffer.from(buildRoster(rosterDraft(), devSigner('liar')).bytes).toString(),
    ) as { signed: object };
    liar.answers.set(`/v1/rosters/general_chat/${RUN}`, Buffer.from(JSON.stringify(signed)));
    await one.record([snapshotOf(RUN, [one, { signer: devSigner('liar'), url: liar.url }])]);
    await one.pass(3);
    expect(liar.asked).toContain(`/v1/rosters/general_chat/${RUN}`);
    expect(await one.evidence()).toEqual([]);
    expect(await one.data('roster.refused.v1')).toEqual([]);
  });

  test('what a disk lost is had again, without a word in the log', async () => {
    await using site = await twoValidators();
    const { owner, one } = site;
    publish(owner.answers, [ANN]);
    await one.pass(2);
    const size = await one.size();
    const [accepted] = await one.data('roster.accepted.v1');
    const lost = [ANN.member.archive, sha256(TASK_SET), accepted?.document ?? ''];
    for (const digest of lost) one.forget(digest);
    await one.pass(3);
    for (const digest of lost) expect(await one.blobs.has(digest)).toBe(true);
    expect(await one.size()).toBe(size);
  });

  test('an address with a path in it is not asked with a signature', async () => {
    await using site = await twoValidators();
    const { owner, one } = site;
    publish(owner.answers, [ANN]);
    owner.answers.set(archivePath(ANN.member), 503);
    await one.pass(1);
    await using liar = await fakeOwner();
    const url = `${liar.url}/v1/x?`;
    await one.record([snapshotOf(RUN, [one, { signer: devSigner('liar'), url }])]);
    await one.pass(3);
    expect(liar.asked.filter((path) => path === '/v1/x')).toHaveLength(3);
    expect(liar.signed()).toBe(0);
  });
});

describe('what a validator gives', () => {
  test('archives and tasks of an open run go to its voters alone, the roster to anybody', async () => {
    await using site = await twoValidators();
    const { owner, one, other } = site;
    const { bytes } = publish(owner.answers, [ANN]);
    await one.pass(2);
    await one.record([snapshotOf(RUN, [one, other])]);
    const archive = `/v1/archives/${ANN.member.archive}`;
    const taskSet = `/v1/task-sets/${sha256(TASK_SET)}`;
    const voter = other.signer;
    expect((await askAs(voter, one, archive)).body).toEqual(Buffer.from(ANN.archive));
    expect((await askAs(voter, one, taskSet)).body).toEqual(TASK_SET);
    for (const path of [archive, taskSet]) {
      expect((await ask(one.url, path)).status).toBe(401);
      expect((await askAs(devSigner('stranger'), one, path)).status).toBe(403);
    }
    expect((await askAs(voter, one, `/v1/archives/${sha256('none')}`)).status).toBe(403);
    expect((await ask(one.url, `/v1/rosters/general_chat/${RUN}`)).body).toEqual(
      Buffer.from(bytes),
    );
    expect((await ask(one.url, '/v1/rosters/general_chat/run-8')).status).toBe(404);
    await one.record([
      { type: 'run.closed.v1', data: { family: 'general_chat', run: RUN, reason: 'requested' } },
    ]);
    expect((await askAs(voter, one, archive)).status).toBe(403);
  });
});

function bySubmission(a: Readonly<{ submission: string }>, b: typeof a): number {
  return a.submission < b.submission ? -1 : 1;
}

type Site = Readonly<{ one: RosterValidator; other: RosterValidator }>;

/** Two validators that know each other from the run before, and their owner. */
async function twoValidators() {
  const owner = await fakeOwner();
  const one = await rosterValidator('v1', owner);
  const other = await rosterValidator('v2', owner);
  for (const validator of [one, other])
    await validator.record(runWithVoters('run-6', [one, other]));
  return {
    owner,
    one,
    other,
    [Symbol.asyncDispose]: async () => {
      for (const part of [one, other, owner]) await part[Symbol.asyncDispose]();
    },
  };
}

/** The first one knows who votes in the run. */
function vote({ one, other }: Site): Promise<void> {
  return one.record([snapshotOf(RUN, [one, other])]);
}

function askAs(
  signer: RosterValidator['signer'],
  { url }: Readonly<{ url: string }>,
  path: string,
) {
  const request = { method: 'GET', url: new URL(`${url}${path}`), body: new Uint8Array() };
  const at = { timestamp: new Date().toISOString(), requestId: 'x' };
  return ask(url, path, { headers: signRequest(signer, request, at) });
}
