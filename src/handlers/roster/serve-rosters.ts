import { encodeDocument } from '../../consensus/signed.ts';
import { MAX_ARCHIVE_BYTES } from '../../evaluation/roster.ts';
import { MAX_TASK_SET_BYTES } from '../../evaluation/task-set.ts';
import { snapshotOf } from '../../projectors/decisions.ts';
import type { Queries } from '../../projectors/projector.ts';
import { archivesIn, rosterOf } from '../../projectors/rosters.ts';
import { listRuns, type Run } from '../../projectors/run-state.ts';
import type { BlobStore } from '../blobs.ts';
import { keptBytes, keptRoster } from './kept-roster.ts';

export type ServeDeps = Readonly<{
  family: string;
  blobs: BlobStore;
  queries: Readonly<{ runState: Queries; decisions: Queries; rosters: Queries }>;
}>;

/** A document that only voters of an open run may have. */
export type Guarded = Readonly<{
  voters: ReadonlySet<string>;
  bytes: number;
  read: () => Promise<Uint8Array>;
}>;

/** Runs that may have something to give: one at a time is open. */
const NEWEST_RUNS = 2;

/**
 * What a validator gives its peers of an open run: its roster to anybody, because it is signed and public; archives and tasks,
 * by digest, to the voters of the run only, because a miner that had them could copy the former and prepare for the latter.
 */
export function serveRosters(deps: ServeDeps) {
  const open = async (): Promise<readonly Run[]> =>
    (await listRuns(deps.queries.runState, { family: deps.family, limit: NEWEST_RUNS })).filter(
      ({ status }) => status === 'open',
    );
  const guarded = async (
    digest: string,
    maxBytes: number,
    holds: (run: Run) => Promise<boolean>,
  ): Promise<Guarded | null> => {
    for (const run of await open()) {
      if (!(await holds(run))) continue;
      const bytes = await deps.blobs.size(digest);
      if (bytes === null) return null;
      const snapshot = await snapshotOf(deps.queries.decisions, run.family, run.run, 'open');
      const voters = new Set(snapshot?.voters.map(({ hotkey }) => hotkey));
      const read = async () => (await deps.blobs.get(digest, maxBytes)) ?? new Uint8Array();
      return { voters, bytes, read };
    }
    return null;
  };
  return {
    /** The roster by which a run was opened, as it came; null where there is none. */
    roster: (family: string, run: string): Promise<Uint8Array | null> =>
      keptBytes({ family, run }, deps),
    /** Its signed body alone, which is enough to compare. */
    signedRoster: async (family: string, run: string): Promise<Uint8Array | null> => {
      const kept = await keptRoster({ family, run }, deps);
      return kept === null ? null : encodeDocument(kept.document.signed);
    },
    /** An archive that was accepted in an open run. */
    archive: (digest: string): Promise<Guarded | null> =>
      guarded(digest, MAX_ARCHIVE_BYTES, async ({ family, run }) => {
        const { accepted } = await archivesIn(deps.queries.rosters, family, run);
        return accepted.some(({ archive }) => archive === digest);
      }),
    /** The task set of an open run. */
    taskSet: (digest: string): Promise<Guarded | null> =>
      guarded(digest, MAX_TASK_SET_BYTES, async ({ family, run }) => {
        const accepted = await rosterOf(deps.queries.rosters, family, run);
        return accepted?.taskSet === digest;
      }),
  };
}
