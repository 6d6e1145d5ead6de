import { MAX_ARCHIVE_BYTES, MAX_ROSTER_BYTES } from '../../evaluation/roster.ts';
import { MAX_TASK_SET_BYTES } from '../../evaluation/task-set.ts';
import {
  type OwnerRun,
  runsNamed,
  runsOfTaskSet,
  submissionsNamed,
  taskSetFamily,
} from '../../projectors/owner-registry.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { BlobStore } from '../blobs.ts';
import { missing } from './task-sets.ts';

/** A document that the owner has: whether it is everybody's by now, its length, and how to read it. */
type OwnerDocument = Readonly<{
  isPublic: boolean;
  bytes: number;
  read: () => Promise<Uint8Array>;
}>;

type PublishedDeps = Readonly<{ registry: Queries; blobs: BlobStore }>;

/**
 * What the owner publishes beside the log. A run's archives and tasks are for validators while a run with them is open:
 * a miner that knew them could copy the former and prepare for the latter. Afterwards they are everybody's.
 */
export function createPublished({ registry, blobs }: PublishedDeps) {
  const kept = async (of: string, digest: string, maxBytes: number): Promise<Uint8Array> => {
    const bytes = await blobs.get(digest, maxBytes);
    if (bytes === null) throw missing(of, digest);
    return bytes;
  };
  return {
    /** The signed roster of a run, the same bytes for ever; null where there is none. */
    roster: async (run: string, family: string): Promise<Uint8Array | null> => {
      const [found] = await runsNamed(registry, run, family);
      return found === undefined ? null : kept('roster', found.document, MAX_ROSTER_BYTES);
    },
    /** The archive of a run's member. */
    archive: async (run: string, submission: string): Promise<OwnerDocument | null> => {
      const runs = await runsNamed(registry, run);
      const holding = runs.find(({ submissions }) => submissions.includes(submission));
      const [member] = await submissionsNamed(registry, [submission]);
      if (holding === undefined || member === undefined) return null;
      return {
        isPublic: holding.ended !== null,
        bytes: member.bytes,
        read: () => kept('archive', member.archive, MAX_ARCHIVE_BYTES),
      };
    },
    /** A task set by its digest. */
    taskSet: async (digest: string): Promise<OwnerDocument | null> => {
      if ((await taskSetFamily(registry, digest)) === null) return null;
      const runs = await runsOfTaskSet(registry, digest);
      return {
        isPublic: runs.length > 0 && runs.every(hasEnded),
        bytes: (await blobs.size(digest)) ?? 0,
        read: () => kept('task set', digest, MAX_TASK_SET_BYTES),
      };
    },
  };
}

function hasEnded({ ended }: OwnerRun): boolean {
  return ended !== null;
}
