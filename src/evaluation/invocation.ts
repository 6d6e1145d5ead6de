import type { Task } from './task-set.ts';

/** What was said before a turn. */
export type Said = Readonly<{ role: 'user' | 'assistant'; content: string }>;

/** One turn of a task: what the user says, and what the assistant is made to have said; null where the miner is asked. */
export type Turn = Readonly<{ user: string; assistant: string | null }>;

/**
 * The turns of a task in their order. A task without turns is one turn, its prompt; the last turn always asks the
 * miner, because there is nothing else to judge.
 */
export function turnsOf({ prompt, turns }: Pick<Task, 'prompt' | 'turns'>): readonly Turn[] {
  if (turns === null || turns === undefined || turns.length === 0)
    return [{ user: prompt, assistant: null }];
  return turns.map(({ user, assistant }, index) => ({
    user,
    assistant: index === turns.length - 1 ? null : assistant,
  }));
}

export type Mode = 'instant' | 'thinking';

/** How a task is to be answered: its inputs say so first, then the task. */
export function modeOf({ inputs, mode }: Pick<Task, 'inputs' | 'mode'>): Mode {
  const wanted = inputs['mode'] ?? mode;
  return wanted === 'thinking' ? 'thinking' : 'instant';
}

/** Whether a task may search the web. */
export function webSearchOf({
  inputs,
  web_search,
  allowed_tools,
}: Pick<Task, 'inputs' | 'web_search' | 'allowed_tools'>): boolean {
  const wanted = inputs['web_search'];
  if (typeof wanted === 'boolean') return wanted;
  return web_search || allowed_tools.includes('web_search');
}

/** The conversation before the last turn of a task as its author wrote it: no word of it is a miner's. */
export function writtenBefore(task: Task): readonly Said[] {
  return turnsOf(task)
    .slice(0, -1)
    .flatMap(({ user, assistant }): readonly Said[] => [
      { role: 'user', content: user },
      ...(assistant === null ? [] : [{ role: 'assistant' as const, content: assistant }]),
    ]);
}

/** What a miner may keep of the conversation; the runtimes' kit refuses more. */
const MAX_HISTORY = 100;

/**
 * The body of one turn's request, `POST /v1/agent/infer/stream`. It is made of the prompt, the inputs and the
 * conversation alone: what the judge knows (`expected_output`, `metadata`, `category`) cannot reach a miner.
 */
export function requestBody(
  task: Task,
  { turn, prompt, history }: Readonly<{ turn: string; prompt: string; history: readonly Said[] }>,
): string {
  const mode = modeOf(task);
  const web_search = webSearchOf(task);
  const conversation =
    task.turns === null || task.turns === undefined || task.turns.length < 2
      ? {}
      : { turns: turnsOf(task) };
  return JSON.stringify({
    turn_id: turn,
    prompt,
    mode,
    web_search,
    history: history.slice(-MAX_HISTORY),
    inputs: { ...task.inputs, mode, web_search },
    ...conversation,
    task_id: turn,
    family_id: task.family_id,
  });
}
