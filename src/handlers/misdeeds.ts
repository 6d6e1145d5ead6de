import type { RejectionReason } from '../events/report.ts';
import { detailOf } from '../events/scalars.ts';

/** Something that a peer did wrong; recorded once. */
export type Misdeed = Readonly<{
  peer: string;
  reason: RejectionReason;
  detail: string;
  digest: string | null;
}>;

/** A misdeed; `detail` may quote the peer, and is cut so that it can always be stored. */
export function misdeedOf(
  peer: string,
  reason: RejectionReason,
  detail: string,
  digest: string | null = null,
): Misdeed {
  return { peer, reason, detail: detailOf(detail), digest };
}

/** What makes two misdeeds the same. */
export function misdeedKey({
  peer,
  reason,
  digest,
}: Pick<Misdeed, 'peer' | 'reason' | 'digest'>): string {
  return `${peer}/${reason}/${digest ?? 'none'}`;
}

/** The misdeeds that were not recorded before, each once, in a fixed order. */
export function newMisdeeds(
  misdeeds: readonly Misdeed[],
  known: ReadonlySet<string>,
): readonly Misdeed[] {
  const fresh = new Map(misdeeds.map((fault) => [misdeedKey(fault), fault]));
  return [...fresh]
    .filter(([key]) => !known.has(key))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, fault]) => fault);
}
