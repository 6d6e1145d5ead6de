import { describe, expect, test } from 'vitest';
import { modeOf, requestBody, turnsOf, webSearchOf } from '#src/evaluation/invocation.ts';
import { Task } from '#src/evaluation/task-set.ts';

function task(fields: Readonly<Record<string, unknown>> = {}): Task {
  return Task.parse({
    task_id: 't-1',
    family_id: 'general_chat',
    prompt: 'Capital of France?',
    category: 'live_lookup',
    expected_output: { answer: 'SECRET', must_not_claim: ['SECRET'], required_tool: 'SECRET' },
    metadata: { rag_corpus_id: 'SECRET' },
    inputs: { document_text: 'France …' },
    ...fields,
  });
}

const plain = { turn: 't-1', prompt: 'Capital of France?', history: [] };

describe('what a miner is asked', () => {
  test('prompt, mode, history and inputs, under the names of the contract', () => {
    expect(JSON.parse(requestBody(task(), plain))).toEqual({
      turn_id: 't-1',
      prompt: 'Capital of France?',
      mode: 'instant',
      web_search: false,
      history: [],
      inputs: { document_text: 'France …', mode: 'instant', web_search: false },
      task_id: 't-1',
      family_id: 'general_chat',
    });
  });

  test('nothing that the judge knows is in it, unknown fields of the task neither', () => {
    expect(requestBody(task({ gold: 'SECRET' }), plain)).not.toMatch(/SECRET|live_lookup/);
  });

  test('inputs say how to answer, then the task, then its tools', () => {
    expect(modeOf(task({ inputs: { mode: 'thinking' }, mode: 'instant' }))).toBe('thinking');
    expect(modeOf(task({ mode: 'thinking' }))).toBe('thinking');
    expect(webSearchOf(task({ inputs: { web_search: false }, web_search: true }))).toBe(false);
    expect(webSearchOf(task({ web_search: true }))).toBe(true);
    expect(webSearchOf(task({ allowed_tools: ['web_search'] }))).toBe(true);
  });

  test('scripted turns are as they are written, and the last one always asks the miner', () => {
    const turns = [
      { user: 'one', assistant: 'scripted' },
      { user: 'two', assistant: null },
      { user: 'three', assistant: 'the gold answer' },
    ];
    const asked = task({ turns });
    expect(turnsOf(asked)).toEqual([
      { user: 'one', assistant: 'scripted' },
      { user: 'two', assistant: null },
      { user: 'three', assistant: null },
    ]);
    expect(requestBody(asked, plain)).not.toContain('gold');
    expect(turnsOf(task())).toEqual([{ user: 'Capital of France?', assistant: null }]);
  });
});
