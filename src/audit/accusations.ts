import { checkEvidence, type Evidence } from './evidence.ts';
import type { EvidenceContext } from './evidence-form.ts';
import type { Fault } from './fault.ts';

/** A file of evidence that another log holds against the one that is audited. */
export type FoundEvidence = Readonly<{ by: string; file: string }>;

/** What is proved against a hotkey, and by whose log it came. */
export type ProvedEvidence = Readonly<{ by: string; evidence: Evidence }>;

/**
 * The evidence among what was found that proves something against this hotkey, each file once. The logs that it
 * comes from need not be trusted: a file proves itself.
 */
export function proveEvidence(
  found: readonly FoundEvidence[],
  hotkey: string,
  context: EvidenceContext,
): readonly ProvedEvidence[] {
  const proved = new Map<string, ProvedEvidence>();
  for (const { by, file } of found) {
    const checked = checkEvidence(file, context);
    if (checked.kind === 'refused' || checked.evidence.hotkey !== hotkey) continue;
    const { evidence } = checked;
    if (!proved.has(evidence.digest)) proved.set(evidence.digest, { by, evidence });
  }
  return [...proved.values()];
}

/** An audited log's hotkey is convicted, whatever its log says: the fault that this is. */
export function accusationFault({ by, evidence }: ProvedEvidence): Fault {
  return {
    code: 'accused',
    index: null,
    where: by,
    expected: 'a hotkey that nothing is proved against',
    found: `${evidence.kind}: ${evidence.summary} (evidence ${evidence.digest})`,
  };
}
