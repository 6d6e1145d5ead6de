import type { Peer } from '../ask-peers.ts';
import { type AskDeps, ask } from './ask-owner.ts';

/**
 * Asks one peer after the other for a document until somebody's is taken: documents are large, and the first usually has it.
 * Those with the most stake are asked first.
 */
export type AskPeersFor = (
  peers: readonly Peer[],
  path: string,
  /** True for what is taken. */
  take: (peer: Peer, bytes: Uint8Array) => boolean | Promise<boolean>,
  maxBytes?: number,
) => Promise<void>;

/** Peers that are asked for one document in a round: who is honest has it, and the others come in the next. */
const MAX_ASKED = 8;

/** The largest of what peers give each other: a task set. */
const MAX_BYTES = 32_000_000;

/** Asks peers in the name of this validator. Each round begins with another peer, so that no few keep it from the rest. */
export function askPeersFor(deps: AskDeps): AskPeersFor {
  let rounds = 0;
  return async (peers, path, take, maxBytes = MAX_BYTES) => {
    const first = (rounds++ * MAX_ASKED) % Math.max(1, peers.length);
    const turned = [...peers.slice(first), ...peers.slice(0, first)];
    for (const peer of turned.slice(0, MAX_ASKED)) {
      if (deps.signal.aborted) return;
      const origin = originOf(peer.axon);
      if (origin === null) continue;
      const given = await ask(`${origin}${path}`, maxBytes, deps);
      if (given.kind === 'given' && (await take(peer, given.bytes))) return;
    }
  };
}

/** A peer chose its address: with a path in it, it would have us sign a request for whatever path it likes. */
function originOf(axon: string): string | null {
  const origin = URL.parse(axon)?.origin;
  return origin !== undefined && (axon === origin || axon === `${origin}/`) ? origin : null;
}
