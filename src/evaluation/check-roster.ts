import type { z } from 'zod';
import { firstIssue } from '../consensus/document.ts';
import type { Verify } from '../consensus/keys.ts';
import { verifyDocument } from '../consensus/signed.ts';
import { isAppError } from '../errors.ts';
import { decode, decodeBytes, type Json } from '../events/ej1.ts';
import { sha256 } from '../events/hash.ts';
import type { RosterRefused } from '../events/roster.ts';
import { detailOf } from '../events/scalars.ts';
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

/** What a roster has to be of, known beforehand: nothing of it comes from whoever serves the roster. */
export type RosterExpected = Readonly<{
  genesis: string;
  netuid: number;
  family: string;
  run: string;
  /** The owner's hotkey, from this validator's own configuration. */
  owner: string;
}>;

type RosterReason = z.infer<typeof RosterRefused.data>['reason'];

/** A roster that every check passed. `roster` is the SHA-256 of the signed body: the run's name for it. */
export type Roster = Readonly<{ roster: string; body: RosterBody; document: RosterDocument }>;

export type RosterCheck =
  | (Readonly<{ kind: 'accepted' }> & Roster)
  | Readonly<{
      kind: 'refused';
      reason: RosterReason;
      detail: string;
      /** SHA-256 of its body; null where there was none to be read. */
      roster: string | null;
    }>;

/**
 * Whether bytes are the roster of this run, in the one form that it has, signed by the pinned owner: one wrong member
 * refuses the whole. The bytes may be an attacker's: what costs least is looked at first, the signature last. Never
 * throws.
 */
export function checkRoster(
  bytes: Uint8Array,
  expected: RosterExpected,
  verify: Verify,
): RosterCheck {
  if (bytes.length > MAX_ROSTER_BYTES)
    return refused('malformed', `${bytes.length} bytes, at most ${MAX_ROSTER_BYTES}`);
  const opened = attempt(() => decodeBytes(bytes), RosterDocument);
  if (opened.kind === 'failed') return refused('malformed', opened.detail);
  const document = opened.value;
  const { signed } = document;
  const roster = sha256(signed.body);
  if (signed.type !== ROSTER_TYPE)
    return refused('malformed', `type ${signed.type} instead of ${ROSTER_TYPE}`, roster);
  const read = attempt(() => decode(signed.body), RosterBody);
  if (read.kind === 'failed') return refused('malformed', `body: ${read.detail}`, roster);
  const body = read.value;
  const fault =
    placeFault(body, signed.hotkey, expected) ?? listFault(body, document) ?? timeFault(body);
  if (fault !== null) return refused(...fault, roster);
  if (!verifyDocument(signed, verify))
    return refused('bad-signature', `no signature of ${signed.hotkey} over this body`, roster);
  return { kind: 'accepted', roster, body, document };
}

type Fault = readonly [RosterReason, string];

function placeFault(body: RosterBody, signer: string, expected: RosterExpected): Fault | null {
  const differ = (field: keyof RosterExpected, found: string | number): string =>
    `${field} ${found} instead of ${expected[field]}`;
  if (body.genesis !== expected.genesis) return ['wrong-network', differ('genesis', body.genesis)];
  if (body.netuid !== expected.netuid) return ['wrong-network', differ('netuid', body.netuid)];
  if (body.family !== expected.family) return ['wrong-family', differ('family', body.family)];
  if (body.run !== expected.run) return ['wrong-run', differ('run', body.run)];
  return signer === expected.owner ? null : ['wrong-signer', differ('owner', signer)];
}

function listFault(body: RosterBody, { members, tasks }: RosterDocument): Fault | null {
  if (listDigest(members) !== body.members)
    return ['bad-members', 'the members are not those whose digest was signed'];
  if (listDigest(tasks) !== body.tasks)
    return ['malformed', 'the tasks are not those whose digest was signed'];
  const member = memberFault(members);
  if (member !== null) return ['bad-members', member];
  const task = taskFault(tasks, body.sample);
  return task === null ? null : ['malformed', task];
}

function timeFault({ phases }: RosterBody): Fault | null {
  const fault = phaseFault(phases);
  return fault === null ? null : ['bad-phases', fault];
}

function refused(reason: RosterReason, detail: string, roster: string | null = null): RosterCheck {
  return { kind: 'refused', reason, detail: detailOf(detail), roster };
}

type Attempt<T> =
  | Readonly<{ kind: 'read'; value: T }>
  | Readonly<{ kind: 'failed'; detail: string }>;

function attempt<T>(read: () => Json, schema: z.ZodType<T>): Attempt<T> {
  try {
    const parsed = schema.safeParse(read());
    if (parsed.success) return { kind: 'read', value: parsed.data };
    return { kind: 'failed', detail: firstIssue(parsed.error.issues) };
  } catch (error) {
    if (!isAppError(error, 'ej1.malformed')) throw error;
    return { kind: 'failed', detail: error.message };
  }
}
