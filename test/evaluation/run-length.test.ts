import { expect, test } from 'vitest';
import { leastRunBlocks } from '#src/evaluation/run-length.ts';
import { Task } from '#src/evaluation/task-set.ts';

const BUDGETS = { instantMs: 120_000, thinkingMs: 600_000 };
const SCRIPTED = { user: 'a', assistant: 'b' };
const ASKED = { user: 'a', assistant: null };

function task(changes: object = {}): Task {
  return Task.parse({
    task_id: 't-1',
    family_id: 'general_chat',
    prompt: 'a',
    category: 'live_lookup',
    expected_output: { answer: 'b' },
    ...changes,
  });
}

test.for<[string, readonly Task[], number | null, number]>([
  ['one instant task', [task()], null, 20],
  ['one thinking task', [task({ mode: 'thinking' })], null, 70],
  ['one whose inputs make it think', [task({ inputs: { mode: 'thinking' } })], null, 70],
  ['twelve instant tasks', Array.from({ length: 12 }, () => task()), null, 140],
  [
    'a conversation: only turns that are asked',
    [task({ turns: [SCRIPTED, ASKED, ASKED] })],
    null,
    40,
  ],
  ['a sample of the longest', [task(), task({ mode: 'thinking' }), task()], 1, 70],
  ['a sample of two', [task(), task({ mode: 'thinking' }), task()], 2, 80],
])('%s needs a run of so many blocks', ([, tasks, sample, blocks]) => {
  expect(leastRunBlocks({ tasks, sample, members: 8 }, BUDGETS)).toBe(blocks);
});

test.for([
  [8, 20],
  [9, 40],
  [256, 340],
])('of %i miners the last one asked first needs %i blocks', ([members = 0, blocks]) => {
  expect(leastRunBlocks({ tasks: [task()], sample: null, members }, BUDGETS)).toBe(blocks);
});
