import type { TaskSet } from '../../evaluation/task-set.ts';
import { detailOf } from '../../events/scalars.ts';
import type { Outage } from './ports.ts';

/** A run with what its miners search: another run's documents may have the same name, and are others. */
export type SearchedRun = Readonly<{
  /** Its family and name. */
  run: string;
  deployments: readonly string[];
  corpora: TaskSet['corpora'];
}>;

/** The search of documents. Each gives why it was not done, or null, and never throws for the other side's faults. */
export type DocumentSearch = Readonly<{
  /** Has these miners find in these documents, until another list of runs is kept. */
  share: (run: SearchedRun) => Promise<string | null>;
  /** Forgets all runs but these, and the documents of nobody else. */
  keepOnly: (runs: readonly string[]) => Promise<string | null>;
}>;

export type CorporaDeps = Readonly<{
  documentSearch: DocumentSearch;
  outage: Outage;
  /** Milliseconds since 1970. */
  clock: () => number;
}>;

/** It is tried again so much later, whether the search refused or was away since: a large task set takes it some seconds. */
const RETRY_MS = 5_000;

type Sharing =
  | Readonly<{ kind: 'under-way' }>
  | Readonly<{ kind: 'shared'; atMs: number }>
  | Readonly<{ kind: 'failed'; atMs: number; detail: string }>;

/**
 * Sees to it that miners can search the documents of their run before its first task is given to one, and for as long
 * as the run is there: without them every answer would be wrong. Nothing here waits for the search itself. A search
 * that was away meanwhile may have come back empty: it is given them again.
 */
export function createCorporaKeeper({ documentSearch, outage, clock }: CorporaDeps) {
  const known = new Map<string, Sharing>();
  /** The runs that the search was told of last, and when. */
  let kept: Readonly<{ runs: string; atMs: number; done: boolean }> | null = null;
  /** Whether it is being told: a run that it hears of meanwhile could be forgotten with the others. */
  let telling = false;

  function begin(run: SearchedRun): void {
    const atMs = clock();
    known.set(run.run, { kind: 'under-way' });
    const failed = (detail: string): Sharing => ({ kind: 'failed', atMs: clock(), detail });
    documentSearch.share(run).then(
      (detail) => known.set(run.run, detail === null ? { kind: 'shared', atMs } : failed(detail)),
      (error: unknown) => known.set(run.run, failed(detailOf(String(error)))),
    );
  }

  return {
    /** Why a run's documents can't be searched yet; null when they can. */
    whyNotSearchable: (run: SearchedRun): string | null => {
      if (run.corpora.length === 0) return null;
      const found = known.get(run.run);
      if (found?.kind === 'shared' && outage(found.atMs, 'rag') === null) return null;
      const due =
        found === undefined || (found.kind !== 'under-way' && clock() - found.atMs >= RETRY_MS);
      if (due && !telling) begin(run);
      return found?.kind === 'failed'
        ? `the corpora can't be searched: ${found.detail}`
        : 'the corpora are not indexed yet';
    },
    /** Ends what is kept for all other runs: only for who knows all that are open. */
    keepOnly: (runs: readonly string[]): void => {
      const list = runs.toSorted();
      const name = JSON.stringify(list);
      for (const run of known.keys()) if (!list.includes(run)) known.delete(run);
      const again = kept?.runs === name && (kept.done || clock() - kept.atMs < RETRY_MS);
      if (telling || again) return;
      const atMs = clock();
      telling = true;
      const after = (done: boolean): void => {
        kept = { runs: name, atMs, done };
        telling = false;
      };
      documentSearch.keepOnly(list).then(
        (detail) => after(detail === null),
        () => after(false),
      );
    },
  };
}
