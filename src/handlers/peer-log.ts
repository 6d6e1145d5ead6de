import { checkStart } from '../audit/rules/start.ts';
import type { Verify } from '../consensus/keys.ts';
import { AppError } from '../errors.ts';
import { EMPTY, envelopeIn, examineEvent } from '../events/decode.ts';
import type { LogStart } from '../events/log-started.ts';
import {
  isOfSubnet,
  type OpenedCheckpoint,
  openCheckpoint,
  parseOrigin,
} from '../merkle/checkpoint.ts';
import { parseTilePath } from '../merkle/tile.ts';
import type { LogFiles } from '../sequencer/log-files.ts';
import { askPeer, type Fetch, type Peer } from './ask-peers.ts';

/** Which network and subnet a log has to be of. */
export type Network = Readonly<{ genesis: string; netuid: number }>;

type AskLog = Readonly<{ fetch: Fetch; verify: Verify; signal: AbortSignal }>;

/** A note with the cosignatures of as many witnesses as a log may show. */
const MAX_SERVED_NOTE_BYTES = 32_768;

/** A peer's checkpoint that its hotkey signed; else why there is none, for people. */
export type PeerCheckpoint =
  | Extract<OpenedCheckpoint, { kind: 'opened' }>
  | Readonly<{ kind: 'none'; detail: string }>;

/** The newest checkpoint that a peer serves of its own log, verified under its hotkey. */
export async function servedCheckpoint(
  peer: Peer,
  network: Network,
  deps: AskLog,
): Promise<PeerCheckpoint> {
  return askForNote(peer, '/log/checkpoint', { ...network, hotkey: peer.hotkey }, deps);
}

/** The newest checkpoint of a validator's log that another one witnessed, verified under the former's hotkey. */
export async function witnessedByPeer(
  peer: Peer,
  log: Network & Readonly<{ hotkey: string; originHash: string }>,
  deps: AskLog,
): Promise<PeerCheckpoint> {
  return askForNote(peer, `/witness/${log.originHash}/checkpoint`, log, deps);
}

async function askForNote(
  peer: Peer,
  path: string,
  { genesis, netuid, hotkey }: Network & Readonly<{ hotkey: string }>,
  { fetch, verify, signal }: AskLog,
): Promise<PeerCheckpoint> {
  const answer = await askPeer(peer, path, { fetch, signal, maxBytes: MAX_SERVED_NOTE_BYTES });
  if (answer.kind === 'not-yet') return { kind: 'none', detail: 'it has none' };
  if (answer.kind === 'misdeed') return { kind: 'none', detail: answer.misdeed.detail };
  const opened = openCheckpoint(answer.body, { hotkey, verify });
  if (opened.kind === 'refused') return { kind: 'none', detail: opened.detail };
  return isOfSubnet(parseOrigin(opened.checkpoint.origin), { genesis, netuid })
    ? opened
    : { kind: 'none', detail: 'a log of another subnet' };
}

/** Two proofs in the largest tree take some forty tiles; a peer that needs more is asked for no more. */
const MAX_TILES = 64;
/** A full tile; bundles of entries are not asked for. */
const MAX_TILE_BYTES = 8_192;

/**
 * The files that a peer publishes of its log, as far as proofs need them. Null for what it does not give;
 * throws `checkpoint.invalid` once it was asked for too many.
 */
export function peerFiles(
  peer: Peer,
  { fetch, signal }: Pick<AskLog, 'fetch' | 'signal'>,
): Pick<LogFiles, 'read'> {
  const asked = new Map<string, Promise<Uint8Array | null>>();
  const ask = async (path: string): Promise<Uint8Array | null> => {
    if (asked.size >= MAX_TILES || parseTilePath(path)?.kind !== 'tile') {
      throw new AppError('checkpoint.invalid', {
        field: path,
        expected: `at most ${MAX_TILES} tiles of hashes`,
      });
    }
    const limits = { fetch, signal, maxBytes: MAX_TILE_BYTES };
    const answer = await askPeer(peer, `/log/${path}`, limits);
    return answer.kind === 'body' ? answer.body : null;
  };
  return {
    read: (path) => {
      // Proofs share tiles.
      const tile = asked.get(path) ?? ask(path);
      asked.set(path, tile);
      return tile;
    },
  };
}

/** An event's limit, and its newline. */
const MAX_EVENT_BYTES = 65_536;

/**
 * What the first event of a peer's log says of it: the keys that speak for its hotkey, which signed the
 * statement. Null where the peer gives none that verifies.
 */
export async function peerLogStart(
  peer: Peer,
  { genesis, netuid }: Network,
  { fetch, verify, signal }: AskLog,
): Promise<LogStart | null> {
  const path = '/v1/log/events?from=0&limit=1';
  const answer = await askPeer(peer, path, { fetch, signal, maxBytes: MAX_EVENT_BYTES });
  if (answer.kind !== 'body') return null;
  const payload = answer.body.subarray(0, answer.body.length - 1);
  const source = envelopeIn(payload)?.source;
  if (source === undefined) return null;
  const first = examineEvent(payload, source, EMPTY);
  if (first.kind === 'refused' || first.recorded.event.type !== 'log.started.v1') return null;
  const checked = checkStart(first.recorded.event.data, source, { verify });
  if (checked.kind !== 'started') return null;
  const { start } = checked;
  const expected =
    start.hotkey === peer.hotkey && start.genesis === genesis && start.netuid === netuid;
  return expected ? start : null;
}
