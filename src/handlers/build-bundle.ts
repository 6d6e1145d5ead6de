import { type Bundle, formatBundle } from '../audit/bundle.ts';
import type { Chain } from '../chain/chain.ts';
import { parseAnchor } from '../consensus/commitment.ts';
import { commitmentKey, type Slot } from '../consensus/commitment-proof.ts';
import type { InRun } from '../events/define-event.ts';
import { REPORT_TYPE } from '../events/report.ts';
import type { RunKeys } from '../events/run-key.ts';
import { consistencyProof, inclusionProof, type ReadTile } from '../merkle/tile-proof.ts';
import { formatTlogProof } from '../merkle/tlog-proof.ts';
import { attemptsOf, commitmentProofOf } from '../projectors/extrinsics.ts';
import { ownReport, ownReportIndex } from '../projectors/reports.ts';
import { findRun } from '../projectors/run-state.ts';
import type { Checkpoints, PublishedCheckpoint } from './checkpoints.ts';
import type { Projections } from './run-view.ts';

export type BundleDeps = Readonly<{
  projections: Pick<Projections, 'runState' | 'reports' | 'extrinsics'>;
  /** The newest finalised block; null while the chain has not answered. */
  finalizedBlock: () => number | null;
  checkpoints: Pick<Checkpoints, 'published'>;
  /** The published hash tiles, as wide as the newest checkpoint has them. */
  readTile: ReadTile;
  /** Stored payloads from an index. */
  payloads: (from: number, limit: number) => Promise<readonly Uint8Array[]>;
  keys: RunKeys;
  netuid: number;
  commitmentExtrinsics: Chain['commitmentExtrinsics'];
  /** Whom this validator asks to witness its log, as a C2SP policy; null where that is not known. */
  policy: () => string | null;
}>;

/** A bundle, or why there is none. */
export type BuiltBundle =
  | Readonly<{ kind: 'ready'; bytes: Uint8Array }>
  | Readonly<{ kind: 'pending'; detail: string }>
  | Readonly<{ kind: 'sealed'; untilBlock: number }>
  | Readonly<{ kind: 'unknown' }>;

/**
 * Everything that shows this validator's report of a run to be genuine, in one file: the report, the event that
 * holds it with its place in the newest checkpoint's tree, the start of the log, and the commitment as it stands in
 * its block. Sealed until a block after the commit block is final.
 */
export async function buildBundle(
  { family, run }: Readonly<{ family: string; run: string }>,
  deps: BundleDeps,
): Promise<BuiltBundle> {
  const { projections, finalizedBlock, checkpoints, payloads, keys, netuid } = deps;
  const found = await findRun(projections.runState, family, run);
  if (found === null) return { kind: 'unknown' };
  const block = finalizedBlock();
  const { commit } = found.phases;
  if (block === null || block <= commit) return { kind: 'sealed', untilBlock: commit + 1 };
  const report = await ownReport(projections.reports, family, run);
  const index = await ownReportIndex(projections.reports, family, run);
  if (report === null || index === null) return pending('the run has no report of this validator');
  const published = checkpoints.published();
  if (published === null || published.size <= index)
    return pending('no checkpoint covers the report yet');
  const { body, hotkey, signature } = report;
  const bytes = formatBundle({
    report: { alg: 'sr25519', body, hotkey, signature, type: REPORT_TYPE },
    opening: { key: keys({ family, run }) },
    event: await placed(index, published, { payloads, readTile: deps.readTile }),
    start: await placed(0, published, { payloads, readTile: deps.readTile }),
    commitment: await committed({ family, run, hotkey, netuid }, published, deps),
    policy: deps.policy(),
  });
  return { kind: 'ready', bytes };
}

function pending(detail: string): BuiltBundle {
  return { kind: 'pending', detail };
}

/** A stored event, and the proof of its place in the published tree. */
async function placed(
  index: number,
  { size, note }: PublishedCheckpoint,
  { payloads, readTile }: Pick<BundleDeps, 'payloads' | 'readTile'>,
) {
  const [payload = new Uint8Array(0)] = await payloads(index, 1);
  const proof = await inclusionProof({ index, size }, readTile);
  const text = formatTlogProof({ extra: null, index, proof, checkpoint: note });
  return { payload: base64(payload), proof: Buffer.from(text).toString('utf8') };
}

/** The commitment that succeeded, as its block holds it; null where there is none that proves itself. */
async function committed(
  { family, run, hotkey, netuid }: InRun & Slot,
  { size }: PublishedCheckpoint,
  { projections, commitmentExtrinsics, readTile }: BundleDeps,
) {
  const attempts = await attemptsOf(projections.extrinsics, family, run, 'commitment');
  const settled = attempts.findLast(({ settled }) => settled?.outcome === 'succeeded')?.settled;
  if (settled === undefined || settled === null) return null;
  const { block } = settled;
  const read = await commitmentExtrinsics(hotkey, [block]);
  // Without the chain's answer the bundle holds less, and says so.
  if (!read.known) return null;
  for (const each of read.value) {
    if (each.kind !== 'signed') continue;
    const anchor = each.fields[1] == null ? null : parseAnchor(each.fields[1]);
    const from = anchor === null || anchor.size > size ? null : anchor.size;
    const consistency =
      from === null || from === 0 ? null : await consistencyProof({ from, to: size }, readTile);
    const { statement } = each;
    const readProof = await proved({ family, run, hotkey, netuid }, projections);
    return { block, statement, consistency: consistency?.map(base64) ?? null, readProof };
  }
  return null;
}

/** What the chain proved of the commitment when it was asked to, or why it did not. */
async function proved(
  { family, run, hotkey, netuid }: InRun & Slot,
  { extrinsics }: Pick<Projections, 'extrinsics'>,
): Promise<ReadProof> {
  const read = await commitmentProofOf(extrinsics, family, run);
  if (read === null) return { kind: 'missing', detail: 'the chain was not asked yet to prove it' };
  const { proof, detail } = read;
  if (proof === null) return { kind: 'missing', detail };
  return { kind: 'taken', key: commitmentKey({ netuid, hotkey }) ?? '', ...proof };
}

type ReadProof = NonNullable<Bundle['commitment']>['readProof'];

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
