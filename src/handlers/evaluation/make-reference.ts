import { turnsOf, webSearchOf, writtenBefore } from '../../evaluation/invocation.ts';
import type { OracleQuestion } from '../../evaluation/oracles.ts';
import type { OracleAnswer, Reconciled } from '../../evaluation/reconciler.ts';
import { needsOracles, Reference, referenceOf } from '../../evaluation/reference.ts';
import type { Task } from '../../evaluation/task-set.ts';
import { referenceDigest } from '../../projectors/evaluation-queries.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { BlobStore } from '../blobs.ts';
import type { Recorder } from '../recorder.ts';
import { keep, load } from './documents.ts';
import { type Later, later } from './later.ts';
import type { Oracles } from './ports.ts';

export type ReferenceDeps = Readonly<{
  queries: Readonly<{ evaluation: Queries }>;
  blobs: Pick<BlobStore, 'put' | 'get'>;
  /** Null where none are configured. */
  oracles: Oracles | null;
  record: Recorder;
  alone: <T>(act: () => Promise<T>) => Promise<T>;
  signal: AbortSignal;
}>;

export type Made = Readonly<{ kind: 'ok'; reference: Reference }> | Later;

/** Oracles of which fewer answered agree with nobody. */
const MIN_ORACLES = 2;

/**
 * Makes the reference of a task once, whoever asks for it at the same time: all miners are compared with the same one,
 * and the oracles are paid once. The one that the log has stands.
 */
export function createReferences(deps: ReferenceDeps) {
  const making = new Map<string, Promise<Made>>();
  return (at: Readonly<{ family: string; run: string }>, task: Task): Promise<Made> => {
    const name = `${at.family}/${at.run}/${task.task_id}`;
    const before = making.get(name);
    if (before !== undefined) return before;
    const made = makeReference(at, task, deps).finally(() => making.delete(name));
    making.set(name, made);
    return made;
  };
}

async function makeReference(
  { family, run }: Readonly<{ family: string; run: string }>,
  task: Task,
  deps: ReferenceDeps,
): Promise<Made> {
  const pair = { family, run, task: task.task_id };
  const known = await referenceDigest(deps.queries.evaluation, pair);
  if (known !== null) {
    const reference = await load(known, Reference, deps);
    return reference === null
      ? later('documents', 'the reference is not kept here')
      : { kind: 'ok', reference };
  }
  const asked = await askOracles(task, deps);
  if (asked.kind === 'later') return asked;
  const reference = referenceOf(task, asked, deps.oracles?.preferred ?? 'openai');
  if (reference === null)
    return later('oracles', needsOracles(task) ? 'no-oracle' : 'the task has no expected answer');
  const digest = await keep(reference, deps);
  const data = { ...pair, status: reference.status, reference: digest, cost: asked.cost };
  await deps.alone(() => deps.record([{ type: 'reference.made.v1', data }]));
  return { kind: 'ok', reference };
}

type Layer = Readonly<{
  kind: 'asked';
  answers: readonly OracleAnswer[];
  reconciled: Reconciled | null;
  cost: number | null;
}>;

/** Asks whom the task needs. An oracle or a reconciler that does not answer is our failure, never a dispute. */
async function askOracles(
  task: Task,
  { oracles, signal }: Pick<ReferenceDeps, 'oracles' | 'signal'>,
): Promise<Layer | Later> {
  if (oracles === null) return { kind: 'asked', answers: [], reconciled: null, cost: 0 };
  const question = questionOf(task);
  if (!needsOracles(task)) {
    const one = await oracles.askPreferred(question, signal);
    if (one.kind !== 'ok') return later('oracles', one.detail);
    return { kind: 'asked', answers: [one.answer], reconciled: null, cost: one.answer.cost };
  }
  const { answers, failures } = await oracles.askAll(question, signal);
  if (answers.length < MIN_ORACLES)
    return later('oracles', `${answers.length} oracles answered: ${failures.join('; ')}`);
  const result = await oracles.reconcile({ prompt: question.prompt, answers }, signal);
  if (result.kind !== 'ok') return later('oracles', `the reconciler: ${result.detail}`);
  const costs = [...answers.map(({ cost }) => cost), result.cost];
  const cost = costs.reduce((sum, each) => (sum === null || each === null ? null : sum + each), 0);
  return { kind: 'asked', answers, reconciled: result.reconciled, cost };
}

/** What an oracle is told: the last turn, and the conversation before it as it is written. */
function questionOf(task: Task): OracleQuestion {
  const turns = turnsOf(task);
  return {
    prompt: turns.at(-1)?.user ?? task.prompt,
    conversation: writtenBefore(task),
    attached: attachedTo(task),
    category: task.category,
    webSearch: webSearchOf(task),
  };
}

/** The document that a task is about, as its miner gets it; null where there is none. */
export function attachedTo({ inputs, expected_output }: Task): string | null {
  const { document_text: text } = inputs;
  const { attached_document: other } = expected_output;
  if (typeof text === 'string') return text;
  return typeof other === 'string' ? other : null;
}
