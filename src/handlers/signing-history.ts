/**
 * What a hotkey signs at most once: one report, one commitment and one decision of a run. A commitment names no
 * family: beside it no other family's run of that number is reported or committed to.
 */
export type SigningSlot = Readonly<{
  kind: 'report' | 'commitment' | 'decision';
  family: string;
  run: string;
}>;

/** `conflict`: something else was signed in this slot; the digest is null where only that is known. */
export type Reserved =
  | { readonly kind: 'reserved' }
  | { readonly kind: 'conflict'; readonly digest: string | null };

/**
 * What this hotkey has signed, on another disk than the log. An entry is durable before anything is
 * signed (the idea of EIP-3076), so that no restored log and no crash leads to a second signature over
 * something else. The same digest may be signed again.
 */
export type SigningHistory = Readonly<{
  reserve: (slot: SigningSlot, digest: string) => Promise<Reserved>;
}>;

/** What an operator is told where `digest` was to be signed in a slot that holds something else. */
export function describeConflict(
  { kind, family, run }: SigningSlot,
  digest: string,
  held: Extract<Reserved, { kind: 'conflict' }>,
): string {
  const why =
    held.digest === null
      ? 'the imported signing history ends with this run or a later one, and does not show it'
      : `${held.digest} was signed as that before`;
  return `signing.refused: ${digest} is not signed as the ${kind} of ${family} ${run}: ${why}`;
}
