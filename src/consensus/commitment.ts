import { hash } from 'node:crypto';
import { Anchor } from '../events/checkpoint.ts';
import { sha256 } from '../events/hash.ts';
import { RunId } from '../events/scalars.ts';

/** A `Raw` field of the chain's commitments pallet holds at most this many bytes. */
const MAX_COMMITMENT_BYTES = 128;

const PREFIX = 'eirel/scores/v1:';

/**
 * The digest that a validator puts on chain before anybody sees its report: SHA-256 of
 * `eirel/scores/v1`, a zero byte, and the exact signed body. The prefix keeps it apart from the plain
 * SHA-256 that identifies a report in logs and URLs, so naming a sealed report does not answer for a
 * commitment. It is not salted: it hides a score map only as well as the map is hard to guess.
 */
export function scoreDigest(body: string): string {
  return sha256(`eirel/scores/v1\0${body}`);
}

/** The on-chain text `eirel/scores/v1:<run>:<digest>`, at most 95 ASCII bytes. */
export function commitmentPayload(run: RunId, body: string): string {
  return `${PREFIX}${run}:${scoreDigest(body)}`;
}

export type Commitment =
  | Readonly<{ kind: 'commitment'; run: RunId; digest: string }>
  | Readonly<{ kind: 'invalid'; reason: 'too-long' | 'prefix' | 'run' | 'digest' }>;

/** Reads a commitment that somebody else put on chain. Total: anything malformed is a value. */
export function parseCommitment(payload: string): Commitment {
  // UTF-8 takes at least one byte for a UTF-16 unit, and whatever is not ASCII fails below.
  if (payload.length > MAX_COMMITMENT_BYTES) return { kind: 'invalid', reason: 'too-long' };
  if (!payload.startsWith(PREFIX)) return { kind: 'invalid', reason: 'prefix' };
  const [run = '', digest = '', ...rest] = payload.slice(PREFIX.length).split(':');
  if (!RunId.safeParse(run).success) return { kind: 'invalid', reason: 'run' };
  if (rest.length > 0 || !/^[0-9a-f]{64}$/.test(digest))
    return { kind: 'invalid', reason: 'digest' };
  return { kind: 'commitment', run, digest };
}

/** Whether an on-chain text commits to this report of this run. */
export function verifyCommitment(
  payload: string,
  { run, body }: { run: RunId; body: string },
): 'matches' | 'differs' | 'other-run' | 'malformed' {
  const commitment = parseCommitment(payload);
  if (commitment.kind === 'invalid') return 'malformed';
  if (commitment.run !== run) return 'other-run';
  return commitment.digest === scoreDigest(body) ? 'matches' : 'differs';
}

/**
 * The salted commitment to a report, 64 hex digits: SHA-256 of `eirel/commit/v2`, a zero byte, the run's key (the
 * salt, 32 bytes) and the exact signed body. Nobody can guess a score map from it before the key is public.
 */
export function commitmentV2(runKey: string, body: string): string {
  const parts = [Buffer.from('eirel/commit/v2\0'), Buffer.from(runKey, 'hex'), Buffer.from(body)];
  return hash('sha256', Buffer.concat(parts), 'hex');
}

const LOG_PREFIX = 'eirel/log/v1';

/** What a commitment says of its hotkey's log: the tree of one generation, and the salted commitment to the report. */
export type AnchorText = Pick<Anchor, 'generation' | 'size' | 'root' | 'commit'>;

/**
 * The second field of a commitment: `eirel/log/v1:<size>:<root>:<commit or ->`, digests in base64url, at
 * most 123 ASCII bytes. Of a later generation than 0 it is `eirel/log/v1/<generation>:…`: without it the
 * tree that a retired log ended with and the tree of its successor would look like a fork.
 */
export function anchorPayload({ generation, size, root, commit }: AnchorText): string {
  const prefix = generation === 0 ? LOG_PREFIX : `${LOG_PREFIX}/${generation}`;
  return `${prefix}:${size}:${base64url(root)}:${commit === null ? '-' : base64url(commit)}`;
}

/** Reads an anchor that somebody else put on chain. Total: null for anything that `anchorPayload` does not write. */
export function parseAnchor(payload: string): AnchorText | null {
  const [, generation = '0', size = '', root = '', commit = ''] = ANCHOR.exec(payload) ?? [];
  const anchor = {
    generation: Number(generation),
    size: Number(size),
    root: hexOf(root),
    commit: commit === '-' ? null : hexOf(commit),
  };
  const { success } = AnchorSchema.safeParse(anchor);
  return success && anchorPayload(anchor) === payload ? anchor : null;
}

const ANCHOR =
  /^eirel\/log\/v1(?:\/(\d{1,5}))?:(\d{1,16}):([A-Za-z0-9_-]{43}):(-|[A-Za-z0-9_-]{43})$/;
const AnchorSchema = Anchor.pick({ generation: true, size: true, root: true, commit: true });

function base64url(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64url');
}

function hexOf(text: string): string {
  return Buffer.from(text, 'base64url').toString('hex');
}
