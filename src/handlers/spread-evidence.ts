import type { Witnessed } from '../sequencer/witness.ts';
import { newestVoters } from './accept-evidence.ts';
import { type AskEachDeps, type Peer, type Post, peersOf } from './ask-peers.ts';
import type { EvidenceDesk } from './evidence-desk.ts';
import { relayEvidence } from './exchange-evidence.ts';
import type { Finding } from './produce-evidence.ts';
import type { Projections } from './run-view.ts';

/** Forks that wait to be looked at: a log that forked shows it again with each checkpoint that it pushes. */
const MAX_FORKS = 16;

/** What a witness came upon, until a round of the validator takes it. */
export function createForkQueue() {
  let waiting: readonly Finding[] = [];
  return {
    /** Two checkpoints of one log and size: what was cosigned, and what was refused. */
    add: (held: Witnessed, given: Uint8Array): void => {
      if (waiting.length >= MAX_FORKS) return;
      const cosigned = { note: Buffer.from(held.note, 'utf8'), tiles: null };
      const refused = { note: given, tiles: null };
      waiting = [...waiting, { kind: 'checkpoint', checkpoints: [cosigned, refused] }];
    },
    take: (): readonly Finding[] => {
      const taken = waiting;
      waiting = [];
      return taken;
    },
  };
}

export type SpreadDeps = AskEachDeps &
  Readonly<{
    desk: EvidenceDesk;
    forks: () => readonly Finding[];
    projections: Projections;
    family: string;
    self: string;
    post: Post;
    alone: <T>(act: () => Promise<T>) => Promise<T>;
  }>;

/**
 * Turns the forks that the witness came upon into evidence, and passes on to the peers what was accepted
 * since the last time: the sooner everybody has it, the more of them exclude from the same run on.
 */
export async function spreadEvidence(deps: SpreadDeps): Promise<void> {
  const { desk, forks, projections, family, self, alone } = deps;
  for (const finding of forks()) await alone(() => desk.accuse(finding));
  const peers = async (): Promise<readonly Peer[]> =>
    peersOf(await newestVoters(projections, family), self);
  await relayEvidence(desk, peers, deps);
}
