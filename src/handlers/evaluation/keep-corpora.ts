import type { TaskSet } from '../../evaluation/task-set.ts';
import { detailOf } from '../../events/scalars.ts';
import type { Outage } from './ports.ts';

export type CorporaDeps = Readonly<{
  /** Has the document search know the corpora of a task set; gives why it does not, or null. */
  indexCorpora: (corpora: TaskSet['corpora']) => Promise<string | null>;
  outage: Outage;
  /** Milliseconds since 1970. */
  clock: () => number;
}>;

/** It is tried again so much later, whether the search refused or was away since: a large task set takes it some seconds. */
const RETRY_MS = 5_000;

/** Runs that overlap have a task set each. */
const MAX_TASK_SETS = 4;

type Indexing =
  | Readonly<{ kind: 'under-way' }>
  | Readonly<{ kind: 'indexed'; atMs: number }>
  | Readonly<{ kind: 'failed'; atMs: number; detail: string }>;

/**
 * Sees to it that miners can search the documents of a run before its first task is given to one: without them every
 * answer would be wrong. It gives why a task set can't be searched yet, or null, and never waits for the search
 * itself. A search that was away meanwhile may have come back empty: it is given them again.
 */
export function createCorporaKeeper({ indexCorpora, outage, clock }: CorporaDeps) {
  const known = new Map<string, Indexing>();

  function begin(digest: string, corpora: TaskSet['corpora']): void {
    const atMs = clock();
    known.delete(digest);
    known.set(digest, { kind: 'under-way' });
    for (const [other, { kind }] of known)
      if (known.size > MAX_TASK_SETS && kind !== 'under-way') known.delete(other);
    indexCorpora(corpora).then(
      (detail) =>
        known.set(
          digest,
          detail === null ? { kind: 'indexed', atMs } : { kind: 'failed', atMs: clock(), detail },
        ),
      (error: unknown) =>
        known.set(digest, { kind: 'failed', atMs: clock(), detail: detailOf(String(error)) }),
    );
  }

  return (digest: string, corpora: TaskSet['corpora']): string | null => {
    if (corpora.length === 0) return null;
    const found = known.get(digest);
    if (found?.kind === 'indexed' && outage(found.atMs, 'rag') === null) return null;
    const due =
      found === undefined || (found.kind !== 'under-way' && clock() - found.atMs >= RETRY_MS);
    if (due) begin(digest, corpora);
    return found?.kind === 'failed'
      ? `the corpora can't be searched: ${found.detail}`
      : 'the corpora are not indexed yet';
  };
}
