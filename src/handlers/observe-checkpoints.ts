import { isAppError } from '../errors.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import type { Anchor } from '../events/checkpoint.ts';
import { sha256 } from '../events/hash.ts';
import {
  type Checkpoint,
  parseCheckpoint,
  parseOrigin,
  withoutCosignatures,
} from '../merkle/checkpoint.ts';
import { verifyConsistency } from '../merkle/proof.ts';
import { formatNote, type Note, parseNote } from '../merkle/signed-note.ts';
import { tilePath } from '../merkle/tile.ts';
import { consistencyProof, type ReadTile } from '../merkle/tile-proof.ts';
import { hashOf, hexOf, sameHash } from '../merkle/tree.ts';
import { requirePublished } from '../sequencer/published-file.ts';
import { type AskDeps, type AskEachDeps, askEach, type Peer } from './ask-peers.ts';
import { type Network, peerFiles, servedCheckpoint, witnessedByPeer } from './peer-log.ts';
import type { Finding } from './produce-evidence.ts';

export type ObservationRequest = Network &
  Readonly<{
    family: string;
    run: string;
    peers: readonly Peer[];
    /** Whose checkpoints were seen in this run already. */
    seen: ReadonlySet<string>;
    /** What the voters anchored on chain in this run. */
    anchors: readonly Anchor[];
  }>;

export type ObserveDeps = AskDeps &
  AskEachDeps &
  Readonly<{
    /** Signed notes of a log that were seen before: the last observed, and the last cosigned. */
    remembered: (source: string) => Promise<readonly string[]>;
  }>;

/** What the logs of the peers look like. */
export type Observations = Readonly<{
  events: readonly DomainEvent[];
  /** Two trees that no log can have both of; whether it can be proved is another matter. */
  findings: readonly Finding[];
  /** What an honest log does not show, for people. */
  suspicions: readonly string[];
}>;

/**
 * Looks at the newest checkpoint of each peer's log, once a run, and holds it against all that was seen of
 * that log: here before, by another peer, whose turn changes from run to run, and on the chain. The log has
 * to contain all of it, which its own tiles prove or do not.
 */
export async function observeCheckpoints(
  request: ObservationRequest,
  deps: ObserveDeps,
): Promise<Observations> {
  const { peers, seen } = request;
  const observed = await askEach(
    peers.filter(({ hotkey }) => !seen.has(hotkey)),
    (peer, signal) => observe(peer, request, { ...deps, signal }),
    deps,
  );
  return {
    events: observed.flatMap(({ events }) => events),
    findings: observed.flatMap(({ findings }) => findings),
    suspicions: observed.flatMap(({ suspicions }) => suspicions),
  };
}

/** A tree that the log has to contain: where it is from, and what to make of it if it does not. */
type Claim = Readonly<{ size: number; root: Uint8Array; by: string; finding: Accusing }>;
type Accusing = (shown: Readonly<{ note: Uint8Array; tiles: ReadTile }>) => Finding;

const NOTHING: Observations = { events: [], findings: [], suspicions: [] };

async function observe(
  peer: Peer,
  request: ObservationRequest,
  deps: ObserveDeps,
): Promise<Observations> {
  const first = await servedCheckpoint(peer, request, deps);
  if (first.kind === 'none') return NOTHING;
  const claims = await claimsOn(peer, first.checkpoint.origin, request, deps);
  // What others hold may be newer than what was just served: the log is looked at again, after them.
  const behind = claims.some(({ size }) => size > first.checkpoint.size);
  const served = behind ? await servedCheckpoint(peer, request, deps) : first;
  if (served.kind === 'none') return NOTHING;
  const { checkpoint, note } = served;
  const files = peerFiles(peer, deps);
  const tiles: ReadTile = (level, index, width) =>
    requirePublished(files, tilePath(level, index, width));
  const shown = { note: formatNote(withoutCosignatures(note)), tiles };
  const broken: Claim[] = [];
  for (const claim of claims) {
    if (claim.size > 0 && !(await contains(checkpoint, claim, tiles))) broken.push(claim);
  }
  return {
    events: [observed(peer, shown.note, checkpoint, request)],
    findings: broken.map(({ finding }) => finding(shown)),
    suspicions: broken.map(
      ({ size, by }) =>
        `the log of ${peer.hotkey} with ${checkpoint.size} events does not show the ${size} of ${by}`,
    ),
  };
}

