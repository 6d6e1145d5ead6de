import { checkEvidence, type Evidence } from '../audit/evidence.ts';
import type { EvidenceContext } from '../audit/evidence-form.ts';
import type { Chain } from '../chain/chain.ts';
import { MAX_EVIDENCE_LENGTH } from '../events/evidence.ts';
import { sha256 } from '../events/hash.ts';
import { acceptedEvidence } from '../projectors/evidence.ts';
import { decideEvidence, standingIn } from './accept-evidence.ts';
import { type Finding, produceEvidence } from './produce-evidence.ts';
import type { Recorder } from './recorder.ts';
import type { Projections } from './run-view.ts';

export type DeskParts = EvidenceContext &
  Readonly<{
    family: string;
    projections: Pick<Projections, 'runState' | 'decisions' | 'evidence'>;
    commitmentExtrinsics: Chain['commitmentExtrinsics'];
    record: Recorder;
    /** Runs what reads the projections and then appends while nothing else does. */
    alone: <T>(act: () => Promise<T>) => Promise<T>;
  }>;

/** What a file that somebody offered comes to. */
export type Offered =
  | Readonly<{ kind: 'accepted' | 'known'; digest: string }>
  | Readonly<{ kind: 'refused'; reason: string; detail: string }>
  /** As much as can be verified waits already. */
  | Readonly<{ kind: 'busy' }>;

/** Files that wait for their turn; each has 44 kB at most. */
const MAX_WAITING = 64;

/** Files that proved nothing are remembered by digest: whoever sends one again costs a hash. */
const MAX_REMEMBERED = 1_024;

/** Files that were accepted and not passed on yet: one of each kind against some validators. */
const MAX_FRESH = 64;

/**
 * Where evidence comes in: what strangers and peers offer, and what this validator finds. Whatever is
 * accepted was verified, is recorded once, and is passed on once.
 */
export function createEvidenceDesk(parts: DeskParts) {
  const refused = new Map<string, Extract<Offered, { kind: 'refused' }>>();
  let fresh: readonly string[] = [];
  let waiting = 0;

  const weigh = (text: string): Evidence | Extract<Offered, { kind: 'refused' }> => {
    const digest = sha256(text);
    const before = refused.get(digest);
    if (before !== undefined) return before;
    const checked = checkEvidence(text, parts);
    if (checked.kind === 'proved') return checked.evidence;
    const oldest = refused.keys().next();
    if (refused.size >= MAX_REMEMBERED && oldest.done !== true) refused.delete(oldest.value);
    refused.set(digest, checked);
    return checked;
  };
  const take = async (text: string, evidence: Evidence): Promise<Offered> => {
    const taken = await record(text, evidence, parts);
    if (taken.kind === 'accepted' && fresh.length < MAX_FRESH) fresh = [...fresh, text];
    return taken;
  };
  const accept = async (text: string): Promise<Offered> => {
    const evidence = weigh(text);
    return 'reason' in evidence ? evidence : take(text, evidence);
  };

  return {
    /** Verifies a file, whatever its bytes, and records it in turn: for callers that hold no turn. */
    offer: async (file: Uint8Array): Promise<Offered> => {
      const text = textOf(file);
      if (typeof text !== 'string') return text;
      const held = await acceptedEvidence(parts.projections.evidence);
      const digest = sha256(text);
      if (held.some((each) => each.digest === digest)) return { kind: 'known', digest };
      if (waiting >= MAX_WAITING) return { kind: 'busy' };
      const evidence = weigh(text);
      if ('reason' in evidence) return evidence;
      waiting += 1;
      try {
        return await parts.alone(() => take(text, evidence));
      } finally {
        waiting -= 1;
      }
    },
    /** The same of a text, for a step, which has its turn. */
    accept,
    /** Accuses whom a finding is about, where it can be proved; for a step. Gives whether it could. */
    accuse: async (finding: Finding): Promise<boolean> => {
      const text = await produceEvidence(finding, parts);
      return text !== null && (await accept(text)).kind !== 'refused';
    },
    /** Whether anything was accepted since it was last taken. */
    hasFresh: (): boolean => fresh.length > 0,
    /** What was accepted since this was last asked for. */
    takeFresh: (): readonly string[] => {
      const taken = fresh;
      fresh = [];
      return taken;
    },
  };
}

export type EvidenceDesk = ReturnType<typeof createEvidenceDesk>;

async function record(
  text: string,
  evidence: Evidence,
  { family, projections, record: append }: DeskParts,
): Promise<Offered> {
  const decision = decideEvidence(evidence, text, await standingIn(projections, family));
  switch (decision.kind) {
    case 'accept':
      await append([decision.event]);
      return { kind: 'accepted', digest: evidence.digest };
    case 'known':
      return decision;
    case 'refuse':
      return { ...decision, kind: 'refused' };
  }
}

/** The text of a file that may be evidence: what costs least is looked at first. */
function textOf(file: Uint8Array): string | Extract<Offered, { kind: 'refused' }> {
  const refuse = (reason: string, detail: string) => ({ kind: 'refused', reason, detail }) as const;
  // A character takes a byte at least and three at most of what it counts for.
  if (file.length > 3 * MAX_EVIDENCE_LENGTH) {
    return refuse('too-large', `${file.length} bytes, at most ${MAX_EVIDENCE_LENGTH} characters`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file);
  } catch {
    // The decoder throws a TypeError that says nothing more.
    return refuse('not-canonical', 'bytes that are no UTF-8');
  }
}
