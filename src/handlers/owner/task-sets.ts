import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { MAX_TASK_SET_BYTES, TaskSet } from '../../evaluation/task-set.ts';
import { sha256 } from '../../events/hash.ts';
import { taskSetFamily } from '../../projectors/owner-registry.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { BlobStore } from '../blobs.ts';
import type { Recorder } from '../recorder.ts';

/** Reads a task set's bytes. Throws `input.invalid` for what is none, or has a task twice or of another family. */
export function readTaskSet(bytes: Uint8Array): TaskSet {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AppError(
      'input.invalid',
      { field: 'task set', expected: 'JSON in UTF-8' },
      { cause },
    );
  }
  const parsed = TaskSet.safeParse(json);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).slice(0, MAX_FAULT_LENGTH));
  const { family, tasks } = parsed.data;
  const names = tasks.map(({ task_id }) => task_id);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw invalid(`each task once, and ${twice} is there twice`);
  const foreign = tasks.find(({ family_id }) => family_id !== family);
  if (foreign !== undefined) throw invalid(`tasks of ${family}, and ${foreign.task_id} is not`);
  return parsed.data;
}

/** The first faults of a large set tell what is wrong with it. */
const MAX_FAULT_LENGTH = 2_000;

/** Keeps a task set and records it; the same bytes again change nothing. Throws what `readTaskSet` throws. */
export async function publishTaskSet(
  bytes: Uint8Array,
  deps: Readonly<{ registry: Queries; blobs: BlobStore; record: Recorder }>,
): Promise<Readonly<{ taskSet: string; tasks: number; published: boolean }>> {
  const { family, tasks } = readTaskSet(bytes);
  const taskSet = sha256(bytes);
  const known = (await taskSetFamily(deps.registry, taskSet)) !== null;
  if (!known) {
    await deps.blobs.put(bytes);
    const data = { for: family, taskSet, tasks: tasks.length };
    await deps.record([{ type: 'task-set.published.v1', data }]);
  }
  return { taskSet, tasks: tasks.length, published: !known };
}

/**
 * Task sets by digest, the last one kept in memory: a run's claims all ask for the same one. Throws `blob.damaged`, and
 * `log.broken` for a set that the log names and that is not kept.
 */
export function createTaskSetReads(blobs: BlobStore): (digest: string) => Promise<TaskSet> {
  let last: Readonly<{ digest: string; taskSet: TaskSet }> | null = null;
  return async (digest) => {
    if (last?.digest === digest) return last.taskSet;
    const bytes = await blobs.get(digest, MAX_TASK_SET_BYTES);
    if (bytes === null) throw missing('task set', digest);
    last = { digest, taskSet: readTaskSet(bytes) };
    return last.taskSet;
  };
}

/** The log names a document that is not kept beside it. */
export function missing(document: string, digest: string): AppError {
  return new AppError('log.broken', {
    found: `no ${document} ${digest} beside the log`,
    next: 'bring the documents back from where the log was restored from',
  });
}

function invalid(expected: string): AppError {
  return new AppError('input.invalid', { field: 'task set', expected });
}
