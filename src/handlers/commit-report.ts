import type { Chain, ChainError } from '../chain/chain.ts';
import { commitmentPayload, scoreDigest } from '../consensus/commitment.ts';
import { commitmentsIn, mergeCommitments } from '../consensus/commitment-facts.ts';
import { sha256 } from '../events/hash.ts';
import type { Phases } from '../events/run.ts';
import type { CommitmentRead } from '../projectors/reports.ts';
import { chainTexts, readThrough } from './read-commitments.ts';
import type { Recorder } from './recorder.ts';
import { type AttemptRequest, refuse, settled, signExtrinsic } from './sign-extrinsic.ts';
import { describeConflict, type SigningHistory } from './signing-history.ts';

export type CommitRequest = Readonly<{
  family: string;
  run: string;
  phases: Phases;
  self: string;
  /** The exact text of the signed report. */
  body: string;
  /** What the log holds of the voters' commitments, our own among them. */
  reads: readonly CommitmentRead[];
  attempt: number;
  retry: AttemptRequest['retry'];
}>;

type CommitDeps = Readonly<{
  commitments: Chain['commitments'];
  sign: Chain['sign'];
  history: SigningHistory;
  record: Recorder;
}>;

/**
 * Signs the commitment to this validator's report. The chain is asked first: a log that was restored from
 * an older copy may not know that it committed before. The same digest is a success without another
 * extrinsic; beside another digest a second one would be evidence against us, so none is ever signed. What
 * the chain does not show yet the signing history knows: the text is in it before the call is signed.
 */
export async function commitReport(
  request: CommitRequest,
  deps: CommitDeps,
): Promise<string | null> {
  const { family, run, self, body, attempt, retry } = request;
  const carries = scoreDigest(body);
  const attempted = { family, run, purpose: 'commitment', attempt, carries, retry } as const;
  const known = await ownCommitment(request, deps);
  if (!known.known) return `${known.reason}: ${known.detail}`;
  if (known.value === null) {
    const text = commitmentPayload(run, body);
    const slot = { kind: 'commitment', family, run } as const;
    const reserved = await deps.history.reserve(slot, sha256(text));
    if (reserved.kind === 'conflict') {
      const detail = describeConflict(slot, sha256(text), reserved);
      return refuse(attempted, { ...ALREADY_SIGNED, detail, retryAt: null }, deps);
    }
    const call = { kind: 'commitment', fields: [text] } as const;
    return signExtrinsic(attempted, call, deps);
  }
  const { block, digest } = known.value;
  if (digest !== carries) {
    const detail = `${self} committed to ${digest} in block ${block}`;
    const error: ChainError = { ...ALREADY, detail, retryAt: null };
    return refuse(attempted, error, deps);
  }
  const detail = 'the chain holds this commitment already';
  const end = { hash: null, block, blockHash: null, error: null, detail } as const;
  await deps.record([settled(attempted, { outcome: 'succeeded', ...end })]);
  return null;
}

const ALREADY = { name: 'AlreadyCommitted', class: 'operator' } as const;
const ALREADY_SIGNED = { name: 'AlreadySigned', class: 'operator' } as const;

/** This validator's first commitment to the run: from the log's reads, and from the chain for the blocks since. */
async function ownCommitment(
  { run, phases, self, reads, retry }: CommitRequest,
  { commitments }: Pick<CommitDeps, 'commitments'>,
) {
  const after = readThrough(reads) ?? phases.snapshot;
  const read =
    retry.block > after
      ? await commitments([self], { after, upTo: retry.block })
      : { known: true as const, value: [] };
  if (!read.known) return read;
  const since = { found: commitmentsIn(chainTexts(read.value), run) };
  const own = mergeCommitments([...reads, since]).find(({ hotkey }) => hotkey === self);
  return { known: true as const, value: own?.first ?? null };
}
