import type { Chain, ChainCommitment } from '../chain/chain.ts';
import {
  type AnchorText,
  anchorPayload,
  commitmentPayload,
  commitmentV2,
  parseAnchor,
} from '../consensus/commitment.ts';
import { sha256 } from '../events/hash.ts';
import type { RunKeys } from '../events/run-key.ts';
import type { Checkpoints, PublishedCheckpoint } from './checkpoints.ts';
import type { Recorder } from './recorder.ts';
import { type AttemptRequest, signExtrinsic } from './sign-extrinsic.ts';
import { describeConflict, type SigningHistory } from './signing-history.ts';

export type AnchorRequest = Readonly<{
  family: string;
  run: string;
  self: string;
  /** Of this validator's log. */
  generation: number;
  /** The exact text of the report that the run's commitment is to. */
  body: string;
  attempt: number;
  retry: AttemptRequest['retry'];
}>;

type AnchorDeps = Readonly<{
  latestCommitments: Chain['latestCommitments'];
  sign: Chain['sign'];
  checkpoints: Pick<Checkpoints, 'published'>;
  keys: RunKeys;
  history: SigningHistory;
  record: Recorder;
}>;

/**
 * A commitment to scores with its anchor takes 212 bytes of the 3,100 that the chain gives a hotkey in an epoch.
 * An anchor leaves room for two of them: for the next run's, and for a second attempt.
 */
const SPARE_BYTES = 424;

/**
 * Signs an anchor: the commitment that stands on chain, repeated byte for byte, beside the newest published
 * checkpoint, so that whoever reads only the latest commitment finds the run's scores in it. What stands there has
 * to be this log's own: beside a commitment that it does not know nothing is signed, because another process
 * commits under this hotkey, or this log is an old copy. Gives why nothing was signed, or null.
 */
export async function anchorLog(request: AnchorRequest, deps: AnchorDeps): Promise<string | null> {
  const { family, run, self, generation, body, attempt, retry } = request;
  const published = deps.checkpoints.published();
  if (published === null) return 'no checkpoint is published yet';
  const read = await deps.latestCommitments([self]);
  if (!read.known) return `${read.reason}: ${read.detail}`;
  const standing = read.value.find(({ hotkey }) => hotkey === self);
  const text = commitmentPayload(run, body);
  const unknown = unknownTo(
    { text, commit: commitmentV2(deps.keys({ family, run }), body) },
    standing,
  );
  if (unknown !== null) return unknown;
  const ahead = aheadOf(standing === undefined ? [] : [standing], { generation, published });
  if (ahead !== null) return ahead;
  const before = anchorIn(standing);
  if (before?.generation === generation && before.size === published.size) return null;
  const slot = { kind: 'commitment', family, run } as const;
  const reserved = await deps.history.reserve(slot, sha256(text));
  if (reserved.kind === 'conflict') return describeConflict(slot, sha256(text), reserved);
  const { size, root } = published;
  const anchor = anchorPayload({ generation, size, root, commit: before?.commit ?? null });
  const attempted = {
    family,
    run,
    purpose: 'anchor',
    attempt,
    carries: sha256(anchor),
    retry,
  } as const;
  const call = { kind: 'commitment', fields: [text, anchor], spareBytes: SPARE_BYTES } as const;
  return signExtrinsic(attempted, call, deps);
}

/**
 * An anchor of this validator's that its log knows nothing of: of a later generation, of more events, or of
 * another tree of the same size. Gives what to say of the first, or null. It means that another process writes
 * this log, or that this one is an old copy; nothing more may be signed by it.
 */
export function aheadOf(
  commitments: readonly ChainCommitment[],
  {
    generation,
    published,
  }: Readonly<{ generation: number; published: PublishedCheckpoint | null }>,
): string | null {
  for (const commitment of commitments) {
    const anchor = anchorIn(commitment);
    if (anchor === null || anchor.generation < generation) continue;
    const size = published?.size ?? 0;
    const isOurs =
      anchor.generation === generation &&
      (anchor.size < size || (anchor.size === size && anchor.root === published?.root));
    if (isOurs) continue;
    const told = `${anchor.size} events with root ${anchor.root} in generation ${anchor.generation}`;
    return `log.forked: block ${commitment.block} anchors ${told}, and this log has published ${size}: another process runs with this hotkey, or this log is an old copy`;
  }
  return null;
}

/** Why what stands on chain is not the run's commitment; null where it is. */
function unknownTo(
  own: Readonly<{ text: string; commit: string }>,
  standing: ChainCommitment | undefined,
): string | null {
  if (standing === undefined) return 'the chain holds no commitment of this hotkey any more';
  const { block, fields } = standing;
  const commit = anchorIn(standing)?.commit ?? null;
  if (fields[0] === own.text && (commit === null || commit === own.commit)) return null;
  return `block ${block} holds a commitment that this log does not know: ${JSON.stringify(fields)}; another process commits with this hotkey`;
}

function anchorIn(commitment: ChainCommitment | undefined): AnchorText | null {
  const text = commitment?.fields[1] ?? null;
  return text === null ? null : parseAnchor(text);
}
