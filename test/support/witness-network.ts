import { sha256 } from '#src/events/hash.ts';
import type { Fetch, Fetched, Peer, Post } from '#src/handlers/ask-peers.ts';
import { createWitness } from '#src/handlers/cosign-checkpoint.ts';
import { cosignerName } from '#src/merkle/cosignature.ts';
import type { Witnessed } from '#src/sequencer/witness.ts';
import { fakeSigner, fakeVerify, hotkeyOf } from '../consensus/fake-keys.ts';
import { simulatedWitnessState } from './simulated-witness-state.ts';
import { GENESIS, NETUID, type TiledLog, tiledLog, witnessSeedOf } from './tiled-log.ts';

export const NOW = '2026-01-01T00:00:00.000Z';

/** A validator as its peers see it: it serves its log, witnesses theirs, and can lie about either. */
export type WitnessNode = Readonly<{
  peer: Peer;
  log: TiledLog;
  /** What it cosigned, by origin. */
  rows: Map<string, Witnessed>;
  forks: { held: Witnessed; given: Uint8Array }[];
}>;

export type Asked = Readonly<{ method: 'GET' | 'POST'; host: string; path: string }>;

/** Validators and the network between them; `tamper` replaces an answer, null lets the node answer. */
export function witnessNetwork(names: readonly string[]) {
  const nodes = new Map<string, WitnessNode>();
  const asked: Asked[] = [];
  const network = {
    asked,
    tamper: (_asked: Asked): Fetched | null => null,
    node: (name: string): WitnessNode => {
      const node = nodes.get(hostOf(name));
      if (node === undefined) throw new Error(`no node ${name}`);
      return node;
    },
    /** Replaces the log that a node serves. */
    replaceLog: (name: string, log: TiledLog): void => {
      nodes.set(hostOf(name), { ...network.node(name), log });
    },
  };
  for (const name of names) {
    const signer = fakeSigner(hotkeyOf(name));
    nodes.set(hostOf(name), {
      peer: { hotkey: signer.hotkey, axon: `http://${hostOf(name)}` },
      log: tiledLog(signer, { size: 5 }),
      rows: new Map(),
      forks: [],
    });
  }
  const voters = new Set([...nodes.values()].map(({ peer }) => peer.hotkey));
  const answer = async (method: Asked['method'], url: URL, body: Uint8Array): Promise<Fetched> => {
    const request = { method, host: url.host, path: url.pathname };
    asked.push(request);
    const node = nodes.get(url.host);
    const told = network.tamper(request);
    if (told !== null) return told;
    return node === undefined ? status(404) : serve(node, url, body, voters);
  };
  const fetch: Fetch = (url) => answer('GET', new URL(url), new Uint8Array());
  const post: Post = (url, body) => answer('POST', new URL(url), body);
  return { ...network, network, fetch, post, verify: fakeVerify };
}

async function serve(
  node: WitnessNode,
  url: URL,
  body: Uint8Array,
  voters: ReadonlySet<string>,
): Promise<Fetched> {
  const { peer, log, rows, forks } = node;
  const { hotkey } = peer;
  const name = cosignerName({ genesis: GENESIS, netuid: NETUID, hotkey });
  const cosigner = { genesis: GENESIS, netuid: NETUID, name, seed: witnessSeedOf(hotkey) };
  const witness = createWitness(cosigner, {
    state: simulatedWitnessState(rows),
    voters: async () => voters,
    verify: fakeVerify,
    now: () => NOW,
    onFork: (held, given) => forks.push({ held, given }),
  });
  const path = url.pathname;
  if (path === '/witness/add-checkpoint') {
    const answer = await witness.addCheckpoint(body);
    if (answer.kind === 'cosigned') return text(200, answer.lines);
    const { refusal } = answer;
    return refusal.status === 409 ? text(409, `${refusal.size}\n`) : status(refusal.status);
  }
  const [, originHash] = /^\/witness\/([0-9a-f]{64})\/checkpoint$/.exec(path) ?? [];
  if (originHash !== undefined) return found(await witness.witnessedCheckpoint(originHash));
  if (path === '/log/checkpoint') return found(log.note());
  if (path === '/v1/log/events') return found(Buffer.concat([log.first(), Buffer.from('\n')]));
  return found(await log.files.read(path.slice('/log/'.length)));
}

/** Where a validator answers. */
export const hostOf = (name: string): string => `${name.toLowerCase()}.test`;

/** The SHA-256 by which readers name a log. */
export const hashOfOrigin = (log: TiledLog): string => sha256(log.source);

export function status(code: number): Fetched {
  return { kind: 'ok', status: code, body: new Uint8Array() };
}

export function text(code: number, body: string): Fetched {
  return { kind: 'ok', status: code, body: Buffer.from(body) };
}

function found(bytes: Uint8Array | null): Fetched {
  return bytes === null ? status(404) : { kind: 'ok', status: 200, body: bytes };
}
