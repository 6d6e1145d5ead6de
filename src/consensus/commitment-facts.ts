import type { CommitmentFound } from '../events/commitment.ts';
import type { CommitmentsRef } from '../events/decision.ts';
import type { RunId } from '../events/scalars.ts';
import type { UnknownReason } from '../events/snapshot.ts';
import { parseCommitment } from './commitment.ts';
import { digestOf } from './outcome.ts';

/** What stood in one hotkey's slot: the block that it was committed in, and its first field. */
export type ChainText = Readonly<{ hotkey: string; block: number; text: string | null }>;

/** What the voters committed to in a run, as far as it was read from the chain. */
export type CommitmentFacts =
  | Readonly<{ known: true; found: readonly CommitmentFound[] }>
  | Readonly<{ known: false; reason: UnknownReason }>;

/**
 * Each hotkey's first commitment to a run, and the first later one with another digest; by hotkey.
 * Texts of other runs, and what is no commitment at all, are somebody's own business and left out.
 */
export function commitmentsIn(texts: readonly ChainText[], run: RunId): CommitmentFound[] {
  const committed = texts.flatMap(({ hotkey, block, text }) => {
    const parsed = text === null ? null : parseCommitment(text);
    return parsed?.kind === 'commitment' && parsed.run === run
      ? [{ hotkey, block, digest: parsed.digest }]
      : [];
  });
  return firstAndSecond(committed);
}

/** The reads of one run taken together, in whatever order: the first over all, and the first other over all. */
export function mergeCommitments(
  reads: readonly Readonly<{ found: readonly CommitmentFound[] }>[],
): CommitmentFound[] {
  return firstAndSecond(
    reads.flatMap(({ found }) =>
      found.flatMap(({ hotkey, first, second }) =>
        [first, ...(second === null ? [] : [second])].map((each) => ({ hotkey, ...each })),
      ),
    ),
  );
}

/** What the reads of a run come to: known once they reach the commit block, else unknown for this reason. */
export function commitmentFacts(
  reads: readonly Readonly<{ upTo: number; found: readonly CommitmentFound[] }>[],
  { commit, missed }: Readonly<{ commit: number; missed: UnknownReason | null }>,
): CommitmentFacts {
  return reads.some(({ upTo }) => upTo >= commit)
    ? { known: true, found: mergeCommitments(reads) }
    : { known: false, reason: missed ?? 'unavailable' };
}

/** What a decision's inputs say of the commitments that it looked at. */
export function commitmentsRef(facts: CommitmentFacts): CommitmentsRef {
  return facts.known
    ? { known: true, digest: digestOf([...facts.found]) }
    : { known: false, reason: facts.reason };
}

type Committed = Readonly<{ hotkey: string; block: number; digest: string }>;

function firstAndSecond(committed: readonly Committed[]): CommitmentFound[] {
  const byHotkey = Map.groupBy(committed, ({ hotkey }) => hotkey);
  return [...byHotkey]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([hotkey, unordered]) => {
      // One slot for each hotkey, so that its commitments stood in different blocks.
      const [first, ...later] = unordered.toSorted((a, b) => a.block - b.block);
      if (first === undefined) return [];
      const second = later.find(({ digest }) => digest !== first.digest) ?? null;
      return [{ hotkey, first: slot(first), second: second === null ? null : slot(second) }];
    });
}

function slot({ block, digest }: Committed) {
  return { block, digest };
}
