import { z } from 'zod';
import { EvidenceKind, MAX_EVIDENCE_LENGTH } from '../events/evidence.ts';
import { sha256 } from '../events/hash.ts';
import { Hex32, Ss58 } from '../events/scalars.ts';
import type { AcceptedEvidence } from '../projectors/evidence.ts';
import {
  type AskEachDeps,
  askEach,
  askPeer,
  type Fetch,
  type Peer,
  type Post,
  readAnswer,
} from './ask-peers.ts';
import type { EvidenceDesk } from './evidence-desk.ts';

/** One piece of each kind against each of the validators of the largest subnet. */
const MAX_ENTRIES = 6 * 256;
const Index = z.strictObject({
  evidence: z
    .array(z.strictObject({ digest: Hex32, hotkey: Ss58, kind: EvidenceKind }))
    .max(MAX_ENTRIES),
});
type Entry = z.infer<typeof Index>['evidence'][number];

/** An entry takes some 180 bytes. */
const MAX_INDEX_BYTES = 200 * MAX_ENTRIES;

/** Files that one peer is asked for in a round: more come in the next, and most of them from others. */
const MAX_FILES_FROM_PEER = 4;

export type PullRequest = Readonly<{
  peers: readonly Peer[];
  /** Evidence against nobody else is asked for. */
  voters: ReadonlySet<string>;
  held: readonly AcceptedEvidence[];
}>;

/**
 * Asks each peer which evidence it holds, and for what is new here: of a kind and against a voter of whom
 * there is none of that kind. Each file is given once. Nothing of it is verified yet but that it is the one that
 * was asked for: until somebody gave it, everybody who lists it is asked, so that nobody keeps it from us.
 */
export async function pullEvidence(
  { peers, voters, held }: PullRequest,
  deps: AskEachDeps & Readonly<{ fetch: Fetch }>,
): Promise<readonly string[]> {
  // Of the owner, who need not vote, there is one piece for each run.
  const wanted = ({ digest, hotkey, kind }: Entry): boolean =>
    kind === 'roster'
      ? !held.some((each) => each.digest === digest)
      : voters.has(hotkey) && !held.some((each) => each.hotkey === hotkey && each.kind === kind);
  const had = new Set<string>();
  const files = await askEach(
    peers,
    async (peer, signal) => {
      const entries = await askForIndex(peer, { ...deps, signal });
      const got: string[] = [];
      for (const { digest } of entries.filter(wanted)) {
        if (got.length >= MAX_FILES_FROM_PEER) break;
        if (had.has(digest)) continue;
        const file = await askForFile(peer, digest, { ...deps, signal });
        // Who lists what it does not give is asked for nothing more.
        if (file === null) break;
        if (had.has(digest)) continue;
        had.add(digest);
        got.push(file);
      }
      return got;
    },
    deps,
  );
  return files.flat();
}

/** Passes what was accepted since the last time on to every peer, once: who does not take it pulls it. */
export async function relayEvidence(
  desk: Pick<EvidenceDesk, 'hasFresh' | 'takeFresh'>,
  peers: () => Promise<readonly Peer[]>,
  deps: AskEachDeps & Readonly<{ post: Post }>,
): Promise<void> {
  if (!desk.hasFresh()) return;
  const told = await peers();
  // Before the first snapshot nobody is known: what was found waits for them.
  if (told.length === 0) return;
  const fresh = desk.takeFresh();
  await askEach(
    told,
    async ({ axon }, signal) => {
      for (const text of fresh) {
        await deps.post(`${axon}/v1/evidence`, Buffer.from(text, 'utf8'), {
          contentType: 'application/json',
          maxBytes: MAX_RECEIPT_BYTES,
          signal,
        });
      }
    },
    deps,
  );
}

/** A digest and a word, or a problem document. */
const MAX_RECEIPT_BYTES = 4_096;

async function askForIndex(
  peer: Peer,
  deps: Readonly<{ fetch: Fetch; signal: AbortSignal }>,
): Promise<readonly Entry[]> {
  const path = '/v1/evidence?view=index';
  const answer = await askPeer(peer, path, { ...deps, maxBytes: MAX_INDEX_BYTES });
  if (answer.kind !== 'body') return [];
  const index = readAnswer(peer, answer.body, (json) => Index.safeParse(json).data ?? null);
  return index.kind === 'value' ? index.value.evidence : [];
}

async function askForFile(
  peer: Peer,
  digest: string,
  deps: Readonly<{ fetch: Fetch; signal: AbortSignal }>,
): Promise<string | null> {
  const path = `/v1/evidence/${digest}`;
  const answer = await askPeer(peer, path, { ...deps, maxBytes: 3 * MAX_EVIDENCE_LENGTH });
  if (answer.kind !== 'body' || sha256(answer.body) !== digest) return null;
  return Buffer.from(answer.body).toString('utf8');
}
