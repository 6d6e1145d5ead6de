import type { Verify } from '../consensus/keys.ts';
import { decodeBytes, type Json } from '../events/ej1.ts';
import type { RejectionReason } from '../events/report.ts';
import type { Voter } from '../events/snapshot.ts';
import { type Misdeed, misdeedOf } from './misdeeds.ts';

/** What an HTTP GET of a peer gives; a peer's misbehaviour is a value. */
export type Fetched =
  | { readonly kind: 'ok'; readonly status: number; readonly body: Uint8Array }
  | { readonly kind: 'refused'; readonly reason: RejectionReason; readonly detail: string };

export type Fetch = (
  url: string,
  options: { maxBytes: number; signal: AbortSignal; headers?: Readonly<Record<string, string>> },
) => Promise<Fetched>;

/** An HTTP POST to a peer, once: without an answer it is not known whether it arrived. */
export type Post = (
  url: string,
  body: Uint8Array,
  options: { contentType: string; maxBytes: number; signal: AbortSignal },
) => Promise<Fetched>;

/** A voter that can be asked: somebody else than ourselves, with an axon. The address is of the peer's choosing. */
export type Peer = Readonly<{ hotkey: string; axon: string }>;

/** A peer's answer: there, not yet there (sealed or unknown to it), or refused. */
export type Answer =
  | { readonly kind: 'body'; readonly body: Uint8Array }
  | { readonly kind: 'not-yet' }
  | { readonly kind: 'misdeed'; readonly misdeed: Misdeed };

/** What asking one peer, in one or several questions, came to. */
export type Asked<T> = Readonly<{ items: readonly T[]; misdeeds: readonly Misdeed[] }>;

/** Refusals that say nothing of the peer: we gave up, or asked too much at once. */
const OUR_OWN: ReadonlySet<RejectionReason> = new Set(['aborted', 'peer-busy']);

/** Peers asked at a time: bounds memory (with the body cap) and open sockets. */
const PEERS_AT_A_TIME = 16;

/**
 * Whom to ask: every voter with an axon but ourselves. Those with the most stake come first, so that
 * a crowd with little of it, however slow, keeps nobody from a quorum.
 */
export function peersOf(voters: readonly Voter[], self: string): readonly Peer[] {
  const byStake = voters.toSorted(
    (a, b) => Number(BigInt(b.stake) > BigInt(a.stake)) - Number(BigInt(b.stake) < BigInt(a.stake)),
  );
  return byStake.flatMap(({ hotkey, axon }) =>
    axon === null || hotkey === self ? [] : [{ hotkey, axon }],
  );
}

/** How long a whole round may take: two blocks of the chain. Who was not asked by then waits for the next. */
const ROUND_PATIENCE_MS = 24_000;

/**
 * How long one peer may take for everything that it is asked in a round: more than one time-out of
 * the client's. A peer that lists much and gives each answer just in time would otherwise hold up the
 * round, and with it every phase of the run.
 */
const PEER_PATIENCE_MS = 12_000;

/** What one peer is asked with. */
export type AskDeps = Readonly<{ fetch: Fetch; verify: Verify; signal: AbortSignal }>;

export type AskEachDeps = Readonly<{
  signal: AbortSignal;
  /** A signal that aborts when one peer has had its time. */
  patience?: () => AbortSignal;
}>;

/**
 * Asks each peer, a bounded number at a time, and gives each up when it has had its time: the signal
 * that `ask` gets aborts then. Results are in the order of `peers`.
 */
export async function askEach<T>(
  peers: readonly Peer[],
  ask: (peer: Peer, signal: AbortSignal) => Promise<T>,
  { signal, patience = () => AbortSignal.timeout(PEER_PATIENCE_MS) }: AskEachDeps,
): Promise<readonly T[]> {
  const results: T[] = [];
  const round = AbortSignal.any([signal, AbortSignal.timeout(ROUND_PATIENCE_MS)]);
  // All take the next peer from one iterator, so that a slow peer takes one place and no more.
  const queue = peers.entries();
  const askOneByOne = async (): Promise<void> => {
    for (const [index, peer] of queue) {
      results[index] = await ask(peer, AbortSignal.any([round, patience()]));
    }
  };
  await Promise.all(Array.from({ length: PEERS_AT_A_TIME }, askOneByOne));
  return results;
}

/** One GET. 404, 425 and a refusal of our own mean "not yet"; any other status but 200 is a misdeed. */
export async function askPeer(
  peer: Peer,
  path: string,
  deps: { fetch: Fetch; maxBytes: number; signal: AbortSignal },
): Promise<Answer> {
  const fetched = await deps.fetch(`${peer.axon}${path}`, {
    maxBytes: deps.maxBytes,
    signal: deps.signal,
  });
  if (fetched.kind === 'refused' && OUR_OWN.has(fetched.reason)) return { kind: 'not-yet' };
  if (fetched.kind === 'refused') return misdeed(peer.hotkey, fetched.reason, fetched.detail);
  if (fetched.status === 404 || fetched.status === 425) return { kind: 'not-yet' };
  if (fetched.status !== 200)
    return misdeed(peer.hotkey, 'status', `HTTP status ${fetched.status}`);
  return { kind: 'body', body: fetched.body };
}

/** Decodes an attacker's EJ1 document and reads what `read` finds in it; null is a schema fault. */
export function readAnswer<T>(
  peer: Peer,
  body: Uint8Array,
  read: (json: Json) => T | null,
): { readonly kind: 'value'; readonly value: T } | Extract<Answer, { kind: 'misdeed' }> {
  let json: Json;
  try {
    json = decodeBytes(body);
  } catch (error) {
    return misdeed(
      peer.hotkey,
      'not-canonical',
      error instanceof Error ? error.message : String(error),
    );
  }
  const value = read(json);
  return value === null
    ? misdeed(peer.hotkey, 'schema', 'a document of another form')
    : { kind: 'value', value };
}

/** An answer that gives nothing to read. */
export function withoutBody<T>(answer: Exclude<Answer, { kind: 'body' }>): Asked<T> {
  return { items: [], misdeeds: answer.kind === 'not-yet' ? [] : [answer.misdeed] };
}

/** A peer whose answer holds nothing but a fault. */
export function faulty<T>(...fault: Parameters<typeof misdeedOf>): Asked<T> {
  return { items: [], misdeeds: [misdeedOf(...fault)] };
}

/** Several questions' outcomes as one. */
export function together<T>(asked: readonly Asked<T>[]): Asked<T> {
  return {
    items: asked.flatMap(({ items }) => items),
    misdeeds: asked.flatMap(({ misdeeds }) => misdeeds),
  };
}

function misdeed(...fault: Parameters<typeof misdeedOf>): Extract<Answer, { kind: 'misdeed' }> {
  return { kind: 'misdeed', misdeed: misdeedOf(...fault) };
}