/** All that is known of a log and signed by its hotkey. */
async function claimsOn(
  peer: Peer,
  source: string,
  request: ObservationRequest,
  deps: ObserveDeps,
): Promise<readonly Claim[]> {
  const remembered = await deps.remembered(source);
  const other = otherPeer(peer, request);
  const told =
    other === null
      ? null
      : await witnessedByPeer(
          other,
          { ...request, hotkey: peer.hotkey, originHash: sha256(source) },
          deps,
        );
  const notes = remembered.map((note) => ({
    note: parseNote(Buffer.from(note, 'utf8')),
    by: 'an earlier checkpoint',
  }));
  if (told?.kind === 'opened' && other !== null) {
    notes.push({ note: told.note, by: `what ${other.hotkey} witnessed` });
  }
  const generation = parseOrigin(source)?.generation;
  return [
    ...notes.flatMap((each) => noteClaim(each, source)),
    ...request.anchors
      .filter((anchor) => anchor.hotkey === peer.hotkey && anchor.generation === generation)
      .map(anchorClaim),
  ];
}

function noteClaim(
  { note, by }: Readonly<{ note: Note; by: string }>,
  source: string,
): readonly Claim[] {
  const checkpoint = parseCheckpoint(note.text);
  if (checkpoint.origin !== source) return [];
  const { size, root } = checkpoint;
  const earlier = { note: formatNote(withoutCosignatures(note)), tiles: null };
  const finding: Accusing = (shown) => ({ kind: 'checkpoint', checkpoints: [earlier, shown] });
  return [{ size, root, by, finding }];
}

function anchorClaim({ hotkey, block, size, root }: Anchor): Claim {
  return {
    size,
    root: hashOf(root),
    by: `its anchor in block ${block}`,
    finding: (checkpoint) => ({
      kind: 'checkpoint-vs-anchor',
      hotkey,
      block,
      checkpoint,
      tiles: null,
    }),
  };
}

/** Another peer than the one that is looked at, each in its turn over the runs; null where there is none. */
function otherPeer(peer: Peer, { peers, run }: ObservationRequest): Peer | null {
  const others = peers.filter(({ hotkey }) => hotkey !== peer.hotkey);
  const turn = Number.parseInt(sha256(`${run} ${peer.hotkey}`).slice(0, 8), 16);
  return others[turn % others.length] ?? null;
}

/** Whether a log of that checkpoint begins with that tree, as its tiles prove it. */
async function contains(
  { size, root }: Checkpoint,
  claim: Claim,
  tiles: ReadTile,
): Promise<boolean> {
  if (claim.size > size) return false;
  if (claim.size === size) return sameHash(claim.root, root);
  try {
    const proof = await consistencyProof({ from: claim.size, to: size }, tiles);
    return verifyConsistency({ from: claim, to: { size, root }, proof });
  } catch (error) {
    // It does not serve what would prove it.
    if (isAppError(error, 'checkpoint.invalid')) return false;
    throw error;
  }
}

function observed(
  { hotkey }: Peer,
  note: Uint8Array,
  { origin, size, root }: Checkpoint,
  { family, run }: ObservationRequest,
): DomainEvent {
  return {
    type: 'checkpoint.observed.v1',
    data: {
      family,
      run,
      hotkey,
      source: origin,
      size,
      root: hexOf(root),
      note: Buffer.from(note).toString('utf8'),
    },
  };
}
