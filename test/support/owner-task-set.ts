/** A task set of these tasks, as its author writes it. */
export function taskSetOf(names: readonly string[]) {
  return {
    v: 'eirel/task-set/1',
    family: 'general_chat',
    benchmark_version: 'bench-1',
    rubric_version: 'rubric-1',
    tasks: names.map((name) => ({
      task_id: name,
      family_id: 'general_chat',
      prompt: `What is ${name}?`,
      category: 'abstention_probe',
      difficulty: 'standard',
      expected_output: { answer: name },
      metadata: { seed_id: 'secret', shown: true },
    })),
  };
}
