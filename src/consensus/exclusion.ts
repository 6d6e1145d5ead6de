import { type RunId, runSequence } from '../events/scalars.ts';

/** Whom accepted evidence is against, and the run that it misbehaved in. */
export type Accused = Readonly<{ family: string; run: RunId; hotkey: string }>;

/**
 * Who is excluded from a run: every hotkey against which evidence was accepted whose run precedes it in
 * the same family; sorted, each once. Evidence of the run itself excludes from the next one on, because
 * not everybody can hold it in time for this one.
 */
export function excludedFrom(
  accepted: readonly Accused[],
  { family, run }: Readonly<{ family: string; run: RunId }>,
): readonly string[] {
  const sequence = runSequence(run);
  const hotkeys = accepted
    .filter((each) => each.family === family && runSequence(each.run) < sequence)
    .map(({ hotkey }) => hotkey);
  return [...new Set(hotkeys)].toSorted();
}
