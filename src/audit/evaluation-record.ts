import { sampleTasks } from '../evaluation/sample.ts';
import type { EventOf } from '../events/define-event.ts';
import type { EvidenceGathered, TaskInvoked, TaskJudged } from '../events/task.ts';

type Invoked = EventOf<typeof TaskInvoked>['data'];
type Evidence = EventOf<typeof EvidenceGathered>['data'];
type Judged = EventOf<typeof TaskJudged>['data'];

/** What the rules keep of a run that its validator measures itself: what no later step looks at is dropped as it goes. */
export type EvaluationRecord = {
  /** How many tasks count; null where all do. */
  readonly sample: number | null;
  /** The tasks that count; null where all do, and before the snapshot that chooses them. */
  counting: ReadonlySet<string> | null;
  /** The event of each task's first claim, and how many it has. */
  readonly claims: Map<string, { first: number; count: number }>;
  /** The event of each task's reference, and the tool that its verdicts ask for. */
  readonly references: Map<string, { n: number; requiredTool: string | null | undefined }>;
  /** Submissions whose archive is here. */
  readonly members: Map<string, MemberRecord>;
  /** The event from which on a miner's submission is not started any more. */
  readonly lost: Map<string, number>;
  /** The last attempt of each pair that has no result yet, by its place. */
  readonly pairs: Map<number, PairRecord>;
  /** How often an answer of such a pair was excused, and the last attempt that was, by its place. */
  readonly excuses: Map<number, Readonly<{ count: number; attempt: number }>>;
};

export type MemberRecord = {
  readonly miner: string;
  readonly archive: string;
  readonly deployment: string;
  /** The event by which it first answered; null before. */
  readyAt: number | null;
  ownFaults: number;
};

export type PairRecord = Pick<Invoked, 'attempt' | 'outcome' | 'turnMs' | 'jobs'> & {
  /** How often the miner's service did not answer at all. */
  readonly unreachable: number;
  evidence: Pick<Evidence, 'tools' | 'cost'> | null;
  /** How often the judge gave no verdict on it, while it judged otherwise. */
  refusals: number;
  verdict: Pick<Judged, 'composite' | 'transcript'> | null;
};

/** A run of which nothing is measured yet. */
export function newEvaluationRecord(sample: number | null): EvaluationRecord {
  return {
    sample,
    counting: null,
    claims: new Map(),
    references: new Map(),
    members: new Map(),
    lost: new Map(),
    pairs: new Map(),
    excuses: new Map(),
  };
}

/** Whether a task of the run counts. Null while the snapshot that chooses the tasks is not known. */
export function taskCounts(
  task: string,
  record: EvaluationRecord,
  { tasks, blockHash }: Readonly<{ tasks: readonly string[]; blockHash: string | null }>,
): boolean | null {
  const { sample: count } = record;
  if (count === null) return true;
  if (record.counting === null && blockHash === null) return null;
  record.counting ??= new Set(sampleTasks(tasks, { count, blockHash: blockHash ?? '' }));
  return record.counting.has(task);
}
