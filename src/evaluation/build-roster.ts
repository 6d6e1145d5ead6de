import type { Signer } from '../consensus/keys.ts';
import { signDocument } from '../consensus/signed.ts';
import { AppError } from '../errors.ts';
import { encode, encodeBytes } from '../events/ej1.ts';
import { sha256 } from '../events/hash.ts';
import {
  listDigest,
  MAX_ROSTER_BYTES,
  memberFault,
  phaseFault,
  ROSTER_TYPE,
  RosterBody,
  RosterDocument,
  taskFault,
} from './roster.ts';

/** What a roster says, with its lists as they are, in any order. */
export type RosterDraft = Omit<RosterBody, 'v' | 'tasks' | 'members'> &
  Pick<RosterDocument, 'members' | 'tasks'>;

/**
 * Signs the roster of a run. Gives the bytes that are served from then on, the digest that the run names it by, and the
 * signature. Two rosters of one run convict their signer, and a signature is random: the caller keeps the bytes, and never
 * builds a second one. Throws `input.invalid` for a roster that no validator would take.
 */
export function buildRoster(
  { members, tasks, ...rest }: RosterDraft,
  signer: Signer,
): Readonly<{ bytes: Uint8Array; roster: string; signature: string; body: RosterBody }> {
  const lists = {
    members: members.toSorted((a, b) => compare(a.hotkey, b.hotkey)),
    tasks: tasks.toSorted(compare),
  };
  const parsed = RosterBody.safeParse({
    ...rest,
    v: 'eirel/roster/1',
    tasks: listDigest(lists.tasks),
    members: listDigest(lists.members),
  });
  if (!parsed.success) throw invalid(parsed.error.message);
  const body = parsed.data;
  const fault =
    memberFault(lists.members) ?? taskFault(lists.tasks, body.sample) ?? phaseFault(body.phases);
  if (fault !== null) throw invalid(fault);
  const signed = signDocument(ROSTER_TYPE, encode(body), signer);
  const document = RosterDocument.safeParse({ ...lists, signed });
  if (!document.success) throw invalid(document.error.message);
  const bytes = encodeBytes(document.data);
  if (bytes.length > MAX_ROSTER_BYTES)
    throw invalid(`${bytes.length} bytes, at most ${MAX_ROSTER_BYTES}`);
  return { bytes, roster: sha256(signed.body), signature: signed.signature, body };
}

function invalid(value: string): AppError {
  return new AppError('input.invalid', {
    field: 'roster',
    value,
    expected: 'a roster that validators take',
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
