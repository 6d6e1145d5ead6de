import {
  evidenceOfCheckpointAndAnchor,
  evidenceOfCheckpoints,
} from '#src/audit/evidence-checkpoints.ts';
import {
  evidenceOfCommitments,
  evidenceOfReportAndCommitment,
} from '#src/audit/evidence-commitments.ts';
import { evidenceOfReports, evidenceOfRosters } from '#src/audit/evidence-documents.ts';
import type { EvidenceContext } from '#src/audit/evidence-form.ts';
import { forkProof, type Prefix, type SizedTree } from '#src/audit/fork-proof.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { anchorPayload, commitmentPayload } from '#src/consensus/commitment.ts';
import { buildReport } from '#src/consensus/report.ts';
import { type SignedDocument, signDocument } from '#src/consensus/signed.ts';
import { ROSTER_TYPE } from '#src/evaluation/roster.ts';
import { encode, type Json } from '#src/events/ej1.ts';
import type { EvidenceKind } from '#src/events/evidence.ts';
import { sha256 } from '#src/events/hash.ts';
import { REPORT_TYPE, type ReportBody } from '#src/events/report.ts';
import { logSource } from '#src/events/source.ts';
import { signCheckpoint } from '#src/merkle/checkpoint.ts';
import { type Note, parseNote } from '#src/merkle/signed-note.ts';
import type { ReadTile } from '#src/merkle/tile-proof.ts';
import { leafOf } from '#src/merkle/tree.ts';
import { devSigner } from './dev-keys.ts';
import { naiveTree } from './naive-tree.ts';
import { signedCommitment } from './signed-commitment.ts';

export const GENESIS = sha256('a network of evidence');
export const NETUID = 36;
export const RUN = 'run-7';
const FAMILY = 'general_chat';

const accused = devSigner('accused');
const owner = devSigner('owner');
export const ACCUSED = accused.hotkey;
export const OWNER = owner.hotkey;

/** What the verifier knows. */
export const CONTEXT: EvidenceContext = {
  verify: verifySr25519,
  blake2b256,
  genesis: GENESIS,
  netuid: NETUID,
  ownerHotkey: OWNER,
};

/** A report of the accused with this score for its one miner. */
export function report(score: number, changes: Partial<ReportBody> = {}, signer = accused) {
  const body = buildReport({
    genesis: GENESIS,
    netuid: NETUID,
    family: FAMILY,
    run: RUN,
    roster: sha256('roster'),
    snapshotBlock: 100,
    hotkey: signer.hotkey,
    scores: { [devSigner('miner').hotkey]: score },
    ...changes,
  });
  return signDocument(REPORT_TYPE, body, signer);
}

/** A roster of the owner. */
export function roster(
  miner: string,
  changes: Readonly<Record<string, Json>> = {},
  signer = owner,
) {
  const body = {
    genesis: GENESIS,
    netuid: NETUID,
    family: FAMILY,
    run: RUN,
    miners: [devSigner(miner).hotkey],
    ...changes,
  };
  return signDocument(ROSTER_TYPE, encode(body), signer);
}

type Tree = Readonly<{ generation?: number; size: number; root: Uint8Array }>;
type Committed = Readonly<{
  run?: string;
  netuid?: number;
  genesis?: string;
  commit?: string | null;
  tree?: Tree | null;
  fields?: readonly string[];
}>;

/** A commitment of the accused to a report's body, and to a tree of its log. */
export function commitment(
  { body }: SignedDocument,
  {
    run = RUN,
    netuid = NETUID,
    genesis = GENESIS,
    commit = null,
    tree = null,
    fields,
  }: Committed = {},
  signer = accused,
) {
  const { generation = 0, size, root } = tree ?? { size: 12, root: Buffer.alloc(32, 7) };
  const anchor = { generation, size, root: Buffer.from(root).toString('hex'), commit };
  return signedCommitment(signer, {
    genesis,
    netuid,
    fields: fields ?? [commitmentPayload(run, body), anchorPayload(anchor)],
  });
}

