import type { Verify } from '../consensus/keys.ts';
import { sha256 } from '../events/hash.ts';
import { hexOf, type SizedRoot } from '../sequencer/sized-root.ts';
import { type AskEachDeps, askEach, type Fetch, type Peer } from './ask-peers.ts';
import { type Network, witnessedByPeer } from './peer-log.ts';

/** A checkpoint of the own log that a peer witnessed: `by` names the peer for people. */
export type WitnessedOwn = SizedRoot & Readonly<{ by: string }>;

/**
 * What the peers that answer witnessed last of the own log named `source`, verified under the own hotkey:
 * asked for before a log is begun, and before it is signed again. Who gives no such note is left out.
 */
export async function readWitnesses(
  { source, ...own }: Network & Readonly<{ hotkey: string; source: string }>,
  peers: readonly Peer[],
  deps: AskEachDeps & Readonly<{ fetch: Fetch; verify: Verify }>,
): Promise<readonly WitnessedOwn[]> {
  const originHash = sha256(source);
  const notes = await askEach(
    peers,
    async (peer, signal): Promise<readonly WitnessedOwn[]> => {
      const seen = await witnessedByPeer(peer, { ...own, originHash }, { ...deps, signal });
      if (seen.kind === 'none' || seen.checkpoint.origin !== source) return [];
      const { size, root } = seen.checkpoint;
      return [{ by: peer.hotkey, size, root: hexOf(root) }];
    },
    deps,
  );
  return notes.flat();
}
