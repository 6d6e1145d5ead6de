import { type Roster, type RosterExpected } from '../../evaluation/check-roster.ts';
import { MAX_ROSTER_BYTES, RosterBody, RosterDocument } from '../../evaluation/roster.ts';
import { decode, decodeBytes } from '../../events/ej1.ts';
import type { Queries } from '../../projectors/projector.ts';
import { rosterOf } from '../../projectors/rosters.ts';
import type { BlobStore } from '../blobs.ts';

export type KeptDeps = Readonly<{
  queries: Readonly<{ rosters: Queries }>;
  blobs: Pick<BlobStore, 'get'>;
}>;

/** The bytes of the roster that a run was opened by, as they came; null where there is none, or it is not here. */
export async function keptBytes(
  { family, run }: Pick<RosterExpected, 'family' | 'run'>,
  { queries, blobs }: KeptDeps,
): Promise<Uint8Array | null> {
  const accepted = await rosterOf(queries.rosters, family, run);
  return accepted === null ? null : blobs.get(accepted.document, MAX_ROSTER_BYTES);
}

/** The same, read: every check passed when it was accepted. */
export async function keptRoster(
  place: Pick<RosterExpected, 'family' | 'run'>,
  deps: KeptDeps,
): Promise<Omit<Roster, 'roster'> | null> {
  const bytes = await keptBytes(place, deps);
  if (bytes === null) return null;
  const document = RosterDocument.parse(decodeBytes(bytes));
  return { document, body: RosterBody.parse(decode(document.signed.body)) };
}
