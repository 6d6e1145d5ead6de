import { sha256 } from '../../events/hash.ts';
import type { Queries } from '../../projectors/projector.ts';
import { rosterOf } from '../../projectors/rosters.ts';
import type { Peer } from '../ask-peers.ts';
import type { BlobStore } from '../blobs.ts';
import type { Given, Owner } from './ask-owner.ts';
import type { AskPeersFor } from './ask-peers-for.ts';

export type RestoreDeps = Readonly<{
  owner: Pick<Owner, 'roster' | 'taskSet'>;
  peers: AskPeersFor;
  blobs: Pick<BlobStore, 'has' | 'put'>;
  queries: Readonly<{ rosters: Queries }>;
}>;

/**
 * Has the roster and the task set of a run that was opened by them, where their files are lost: whoever gives bytes with their
 * digest gives the right ones.
 */
export async function restoreDocuments(
  { family, run }: Readonly<{ family: string; run: string }>,
  peers: readonly Peer[],
  deps: RestoreDeps,
): Promise<void> {
  const accepted = await rosterOf(deps.queries.rosters, family, run);
  if (accepted === null) return;
  const { document, taskSet } = accepted;
  const restore = async (digest: string, give: () => Promise<Given>, path: string) => {
    if (await deps.blobs.has(digest)) return;
    const take = async (bytes: Uint8Array): Promise<boolean> => {
      if (sha256(bytes) !== digest) return false;
      await deps.blobs.put(bytes);
      return true;
    };
    const given = await give();
    if (given.kind === 'given' && (await take(given.bytes))) return;
    await deps.peers(peers, path, (_peer, bytes) => take(bytes));
  };
  await restore(document, () => deps.owner.roster(family, run), `/v1/rosters/${family}/${run}`);
  await restore(taskSet, () => deps.owner.taskSet(taskSet), `/v1/task-sets/${taskSet}`);
}
