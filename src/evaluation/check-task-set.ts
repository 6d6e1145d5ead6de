import { firstIssue } from '../consensus/document.ts';
import { textOf } from '../events/ej1.ts';
import { sha256 } from '../events/hash.ts';
import { detailOf } from '../events/scalars.ts';
import { MAX_TASK_SET_BYTES, TaskSet } from './task-set.ts';

/** What a roster says of its task set. */
export type TaskSetExpected = Readonly<{
  /** SHA-256 of its bytes. */
  digest: string;
  family: string;
  /** Sorted ids. */
  tasks: readonly string[];
}>;

export type TaskSetCheck =
  | Readonly<{ kind: 'accepted'; taskSet: TaskSet }>
  | Readonly<{ kind: 'refused'; detail: string }>;

/**
 * Whether bytes are the task set that a roster names: its digest, its family, the same tasks, each of them of the
 * family. The bytes may be an attacker's until their digest is right, and malformed even then. Never throws.
 */
export function checkTaskSet(bytes: Uint8Array, expected: TaskSetExpected): TaskSetCheck {
  if (bytes.length > MAX_TASK_SET_BYTES)
    return refused(`${bytes.length} bytes, at most ${MAX_TASK_SET_BYTES}`);
  const digest = sha256(bytes);
  if (digest !== expected.digest) return refused(`SHA-256 ${digest} instead of ${expected.digest}`);
  const parsed = TaskSet.safeParse(jsonOf(bytes));
  if (!parsed.success) return refused(firstIssue(parsed.error.issues));
  const taskSet = parsed.data;
  if (taskSet.family !== expected.family)
    return refused(`family ${taskSet.family} instead of ${expected.family}`);
  const foreign = taskSet.tasks.find(({ family_id: family }) => family !== expected.family);
  if (foreign !== undefined) return refused(`task ${foreign.task_id} is of ${foreign.family_id}`);
  const ids = taskSet.tasks.map(({ task_id: id }) => id).toSorted();
  const differing = ids.findIndex((id, index) => id !== expected.tasks[index]);
  if (differing === -1 && ids.length === expected.tasks.length)
    return { kind: 'accepted', taskSet };
  const [found, wanted] = [ids[differing] ?? 'none', expected.tasks[differing] ?? 'none'];
  return refused(`${ids.length} tasks of ${expected.tasks.length}, ${found} in place of ${wanted}`);
}

/** The value of JSON text, undefined for anything else; the schema refuses that. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(bytes));
  } catch {
    // A SyntaxError, or `ej1.malformed` for bytes that are no UTF-8.
    return undefined;
  }
}

function refused(detail: string): TaskSetCheck {
  return { kind: 'refused', detail: detailOf(detail) };
}
