import type { Chain, ChainCommitment, Known } from '../chain/chain.ts';
import {
  anchorPayload,
  commitmentPayload,
  commitmentV2,
  scoreDigest,
} from '../consensus/commitment.ts';
import { commitmentsIn, mergeCommitments } from '../consensus/commitment-facts.ts';
import { chainTexts } from '../consensus/commitment-reads.ts';
import type { CommitmentFound } from '../events/commitment.ts';
import { sha256 } from '../events/hash.ts';
import type { Phases } from '../events/run.ts';
import type { RunKeys } from '../events/run-key.ts';
import type { CommitmentRead } from '../projectors/reports.ts';
import { aheadOf } from './anchor-log.ts';
import type { Checkpoints, PublishedCheckpoint } from './checkpoints.ts';
import { readThrough } from './read-commitments.ts';
import type { Recorder } from './recorder.ts';
import { type AttemptRequest, refuse, settled, signExtrinsic } from './sign-extrinsic.ts';
import { describeConflict, type SigningHistory } from './signing-history.ts';

export type CommitRequest = Readonly<{
  family: string;
  run: string;
  phases: Phases;
  self: string;
  /** Of this validator's log. */
  generation: number;
  /** The exact text of the signed report, and its index in the log. */
  body: string;
  reportIndex: number;
  /** What the log holds of the voters' commitments, our own among them. */
  reads: readonly CommitmentRead[];
  attempt: number;
  retry: AttemptRequest['retry'];
}>;

type CommitDeps = Readonly<{
  commitments: Chain['commitments'];
  sign: Chain['sign'];
  checkpoints: Pick<Checkpoints, 'published'>;
  keys: RunKeys;
  history: SigningHistory;
  record: Recorder;
}>;

/**
 * Signs the commitment to this validator's report. The chain is asked first: a log that was restored from
 * an older copy may not know that it committed before. The same digest is a success without another
 * extrinsic; beside another digest a second one would be evidence against us, so none is ever signed. What
 * the chain does not show yet the signing history knows: the text is in it before the call is signed.
 *
 * The second field anchors the newest published checkpoint, which has to cover the report: the step waits for
 * one. A sequencer that stands still must not cost the run its commitment, so near the deadline it is made
 * without that field. Gives why nothing was signed, or null.
 */
export async function commitReport(
  request: CommitRequest,
  deps: CommitDeps,
): Promise<string | null> {
  const published = deps.checkpoints.published();
  const covering = published !== null && published.size > request.reportIndex ? published : null;
  if (covering === null && request.retry.block < lastAnchoredBlock(request.phases))
    return 'waits for a checkpoint that covers the report';
  const read = await commitmentsSince(request, deps);
  if (!read.known) return `${read.reason}: ${read.detail}`;
  const first = firstCommitment(request, read.value);
  if (first !== null) return settleFound(first, request, deps);
  const ahead = aheadOf(read.value, { ...request, published });
  if (ahead !== null) return ahead;
  const { family, run, body } = request;
  const text = commitmentPayload(run, body);
  const slot = { kind: 'commitment', family, run } as const;
  const reserved = await deps.history.reserve(slot, sha256(text));
  if (reserved.kind === 'conflict') {
    const detail = describeConflict(slot, sha256(text), reserved);
    return refuse(attemptOf(request), { ...ALREADY_SIGNED, detail, retryAt: null }, deps);
  }
  const fields = [text, ...anchorOf(request, covering, deps)];
  return signExtrinsic(attemptOf(request), { kind: 'commitment', fields }, deps);
}

/** Records what a commitment that is on chain already comes to: this report's is a success. */
async function settleFound(
  { block, digest }: CommitmentFound['first'],
  request: CommitRequest,
  deps: Pick<CommitDeps, 'record'>,
): Promise<string | null> {
  const attempted = attemptOf(request);
  if (digest !== attempted.carries) {
    const detail = `${request.self} committed to ${digest} in block ${block}`;
    return refuse(attempted, { ...ALREADY, detail, retryAt: null }, deps);
  }
  const detail = 'the chain holds this commitment already';
  const end = { hash: null, block, blockHash: null, error: null, detail } as const;
  await deps.record([settled(attempted, { outcome: 'succeeded', ...end })]);
  return null;
}

function attemptOf({ family, run, body, attempt, retry }: CommitRequest): AttemptRequest {
  return { family, run, purpose: 'commitment', attempt, carries: scoreDigest(body), retry };
}

const ALREADY = { name: 'AlreadyCommitted', class: 'operator' } as const;
const ALREADY_SIGNED = { name: 'AlreadySigned', class: 'operator' } as const;

/** The block at which a commitment waits for a checkpoint no longer: half of the time for it is left. */
function lastAnchoredBlock({ snapshot, commit }: Phases): number {
  return commit - Math.min(CHECKPOINT_PATIENCE_BLOCKS, Math.floor((commit - snapshot) / 2));
}

/** An extrinsic is in a block within four or five; the rest is for one that has to be signed again. */
const CHECKPOINT_PATIENCE_BLOCKS = 10;

function anchorOf(
  { family, run, generation, body }: CommitRequest,
  covering: PublishedCheckpoint | null,
  { keys }: Pick<CommitDeps, 'keys'>,
): readonly string[] {
  if (covering === null) return [];
  const { size, root } = covering;
  const commit = commitmentV2(keys({ family, run }), body);
  return [anchorPayload({ generation, size, root, commit })];
}

/** What this validator committed to since the log's last read of the run. */
async function commitmentsSince(
  { phases, self, reads, retry }: CommitRequest,
  { commitments }: Pick<CommitDeps, 'commitments'>,
): Promise<Known<readonly ChainCommitment[]>> {
  const after = readThrough(reads) ?? phases.snapshot;
  return retry.block > after
    ? commitments([self], { after, upTo: retry.block })
    : { known: true, value: [] };
}

/** This validator's first commitment to the run: from the log's reads, and from the chain for the blocks since. */
function firstCommitment(
  { run, self, reads }: CommitRequest,
  since: readonly ChainCommitment[],
): CommitmentFound['first'] | null {
  const found = mergeCommitments([...reads, { found: commitmentsIn(chainTexts(since), run) }]);
  return found.find(({ hotkey }) => hotkey === self)?.first ?? null;
}
