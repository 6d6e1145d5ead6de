import { parseAnchor } from '../consensus/commitment.ts';
import type { Verify } from '../consensus/keys.ts';
import { CheckpointObserved } from '../events/checkpoint.ts';
import { EvidenceAccepted } from '../events/evidence.ts';
import { openCheckpoint } from '../merkle/checkpoint.ts';
import { hexOf } from '../merkle/tree.ts';
import type { FoundEvidence } from './accusations.ts';
import type { TreeClaim } from './claims.ts';
import type { Fault } from './fault.ts';
import type { SpokenOf } from './log-name.ts';
import type { LogSource } from './log-source.ts';
import { payloadsOf, readIf } from './peer-events.ts';

/** What the commitments of a hotkey say of this generation of its log, in the order of their blocks. */
export function anchorClaims(
  commitments: readonly Readonly<{ block: number; fields: readonly (string | null)[] }>[],
  { generation }: Pick<SpokenOf, 'generation'>,
): readonly TreeClaim[] {
  return commitments
    .toSorted((a, b) => a.block - b.block)
    .flatMap(({ block, fields }): TreeClaim[] => {
      const anchor = fields[1] == null ? null : parseAnchor(fields[1]);
      if (anchor?.generation !== generation) return [];
      return [{ kind: 'anchor', by: `block ${block}`, size: anchor.size, root: anchor.root }];
    });
}

/**
 * The first anchor of a later generation: its hotkey gave the log up, or two logs of it live; either way what is
 * audited is not, or not alone, what it goes on with. Null where there is none.
 */
export function successorFault(
  commitments: Parameters<typeof anchorClaims>[0],
  { generation }: Pick<SpokenOf, 'generation'>,
): Fault | null {
  for (const { block, fields } of commitments.toSorted((a, b) => a.block - b.block)) {
    const later = fields[1] == null ? null : parseAnchor(fields[1]);
    if (later === null || later.generation <= generation) continue;
    return {
      code: 'log-forked',
      index: null,
      where: `block ${block}`,
      expected: `generation ${generation} as the newest of this hotkey's logs`,
      found: `an anchor of generation ${later.generation}, ${later.size} events: this log was given up, or two of them live`,
    };
  }
  return null;
}

/** What a signed checkpoint claims; null for one that its hotkey did not sign, or of another log. */
export function noteClaim(
  note: Uint8Array,
  { origin, hotkey }: SpokenOf,
  { kind, by, verify }: Pick<TreeClaim, 'kind' | 'by'> & Readonly<{ verify: Verify }>,
): TreeClaim | null {
  const opened = openCheckpoint(note, { hotkey, verify });
  if (opened.kind === 'refused' || opened.checkpoint.origin !== origin) return null;
  const { size, root } = opened.checkpoint;
  return { kind, by, size, root: hexOf(root) };
}

/** What one log says of another. */
export type Observations = Readonly<{
  claims: readonly TreeClaim[];
  /** Observations of that log whose note its hotkey did not sign: they say nothing. */
  unsigned: number;
  /** The files of evidence against its hotkey that were accepted, as they stand: nothing of them is verified here. */
  evidence: readonly FoundEvidence[];
}>;

/**
 * What another log recorded of a log: its checkpoints, and evidence against its hotkey. That log need not be trusted, nor whole: each recorded note
 * carries the signature of the hotkey that it speaks of.
 */
export async function readObservations(
  source: LogSource,
  of: SpokenOf,
  { verify }: Readonly<{ verify: Verify }>,
): Promise<Observations> {
  const claims: TreeClaim[] = [];
  const evidence: FoundEvidence[] = [];
  let unsigned = 0;
  for await (const payload of payloadsOf(source)) {
    const accepted = readIf(payload, EvidenceAccepted);
    if (accepted?.data.hotkey === of.hotkey)
      evidence.push({ by: `event ${accepted.n} of ${source.name}`, file: accepted.data.file });
    const observation = readIf(payload, CheckpointObserved);
    const observed = observation === null ? null : { n: observation.n, ...observation.data };
    if (observed?.source !== of.origin) continue;
    const by = `event ${observed.n} of ${source.name}`;
    const claim = noteClaim(Buffer.from(observed.note), of, { kind: 'observation', by, verify });
    if (claim === null) unsigned += 1;
    else claims.push(claim);
  }
  return { claims, unsigned, evidence };
}
