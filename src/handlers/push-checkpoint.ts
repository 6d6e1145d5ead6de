import type { Verify } from '../consensus/keys.ts';
import { isAppError } from '../errors.ts';
import { sha256 } from '../events/hash.ts';
import { formatAddCheckpoint } from '../merkle/add-checkpoint.ts';
import { withoutCosignatures } from '../merkle/checkpoint.ts';
import { cosignedAt, cosignerKey, cosignerName } from '../merkle/cosignature.ts';
import {
  formatNote,
  linesOf,
  type NoteSignature,
  parseNote,
  parseSignatures,
  type VerifierKey,
} from '../merkle/signed-note.ts';
import { decodeCount, decodeText } from '../merkle/text-form.ts';
import { tilePath } from '../merkle/tile.ts';
import { consistencyProof } from '../merkle/tile-proof.ts';
import { hexOf } from '../merkle/tree.ts';
import type { LogFiles } from '../sequencer/log-files.ts';
import type { PublishedNote } from '../sequencer/published-board.ts';
import { requirePublished } from '../sequencer/published-file.ts';
import { rootAt } from '../sequencer/published-tiles.ts';
import type { Fetch, Fetched, Peer, Post } from './ask-peers.ts';
import { type Network, peerLogStart, witnessedByPeer } from './peer-log.ts';

/** The own log as it is published, and whose it is. */
export type OwnLog = Network &
  Readonly<{
    hotkey: string;
    source: string;
    published: () => PublishedNote | null;
    files: Pick<LogFiles, 'read'>;
  }>;

/** A checkpoint of the own log, signed by the own hotkey, that is not of the log that lies here. */
export type OwnFork = Readonly<{ witness: string; found: string; expected: string }>;

/** What a peer's answer comes to. */
export type PushOutcome =
  | Readonly<{ kind: 'cosigned'; line: NoteSignature }>
  /** No cosignature; `size` is what the peer is known to have cosigned, where that came out. */
  | Readonly<{ kind: 'unanswered'; detail: string; size: number | null }>
  | Readonly<{ kind: 'forked'; fork: OwnFork }>;

/** What is known of a peer: the size of what it cosigned last, and its key once it was read. */
export type KnownWitness = { size: number; key: VerifierKey | null };

type Pushing = Readonly<{ witness: KnownWitness; published: PublishedNote; log: OwnLog }>;

export type PushDeps = Readonly<{ fetch: Fetch; post: Post; verify: Verify; signal: AbortSignal }>;

/**
 * Asks a peer to cosign a published checkpoint: from the size that it is thought to have, and once more
 * from the one that it names. A peer's word stops nobody: that this log forked shows in a note alone which
 * this hotkey signed.
 */
export async function pushCheckpoint(
  peer: Peer,
  pushing: Pushing,
  deps: PushDeps,
): Promise<PushOutcome> {
  const { witness, published } = pushing;
  const first = await post(peer, witness.size, pushing, deps);
  const named = sizeIn(first);
  const again = named !== null && named !== witness.size && named <= published.size;
  const answer = again ? await post(peer, named, pushing, deps) : first;
  if (answer.kind === 'refused') return unanswered(answer.detail);
  if (answer.status === 200) return cosignatureIn(answer.body, peer, pushing, deps);
  // It has another size or root than was told, or no consistency: what it has says why.
  if (answer.status === 409 || answer.status === 422) return compare(peer, pushing, deps);
  return unanswered(`HTTP status ${answer.status}`);
}

/** Room for lines of C2SP's largest signatures; ours has 150 bytes. */
const MAX_ANSWER_BYTES = 65_536;

async function post(
  { axon }: Peer,
  oldSize: number,
  { published: { size, note }, log: { files } }: Pushing,
  deps: Pick<PushDeps, 'post' | 'signal'>,
): Promise<Fetched> {
  const proof =
    oldSize === 0 || oldSize === size
      ? []
      : await consistencyProof({ from: oldSize, to: size }, (level, index, width) =>
          requirePublished(files, tilePath(level, index, width)),
        );
  // A witness looks at the log's own lines.
  const checkpoint = formatNote(withoutCosignatures(parseNote(note)));
  const body = formatAddCheckpoint({ oldSize, proof, checkpoint });
  return deps.post(`${axon}/witness/add-checkpoint`, body, {
    contentType: 'text/plain; charset=utf-8',
    maxBytes: MAX_ANSWER_BYTES,
    signal: deps.signal,
  });
}

/** The size in the answer to a request that started from another one than the peer has. */
function sizeIn(answer: Fetched): number | null {
  if (answer.kind === 'refused' || answer.status !== 409) return null;
  return unlessInvalid(() => {
    const text = decodeText('size', answer.body);
    return decodeCount('size', text.endsWith('\n') ? text.slice(0, -1) : text);
  });
}

async function cosignatureIn(
  body: Uint8Array,
  peer: Peer,
  { witness, published, log }: Pushing,
  deps: PushDeps,
): Promise<PushOutcome> {
  const name = cosignerName({ ...log, hotkey: peer.hotkey });
  const lines = unlessInvalid(() => parseSignatures(decodeText('cosignatures', body)));
  if (lines === null) return unanswered('an answer that is no signature line');
  if (witness.key === null) {
    const start = await peerLogStart(peer, log, deps);
    if (start === null) return unanswered('a log whose first event does not say how it cosigns');
    witness.key = cosignerKey(name, Buffer.from(start.witnessKey, 'hex'));
  }
  const { text } = parseNote(published.note);
  const note = { text, signatures: lines };
  const line = linesOf(note, witness.key)[0];
  if (line !== undefined && cosignedAt(note, witness.key) !== null)
    return { kind: 'cosigned', line };
  witness.key = null; // it may have begun a new generation of its log, with another key
  return unanswered('a cosignature that is not its own');
}

/** Looks at what the peer witnessed of this log. */
async function compare(
  peer: Peer,
  { log }: Pushing,
  deps: Pick<PushDeps, 'fetch' | 'verify' | 'signal'>,
): Promise<PushOutcome> {
  const originHash = sha256(log.source);
  const seen = await witnessedByPeer(peer, { ...log, originHash }, deps);
  if (seen.kind === 'none') return unanswered(`a conflict that it does not show: ${seen.detail}`);
  const { origin, size, root } = seen.checkpoint;
  // Whatever a peer can have seen was published before; what is published only grows.
  const now = log.published();
  if (origin !== log.source || now === null) return unanswered('a checkpoint of another log');
  const found = `${size} events with root ${hexOf(root)}`;
  const fork = (expected: string): PushOutcome => ({
    kind: 'forked',
    fork: { witness: peer.hotkey, found, expected },
  });
  if (size > now.size) return fork(`at most ${now.size} events, all that were published here`);
  const own = await rootAt(log.files, now.size, size);
  return own === hexOf(root)
    ? { ...unanswered('a conflict, but what it witnessed is part of this log'), size }
    : fork(`the root ${own} of the first ${size} events`);
}

function unanswered(detail: string): Extract<PushOutcome, { kind: 'unanswered' }> {
  return { kind: 'unanswered', detail, size: null };
}

function unlessInvalid<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isAppError(error, 'checkpoint.invalid')) return null;
    throw error;
  }
}
