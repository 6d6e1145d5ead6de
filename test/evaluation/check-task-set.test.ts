import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkTaskSet } from '#src/evaluation/check-task-set.ts';
import { MAX_TASK_SET_BYTES } from '#src/evaluation/task-set.ts';
import { sha256 } from '#src/events/hash.ts';

const PROTOCOL = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
const FAMILY = 'general_chat';
const TASKS = ['t-1', 't-2'];

function task(id: string, changes: object = {}) {
  return {
    task_id: id,
    family_id: FAMILY,
    prompt: 'how many?',
    category: 'arithmetic',
    expected_output: { answer: '42' },
    ...changes,
  };
}

/** A conversation whose one turn has so many characters. */
function turnOf(length: number) {
  return { turns: [{ user: 'x'.repeat(length), assistant: null }] };
}

function bytesOf(changes: object = {}): Uint8Array {
  const set = {
    v: 'eirel/task-set/1',
    family: FAMILY,
    benchmark_version: '1.5',
    rubric_version: '2',
    tasks: TASKS.map((id) => task(id)),
    ...changes,
  };
  return Buffer.from(JSON.stringify(set));
}

/** What a roster says that names these very bytes. */
const named = (bytes: Uint8Array, tasks = TASKS) => ({
  digest: sha256(bytes),
  family: FAMILY,
  tasks,
});

test('the task set that the roster names is accepted, with what the existing services add', () => {
  const bytes = bytesOf({ tasks: [task('t-2', { weight: 0.5 }), task('t-1')] });
  const checked = checkTaskSet(bytes, named(bytes));
  expect(checked).toMatchObject({ kind: 'accepted', taskSet: { family: FAMILY } });
});

test.each<[string, object]>([
  ['of another version', { v: 'eirel/task-set/2' }],
  ['of another family', { family: 'other' }],
  ['with a task of another family', { tasks: [task('t-1'), task('t-2', { family_id: 'other' })] }],
  ['with a task too few', { tasks: [task('t-1')] }],
  ['with a task too many', { tasks: ['t-1', 't-2', 't-3'].map((id) => task(id)) }],
  ['with another task', { tasks: ['t-1', 't-3'].map((id) => task(id)) }],
  ['with a task twice', { tasks: ['t-1', 't-1'].map((id) => task(id)) }],
  ['without an expected output', { tasks: [{ ...task('t-1'), expected_output: null }] }],
  ['with a turn that no miner’s kit takes', { tasks: [task('t-1', turnOf(10_001)), task('t-2')] }],
])('a task set %s is refused, though its digest is right', (_name, changes) => {
  const bytes = bytesOf(changes);
  expect(checkTaskSet(bytes, named(bytes)).kind).toBe('refused');
});

test('the task set of the document is one', () => {
  const [, section = ''] = PROTOCOL.split('A task set is JSON');
  const bytes = Buffer.from(/```json\n([\s\S]+?)```/.exec(section)?.[1] ?? '');
  expect(checkTaskSet(bytes, named(bytes, ['task-001']))).toMatchObject({
    kind: 'accepted',
    taskSet: { corpora: [{ corpus_id: 'rivers' }] },
  });
});

test('a turn may be as long as the miners’ kit takes it', () => {
  const bytes = bytesOf({ tasks: [task('t-1', turnOf(10_000)), task('t-2')] });
  expect(checkTaskSet(bytes, named(bytes)).kind).toBe('accepted');
});

test('bytes without the digest are refused, whatever they say', () => {
  const expected = named(bytesOf());
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from)), (bytes) => {
      expect(checkTaskSet(bytes, expected).kind).toBe('refused');
      expect(checkTaskSet(bytes, named(bytes)).kind).toBe('refused');
    }),
  );
  expect(checkTaskSet(new Uint8Array(MAX_TASK_SET_BYTES + 1), expected).kind).toBe('refused');
});
