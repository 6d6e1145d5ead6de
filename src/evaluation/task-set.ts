import { z } from 'zod';
import { MAX_TASKS } from '../events/run.ts';
import { Family, TaskId } from '../events/scalars.ts';

/** Room for a document that a task is about. */
const MAX_TEXT_LENGTH = 262_144;
const Text = z.string().max(MAX_TEXT_LENGTH);

/** The miners' kit refuses a longer turn, and so every miner would fail the task. */
const MAX_TURN_LENGTH = 10_000;
const TurnText = z.string().max(MAX_TURN_LENGTH);

const Turn = z.strictObject({ user: TurnText, assistant: TurnText.nullable() });

/**
 * A task as the existing services hand it out (`task_payload`); fields that nobody here reads are kept. What a judge
 * knows (`expected_output`, `metadata`, `category`) never reaches a miner.
 */
export const Task = z.looseObject({
  task_id: TaskId,
  family_id: Family,
  prompt: Text,
  mode: z.enum(['instant', 'thinking']).nullish(),
  category: z.string().max(64),
  difficulty: z.enum(['standard', 'hard', 'expert']).nullish(),
  web_search: z.boolean().default(false),
  turns: z.array(Turn).max(32).nullish(),
  allowed_tools: z.array(z.string().max(64)).max(16).default([]),
  expected_output: z.looseObject({
    answer: Text.nullish(),
    must_not_claim: z.array(z.string().max(1_024)).max(64).nullish(),
    required_tool: z.string().max(64).nullish(),
  }),
  inputs: z.record(z.string(), z.unknown()).default({}),
  metadata: z.record(z.string(), z.unknown()).default({}),
  oracle_source: z.string().max(64).nullish(),
});
export type Task = z.infer<typeof Task>;

const RagDocument = z.looseObject({
  doc_id: z.string().min(1).max(128),
  content: z.string().min(1).max(200_000),
  title: z.string().max(512).optional(),
});

/** The tasks of runs, with the corpora that rag tasks ask. The bytes are kept as they came; SHA-256 names them. */
export const TaskSet = z.strictObject({
  v: z.literal('eirel/task-set/1'),
  family: Family,
  benchmark_version: z.string().max(64),
  rubric_version: z.string().max(64),
  tasks: z.array(Task).min(1).max(MAX_TASKS),
  corpora: z
    .array(
      z.strictObject({
        corpus_id: z.string().min(1).max(128),
        documents: z.array(RagDocument).max(200),
      }),
    )
    .max(16)
    .refine(
      (corpora) => new Set(corpora.map(({ corpus_id }) => corpus_id)).size === corpora.length,
      'each corpus once',
    )
    .default([]),
});
export type TaskSet = z.infer<typeof TaskSet>;

/** 256 tasks with their documents: JSON, not EJ1, because scores and budgets in it may be fractions. */
export const MAX_TASK_SET_BYTES = 32_000_000;
