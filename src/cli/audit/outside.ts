import { readFile } from 'node:fs/promises';
import type { FoundEvidence } from '../../audit/accusations.ts';
import type { TreeClaim } from '../../audit/claims.ts';
import type { Fault } from '../../audit/fault.ts';
import type { NamedLog } from '../../audit/log-name.ts';
import {
  anchorClaims,
  noteClaim,
  readObservations,
  successorFault,
} from '../../audit/outside-claims.ts';
import { fetchFile, MAX_CHECKPOINT_BYTES } from '../../audit-page/fetch-log.ts';
import type { ChainCommitment } from '../../chain/chain.ts';
import { verifySr25519 } from '../../chain/hotkey.ts';
import { AppError } from '../../errors.ts';
import { sha256 } from '../../events/hash.ts';
import { wait } from '../../runtime/clock.ts';
import type { Input, Io, Option } from '../command.ts';
import { openLogSource } from './open-log-source.ts';
import type { Node } from './open-node.ts';

export const OUTSIDE_OPTIONS = {
  peer: {
    type: 'string',
    multiple: true,
    placeholder: 'log',
    help: 'the log of another validator, to look for what it saw of this one; again for each',
  },
  witness: {
    type: 'string',
    multiple: true,
    placeholder: 'url or file',
    help: 'a validator that witnesses this log, or a checkpoint that it cosigned; again for each',
  },
} as const satisfies Readonly<Record<string, Option>>;

/** What was asked of one side, for people; null where nothing was asked. */
export type Asked = Readonly<{ claims: number; notes: readonly string[] }> | null;

export type Outside = Readonly<{
  claims: readonly TreeClaim[];
  ownerHotkey: string | null;
  anchors: Asked;
  observations: Asked;
  witnesses: Asked;
  /** Evidence against its hotkey that peers' logs hold. */
  evidence: readonly FoundEvidence[];
  /** What the chain says of later generations of it. */
  faults: readonly Fault[];
}>;

/** Asks the chain, peers and witnesses what they know of a log's tree. Who was not named is not asked. */
export async function askOutside(
  log: NamedLog,
  input: Input,
  io: Io,
  node: Node | null,
): Promise<Outside> {
  const claims: TreeClaim[] = [];
  const anchors = node === null ? null : await readAnchors(log, node);
  const observations = await readPeers(log, input.values('peer'), io);
  const witnesses = await readWitnesses(log, input.values('witness'), io);
  for (const side of [anchors, observations, witnesses]) claims.push(...(side?.claims ?? []));
  return {
    claims,
    ownerHotkey: node === null ? null : await ownerOf(node),
    anchors: counted(anchors),
    observations: counted(observations),
    witnesses: counted(witnesses),
    evidence: observations?.evidence ?? [],
    faults: anchors?.faults ?? [],
  };
}

type Side = Readonly<{ claims: readonly TreeClaim[]; notes: readonly string[] }> | null;

function counted(side: Side): Asked {
  return side === null ? null : { claims: side.claims.length, notes: side.notes };
}

/** Every anchor since the genesis block, or where the node keeps no state for that, the one that stands now. */
async function readAnchors(log: NamedLog, { chain, block }: Node) {
  const all = await chain.commitments([log.hotkey], { after: 0, upTo: block });
  if (all.known) return anchorsOf(all.value, log, []);
  const latest = await chain.latestCommitments([log.hotkey]);
  if (!latest.known)
    throw new AppError('chain.unavailable', { reason: `${latest.reason}: ${latest.detail}` });
  return anchorsOf(latest.value, log, [`only the newest: ${all.detail}`]);
}

function anchorsOf(
  commitments: readonly ChainCommitment[],
  log: NamedLog,
  notes: readonly string[],
) {
  const successor = successorFault(commitments, log);
  const faults = successor === null ? [] : [successor];
  return { claims: anchorClaims(commitments, log), notes, faults };
}

async function ownerOf({ chain, block }: Node): Promise<string | null> {
  const metagraph = await chain.metagraph(block);
  return metagraph.known ? metagraph.value.ownerHotkey : null;
}

async function readPeers(log: NamedLog, peers: readonly string[], io: Io) {
  if (peers.length === 0) return null;
  const claims: TreeClaim[] = [];
  const evidence: FoundEvidence[] = [];
  const notes: string[] = [];
  for (const peer of peers) {
    await using opened = await openLogSource(peer, io);
    const read = await readObservations(opened.source, log, { verify: verifySr25519 });
    claims.push(...read.claims);
    evidence.push(...read.evidence);
    if (read.claims.length === 0) notes.push(`${peer} says nothing of it`);
    if (read.unsigned > 0) notes.push(`${peer} holds ${read.unsigned} that are not signed`);
  }
  return { claims, notes, evidence };
}

async function readWitnesses(log: NamedLog, witnesses: readonly string[], io: Io): Promise<Side> {
  if (witnesses.length === 0) return null;
  const claims: TreeClaim[] = [];
  const notes: string[] = [];
  for (const witness of witnesses) {
    const note = await readWitness(log, witness, io);
    const about = { kind: 'witness', by: witness, verify: verifySr25519 } as const;
    const claim = note === null ? null : noteClaim(note, log, about);
    if (claim !== null) claims.push(claim);
    else
      notes.push(
        `${witness} ${note === null ? 'knows nothing of it' : 'holds no checkpoint that its hotkey signed'}`,
      );
  }
  return { claims, notes };
}

/** What a witness cosigned last of the log, by its URL or from a file; null where it knows nothing of it. */
async function readWitness(
  { origin }: NamedLog,
  witness: string,
  io: Io,
): Promise<Uint8Array | null> {
  if (!/^https?:\/\//.test(witness)) {
    return readFile(witness).catch((cause: unknown) => {
      throw new AppError('file.unreadable', { file: witness, expected: 'a checkpoint' }, { cause });
    });
  }
  const url = `${witness.replace(/\/+$/, '')}/witness/${sha256(origin)}/checkpoint`;
  const limits = { maxBytes: MAX_CHECKPOINT_BYTES, cache: 'no-cache' } as const;
  return fetchFile(url, limits, { pause: (ms) => wait(ms, io.signal) });
}
