import type { Verify } from '../consensus/keys.ts';
import { isAppError } from '../errors.ts';
import { type AddCheckpoint, parseAddCheckpoint } from '../merkle/add-checkpoint.ts';
import {
  type Checkpoint,
  isOfSubnet,
  openCheckpoint,
  parseCheckpoint,
  parseOrigin,
  withoutCosignatures,
} from '../merkle/checkpoint.ts';
import { verifyConsistency } from '../merkle/proof.ts';
import { formatNote, parseNote } from '../merkle/signed-note.ts';
import { EMPTY_ROOT, hashOf, hexOf, sameHash } from '../merkle/tree.ts';

/** The newest checkpoint of another validator's log that was cosigned here. */
export type Witnessed = Readonly<{
  origin: string;
  size: number;
  /** 64 hex digits. */
  root: string;
  /** The signed note as its log sent it, with the log's own lines. */
  note: string;
}>;

/**
 * What this validator cosigned of other logs, on another disk than its own. It moves by compare-and-swap:
 * of two requests that were checked against the same state one is answered at most, so that no checkpoint
 * is ever rolled back (the race of C2SP tlog-witness).
 */
export type WitnessState = Readonly<{
  /** Null where nothing of that log was cosigned. */
  read: (origin: string) => Promise<Witnessed | null>;
  /** The same by SHA-256 of the origin, 64 hex digits: as readers over HTTP name it. */
  find: (originHash: string) => Promise<Witnessed | null>;
  /**
   * Durable when it resolves. `from` null: nothing of that log was cosigned before. `stale`: what stands
   * differs from `from` in size or root.
   */
  advance: (from: Witnessed | null, to: Witnessed) => Promise<'advanced' | 'stale'>;
}>;

/** A request that concerns a log which this witness may know: read, its signature not yet looked at. */
export type WitnessRequest = AddCheckpoint & Readonly<{ claimed: Checkpoint; hotkey: string }>;

/** Why a request is not answered with a cosignature, by the status that C2SP tlog-witness has for it. */
export type WitnessRefusal =
  | Readonly<{ status: 400 | 403 | 404 | 422; detail: string }>
  /** Conflict with what was cosigned before, whose size the answer tells. */
  | Readonly<{ status: 409; size: number }>;

/**
 * Logs of one validator that are witnessed: it starts a new generation only when one had to be given up.
 * Each leaves a row here for ever, so a hostile one must not begin as many as it likes.
 */
const MAX_GENERATION = 255;

/** Reads a request from a stranger: 400 for what is none, 404 for a log that is none of this network and subnet. */
export function readWitnessRequest(
  body: Uint8Array,
  network: Readonly<{ genesis: string; netuid: number }>,
): WitnessRequest | WitnessRefusal {
  let asked: AddCheckpoint;
  let claimed: Checkpoint;
  try {
    asked = parseAddCheckpoint(body);
    claimed = parseCheckpoint(parseNote(asked.checkpoint).text);
  } catch (error) {
    if (isAppError(error, 'checkpoint.invalid')) return { status: 400, detail: error.message };
    throw error;
  }
  const origin = parseOrigin(claimed.origin);
  return isOfSubnet(origin, network) && origin.generation <= MAX_GENERATION
    ? { ...asked, claimed, hotkey: origin.hotkey }
    : { status: 404, detail: 'no log of this subnet' };
}

/** What a witness does with a request: what it moves to before it cosigns, or why it refuses. */
export type WitnessDecision =
  | Readonly<{ kind: 'cosign'; to: Witnessed; text: string }>
  | Readonly<{
      kind: 'refuse';
      refusal: WitnessRefusal;
      /** The request's note proves, together with what was cosigned, that the log forked. */
      fork: boolean;
    }>;

/**
 * The decision of C2SP tlog-witness add-checkpoint, given what was cosigned of that log before. Known logs
 * are those of hotkeys for which `isVoter` holds. Where several reasons apply the first in this order
 * stands: 404 unknown log, 403 signature, 400 a size below the old one, 409 another size or another root
 * than was cosigned, 422 no proof of consistency.
 */
export function decideWitness(
  request: WitnessRequest,
  held: Witnessed | null,
  { isVoter, verify }: Readonly<{ isVoter: (hotkey: string) => boolean; verify: Verify }>,
): WitnessDecision {
  const { oldSize, proof, checkpoint, claimed, hotkey } = request;
  const { origin, size, root } = claimed;
  if (!isVoter(hotkey)) return refuse({ status: 404, detail: `${hotkey} does not vote` });
  const opened = openCheckpoint(checkpoint, { hotkey, verify });
  if (opened.kind === 'refused') return refuse({ status: 403, detail: opened.detail });
  if (oldSize > size) {
    return refuse({ status: 400, detail: 'the old size is greater than the new one' });
  }
  // Of bounded length: others ask for it, and what is padded until nobody reads it hides a fork.
  const note = Buffer.from(formatNote(withoutCosignatures(opened.note))).toString('utf8');
  const to = { origin, size, root: hexOf(root), note };
  const fork = held !== null && held.size === size && held.root !== to.root;
  const heldSize = held?.size ?? 0;
  if (fork || oldSize !== heldSize) return refuse({ status: 409, size: heldSize }, fork);
  const from = held === null ? EMPTY_ROOT : hashOf(held.root);
  if (!isConsistent({ size: oldSize, root: from }, { size, root }, proof)) {
    return refuse({ status: 422, detail: 'no proof of consistency with what was cosigned' });
  }
  return { kind: 'cosign', to, text: opened.note.text };
}

type Sized = Readonly<{ size: number; root: Uint8Array }>;

/** From nothing to anything there is nothing to prove; the empty tree has one root. */
function isConsistent(from: Sized, to: Sized, proof: readonly Uint8Array[]): boolean {
  if (from.size > 0) return verifyConsistency({ from, to, proof });
  return proof.length === 0 && (to.size > 0 || sameHash(to.root, EMPTY_ROOT));
}

function refuse(refusal: WitnessRefusal, fork = false): WitnessDecision {
  return { kind: 'refuse', refusal, fork };
}