type Log = Readonly<{ genesis?: string; netuid?: number; generation?: number }>;

/** A checkpoint that the accused published of its log, with both lines. */
export function checkpoint(
  { size, root }: Tree,
  { genesis = GENESIS, netuid = NETUID, generation = 0 }: Log = {},
  signer = accused,
): Note {
  const origin = logSource({ genesis, netuid, hotkey: signer.hotkey, generation });
  const logSeed = Buffer.alloc(32, 1);
  return parseNote(signCheckpoint({ origin, size, root }, { logSeed, signer }));
}

/** A log's history of so many leaves, which from a leaf on are others than those of every other history. */
export function history(leaves: number, from = leaves, name = 'forked') {
  const tree = naiveTree(
    Array.from({ length: leaves }, (_, at) =>
      leafOf(Buffer.from(at < from ? `leaf ${at}` : `${name} ${at}`)),
    ),
  );
  return (size: number): Face => ({ size, root: tree.root(size), read: tree.tiles(size) });
}

type Face = SizedTree & Readonly<{ read: ReadTile }>;

/** That the larger face never was the smaller one; the test needs it to be so. */
export async function prefixOf(smaller: Face, larger: Face): Promise<Prefix> {
  const prefix = await forkProof(smaller, larger);
  if (prefix === null) throw new Error('they do not part');
  return prefix;
}

/** A checkpoint or a commitment beside nothing of a larger tree. */
export function alone<Statement>(statement: Statement): Statement & { prefix: null } {
  return { ...statement, prefix: null };
}

const honest = history(300);
const forked = history(300, 5);
const prefix = await prefixOf(honest(10), forked(300));

/** One file of each kind, and of each form of it, as the product makes them. */
export const FILES: readonly Readonly<{ name: string; kind: EvidenceKind; text: string }>[] = [
  {
    name: 'two reports',
    kind: 'report',
    text: evidenceOfReports(report(1), report(2)),
  },
  {
    name: 'two commitments',
    kind: 'commitment',
    text: evidenceOfCommitments(commitment(report(1)), commitment(report(2))),
  },
  {
    name: 'two salted commitments',
    kind: 'commitment',
    text: evidenceOfCommitments(
      commitment(report(1), { commit: sha256('one') }),
      commitment(report(1), { commit: sha256('two') }),
    ),
  },
  {
    name: 'a report beside a commitment to another',
    kind: 'report-vs-chain',
    text: evidenceOfReportAndCommitment(report(1), commitment(report(2))),
  },
  {
    name: 'two checkpoints of one size',
    kind: 'checkpoint',
    text: evidenceOfCheckpoints(
      alone({ note: checkpoint(honest(10)) }),
      alone({ note: checkpoint(forked(10)) }),
    ),
  },
  {
    name: 'two checkpoints of different sizes',
    kind: 'checkpoint',
    text: evidenceOfCheckpoints(alone({ note: checkpoint(honest(10)) }), {
      note: checkpoint(forked(300)),
      prefix,
    }),
  },
  {
    name: 'a checkpoint and an anchor of its size',
    kind: 'checkpoint-vs-anchor',
    text: evidenceOfCheckpointAndAnchor(
      alone({ note: checkpoint(honest(10)) }),
      alone({ commitment: commitment(report(1), { tree: forked(10) }) }),
    ),
  },
  {
    name: 'a checkpoint and an anchor of a larger size',
    kind: 'checkpoint-vs-anchor',
    text: evidenceOfCheckpointAndAnchor(alone({ note: checkpoint(honest(10)) }), {
      commitment: commitment(report(1), { tree: forked(300) }),
      prefix,
    }),
  },
  {
    name: 'a checkpoint and an anchor of a smaller size',
    kind: 'checkpoint-vs-anchor',
    text: evidenceOfCheckpointAndAnchor(
      { note: checkpoint(forked(300)), prefix },
      alone({ commitment: commitment(report(1), { tree: honest(10) }) }),
    ),
  },
  {
    name: 'two rosters',
    kind: 'roster',
    text: evidenceOfRosters(roster('x'), roster('y')),
  },
];
