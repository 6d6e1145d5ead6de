import type { Chain, ChainCommitment, Known } from '../../chain/chain.ts';
import { parseAnchor } from '../../consensus/commitment.ts';
import type { Verify } from '../../consensus/keys.ts';
import { sha256 } from '../../events/hash.ts';
import type { Fetch } from '../../handlers/ask-peers.ts';
import { witnessedByPeer } from '../../handlers/peer-log.ts';
import { hexOf } from '../../merkle/tree.ts';
import type { AskOutside, Outside } from '../../sequencer/outside.ts';
import type { SizedRoot } from '../../sequencer/sized-root.ts';
import type { CurrentVoters } from './current-voters.ts';

/** Peers that do not answer by then say nothing. */
const WITNESS_PATIENCE_MS = 5_000;

/** The log that is asked about. */
export type OwnLogName = Readonly<{
  genesis: string;
  netuid: number;
  hotkey: string;
  generation: number;
  source: string;
}>;

/**
 * Asks the chain for this log's newest anchor, and the voters for what they witnessed of it. A chain that does not
 * tell who votes has not told enough: a witness that could not be asked may know more than the anchor.
 */
export function askOutside(
  log: OwnLogName,
  deps: Readonly<{
    chain: Pick<Chain, 'latestCommitments'>;
    voters: CurrentVoters;
    fetch: Fetch;
    verify: Verify;
    signal: AbortSignal;
  }>,
): AskOutside {
  const { chain, voters, fetch, verify, signal } = deps;
  const originHash = sha256(log.source);
  return async () => {
    const read = await chain.latestCommitments([log.hotkey]);
    const peers = await voters.peers();
    const anchor = voters.known() ? anchorOf(read, log) : NO_VOTERS;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(WITNESS_PATIENCE_MS)]);
    const asked = await Promise.all(
      peers.map(async (peer) => {
        const held = await witnessedByPeer(
          peer,
          { ...log, originHash },
          { fetch, verify, signal: patience },
        );
        if (held.kind !== 'opened' || held.checkpoint.origin !== log.source) return [];
        const { size, root } = held.checkpoint;
        return [{ by: peer.hotkey, size, root: hexOf(root) }];
      }),
    );
    return { anchor, witnessed: asked.flat() };
  };
}

const NO_VOTERS = {
  known: false,
  reason: 'unavailable',
  detail: 'the chain does not tell who votes',
} as const;

function anchorOf(read: Known<readonly ChainCommitment[]>, log: OwnLogName): Outside['anchor'] {
  return read.known ? { known: true, value: anchorIn(read.value, log) } : read;
}

/** The tree that the hotkey anchored last, if it is of this log's generation or of a later one. */
function anchorIn(
  commitments: readonly ChainCommitment[],
  { hotkey, generation }: OwnLogName,
): (SizedRoot & { generation: number }) | null {
  const own = commitments.find((each) => each.hotkey === hotkey);
  const anchor = parseAnchor(own?.fields[1] ?? '');
  return anchor === null || anchor.generation < generation
    ? null
    : { generation: anchor.generation, size: anchor.size, root: anchor.root };
}
