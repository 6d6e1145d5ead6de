import { type Anchor, MAX_ANCHORS } from '../events/checkpoint.ts';
import type { CommitmentFound } from '../events/commitment.ts';
import type { RunId } from '../events/scalars.ts';
import { parseAnchor } from './commitment.ts';
import { type ChainText, commitmentsIn } from './commitment-facts.ts';

/** A commitment that stood in the state of a finalised block: its fields, the text of each that is printable ASCII. */
export type ChainSlot = Readonly<{
  hotkey: string;
  block: number;
  fields: readonly (string | null)[];
}>;

/** Whose commitments are read for which run, in the finalised blocks after `after` up to `upTo`. */
export type ReadRange = Readonly<{
  run: RunId;
  hotkeys: readonly string[];
  after: number;
  upTo: number;
}>;

/**
 * What a read of the chain comes to: each hotkey's commitments to the run, and what they anchored of their logs.
 * Slots of other hotkeys and blocks are left out: a node that answers with more than was asked must not bring in a
 * late commitment.
 */
export function readSlots(
  slots: readonly ChainSlot[],
  { run, hotkeys, after, upTo }: ReadRange,
): Readonly<{ found: CommitmentFound[]; anchors: Anchor[] }> {
  const asked = new Set(hotkeys);
  const within = slots.filter(
    ({ hotkey, block }) => block > after && block <= upTo && asked.has(hotkey),
  );
  return { found: commitmentsIn(chainTexts(within), run), anchors: anchorsOf(within) };
}

/** Our commitment is a text in the first field: what Python validators read, too. */
export function chainTexts(slots: readonly ChainSlot[]): readonly ChainText[] {
  return slots.map(({ hotkey, block, fields }) => ({ hotkey, block, text: fields[0] ?? null }));
}

/** The trees of the voters' logs that the second fields name, by hotkey, then block. */
function anchorsOf(slots: readonly ChainSlot[]): Anchor[] {
  const anchors = slots.flatMap(({ hotkey, block, fields }) => {
    const anchor = parseAnchor(fields[1] ?? '');
    return anchor === null ? [] : [{ hotkey, block, ...anchor }];
  });
  const sorted = anchors.toSorted((a, b) =>
    a.hotkey === b.hotkey ? a.block - b.block : a.hotkey < b.hotkey ? -1 : 1,
  );
  // Who anchors in every block of the commit phase must not keep the others' out.
  return [...Map.groupBy(sorted, ({ hotkey }) => hotkey).values()]
    .flatMap((own) => (own.length > 2 ? [...own.slice(0, 1), ...own.slice(-1)] : own))
    .slice(0, MAX_ANCHORS);
}
