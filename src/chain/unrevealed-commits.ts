import type { ApiPromise } from '@polkadot/api';
import { z } from 'zod';
import { Ss58 } from '../events/scalars.ts';
import type { Known } from './chain.ts';
import { known, parseAnswer } from './decode.ts';
import { type At, readStorage } from './reads.ts';
import type { SubmissionFacts } from './submission-facts.ts';

/**
 * How many timelocked commits of a hotkey wait for their reveal in the queue that a commit in the next block
 * would join. 0 where the subnet runs no epochs.
 */
export async function readUnrevealed(
  {
    netuid,
    hotkey,
    ...schedule
  }: Pick<SubmissionFacts, 'tempo' | 'epoch'> & Readonly<{ netuid: number; hotkey: string }>,
  at: At,
  { api }: { readonly api: ApiPromise },
): Promise<Known<number>> {
  if (schedule.tempo === 0) return known(0);
  const epoch = commitEpoch({ netuid, block: at.block + 1, ...schedule });
  const stored = await readStorage(
    { queue: ['subtensorModule', 'timelockedWeightCommits', netuid, epoch] },
    at,
    { api },
  );
  if (!stored.known) return stored;
  const answer = parseAnswer(Answer, stored.value, 'timelocked commits');
  return answer.known
    ? known(answer.value.queue.filter(([account]) => account === hotkey).length)
    : answer;
}

/** Pairs of an account and what it committed. */
const Answer = z.object({ queue: z.array(z.tuple([Ss58]).rest(z.unknown())) });

/**
 * The epoch whose queue a commit in this block joins; the block that runs an epoch belongs to the next one.
 * Where the chain stores no schedule an epoch runs in blocks with
 * (block + netuid + 1) mod (tempo + 1) = tempo.
 */
function commitEpoch({
  netuid,
  block,
  tempo,
  epoch,
}: Pick<SubmissionFacts, 'tempo' | 'epoch'> & Readonly<{ netuid: number; block: number }>): number {
  if (epoch === null) return Math.floor((block + netuid + 2) / (tempo + 1));
  const { index, lastBlock, pendingAt, blocksSinceLastStep } = epoch;
  const runs =
    (pendingAt > 0 && block >= pendingAt) ||
    blocksSinceLastStep > MAX_TEMPO ||
    block - lastBlock >= tempo;
  return index + (runs ? 1 : 0);
}

/** Blocks: the runtime's own bound on the time between two epochs. */
const MAX_TEMPO = 50_400;
