import type { Chain } from '../chain/chain.ts';
import { detailOf } from '../events/scalars.ts';
import type { Attempt } from '../projectors/extrinsics.ts';
import type { Recorder } from './recorder.ts';

export type ProofRequest = Readonly<{
  family: string;
  run: string;
  self: string;
  /** The block that holds the commitment. */
  committedAt: number;
  /** The finalised block. */
  block: number;
}>;

/**
 * A node forgets the state of a block after 256 others. A connection is back long before that, and what a node refuses it
 * refuses for good.
 */
const PROOF_PATIENCE_BLOCKS = 20;

/**
 * Has the chain prove that it stored this validator's commitment, while a node still has the state of that block. Nothing
 * else waits for it: what no node gives within the patience is recorded as not given, with the reason. Gives why there is
 * no proof, or null.
 */
export async function proveCommitment(
  { family, run, self, committedAt, block }: ProofRequest,
  {
    commitmentProof,
    record,
  }: Readonly<{ commitmentProof: Chain['commitmentProof']; record: Recorder }>,
): Promise<string | null> {
  const read = await commitmentProof(self, committedAt);
  if (!read.known && block - committedAt < PROOF_PATIENCE_BLOCKS)
    return `${read.reason}: ${read.detail}`;
  const proof = read.known ? read.value : null;
  const detail = read.known ? '' : detailOf(`${read.reason}: ${read.detail}`);
  const data = { family, run, block: committedAt, proof, detail };
  await record([{ type: 'commitment-proof.read.v1', data }]);
  return read.known ? null : detail;
}

/** The block that holds a run's commitment; null where none succeeded. */
export function committedAt(attempts: readonly Attempt[]): number | null {
  return (
    attempts.findLast(({ settled }) => settled?.outcome === 'succeeded')?.settled?.block ?? null
  );
}
