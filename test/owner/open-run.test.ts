import { describe, expect, test } from 'vitest';
import { RosterDocument } from '#src/evaluation/roster.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { decodeBytes } from '#src/events/ej1.ts';
import { decideRoster, Opening, openRun, type RosterView } from '#src/handlers/owner/open-run.ts';
import { readTaskSet } from '#src/handlers/owner/task-sets.ts';
import { ownerRegistry } from '#src/projectors/owner-registry.ts';
import { devSigner } from '../support/dev-keys.ts';
import { taskSetOf } from '../support/owner-task-set.ts';
import { digest, hotkey, project } from '../support/recorded-events.ts';
import { memoryBlobs } from '../support/simulated-log.ts';

const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const phases = { snapshot: 110, commit: 130, decide: 140, certify: 150 };
const view: RosterView = {
  genesis: digest('1'),
  netuid: 36,
  block: 100,
  newest: { run: 'run-7', sequence: 7 },
  newestOfFamily: { epoch: 3 },
  taskSet: { digest: digest('2'), set: readTaskSet(bytesOf(taskSetOf(['t-1', 't-2']))) },
  budgets: { instantMs: 60_000, thinkingMs: 60_000 },
  members: [
    { hotkey: hotkey('x'), submission: 's-1', archive: digest('3'), bytes: 9, manifest: '{}' },
  ],
};
const decide = (opening: object = {}, more: Partial<RosterView> = {}) =>
  decideRoster(Opening.parse({ family: 'general_chat', phases, ...opening }), { ...view, ...more });

describe('a roster', () => {
  test('is of the next run and epoch, with every task of the set', () => {
    expect(decide()).toEqual({
      genesis: digest('1'),
      netuid: 36,
      family: 'general_chat',
      run: 'run-8',
      epoch: 4,
      taskSet: digest('2'),
      sample: null,
      phases,
      tasks: ['t-1', 't-2'],
      members: view.members,
    });
  });

  test('may have a sample when nobody can know yet what it is of', () => {
    const later = { snapshot: 125, commit: 150, decide: 160, certify: 170 };
    expect(decide({ sample: 1, phases: later })).toMatchObject({ sample: 1, phases: later });
  });

  test('that is too short names the block from which on it is not', () => {
    expect(() => decide({}, { budgets: { instantMs: 120_000, thinkingMs: 120_000 } })).toThrow(
      expect.objectContaining({
        details: {
          field: 'phases.commit',
          value: 130,
          expected: '150 or later: 2 tasks take up to 40 blocks',
        },
      }),
    );
  });

  test('is of run-1 and epoch 1 where there was none', () => {
    expect(decide({}, { newest: null, newestOfFamily: null })).toMatchObject({
      run: 'run-1',
      epoch: 1,
    });
  });

  test('may leave numbers out, for a subnet that goes on from another service', () => {
    expect(decide({ run: 'run-90' })).toMatchObject({ run: 'run-90', epoch: 4 });
  });

  test.each<[string, object, Partial<RosterView>, string]>([
    ['a number that was given', { run: 'run-7' }, {}, 'run'],
    ['a snapshot block that is final', {}, { block: 110 }, 'phases.snapshot'],
    [
      'a sample of a block that may be known soon',
      { sample: 1, phases: { ...phases, snapshot: 124, commit: 150, decide: 160, certify: 170 } },
      {},
      'phases.snapshot',
    ],
    [
      'less time than its tasks may take',
      {},
      { budgets: { instantMs: 66_000, thinkingMs: 66_000 } },
      'phases.commit',
    ],
    ['tasks of another family', { family: 'other' }, {}, 'taskSet'],
    ['nobody in it', {}, { members: [] }, 'members'],
  ])('with %s is refused', (_name, opening, more, field) => {
    expect(() => decide(opening, more)).toThrow(
      expect.objectContaining({
        code: 'input.invalid',
        details: expect.objectContaining({ field }),
      }),
    );
  });
});

test('who left the subnet does not take part, and who stays does with the newest submission', async () => {
  const blobs = memoryBlobs();
  const manifest = await blobs.put(Buffer.from('{}'));
  const set = bytesOf(taskSetOf(['t-1', 't-2']));
  const taskSet = await blobs.put(set);
  const submitted = (submission: string, miner: string): DomainEvent => ({
    type: 'submission.received.v1',
    data: { submission, miner, for: 'general_chat', archive: digest('6'), bytes: 9, manifest },
  });
  const [x, y] = [hotkey('x'), hotkey('y')];
  await using registry = await project(ownerRegistry, [
    { type: 'task-set.published.v1', data: { for: 'general_chat', taskSet, tasks: 2 } },
    submitted('s-1', x),
    submitted('s-2', y),
    submitted('s-3', x),
  ]);
  const recorded: DomainEvent[] = [];
  const deps = {
    network: { genesis: digest('1'), netuid: 36 },
    signer: devSigner('owner'),
    registry: registry.queries,
    blobs,
    readTasks: async () => readTaskSet(set),
    neurons: async () => ({ block: 100, registered: new Set([x]), permitted: new Set<string>() }),
    finalizedBlock: async () => 100,
    budgets: view.budgets,
    record: async (events: readonly DomainEvent[]) => void recorded.push(...events),
  };
  const opening = Opening.parse({ family: 'general_chat', phases });
  expect(await openRun(opening, deps)).toMatchObject({ opened: true, run: 'run-1', members: 1 });
  const [published] = recorded;
  if (published?.type !== 'roster.published.v1') throw new Error('no roster was published');
  const bytes = await blobs.get(published.data.document, 1_000_000);
  const { members } = RosterDocument.parse(decodeBytes(bytes ?? new Uint8Array()));
  expect(members).toMatchObject([{ hotkey: x, submission: 's-3', manifest: '{}' }]);
});

describe('a task set', () => {
  const set = taskSetOf(['t-1', 't-2']);
  test.each<[string, unknown]>([
    ['no JSON object', []],
    ['of another version', { ...set, v: 'eirel/task-set/2' }],
    ['without tasks', { ...set, tasks: [] }],
    ['with a task twice', { ...set, tasks: [set.tasks[0], set.tasks[0]] }],
    ['with a task of another family', { ...set, family: 'other' }],
    [
      'with more tasks than a run has',
      taskSetOf(Array.from({ length: 257 }, (_, at) => `t-${at}`)),
    ],
  ])('that is %s is refused', (_name, value) => {
    expect(() => readTaskSet(bytesOf(value))).toThrow(
      expect.objectContaining({ code: 'input.invalid' }),
    );
  });
  test('that is no UTF-8 or no JSON is refused', () => {
    for (const bytes of [Buffer.from([0xff]), Buffer.from('{')])
      expect(() => readTaskSet(bytes)).toThrow(expect.objectContaining({ code: 'input.invalid' }));
  });
});
