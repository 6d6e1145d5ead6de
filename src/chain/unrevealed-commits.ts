import type { ApiPromise } from '@polkadot/api/cjs/index';
import { z } from 'zod';
import { Ss58 } from '../events/scalars.ts';
import type { Known } from './chain.ts';
import { parseAnswer } from './decode.ts';
import { known } from './known.ts';
import { type At, readStorage } from './reads.ts';
import { commitEpoch, type EpochSchedule } from './reveal-schedule.ts';

/**
 * How many timelocked commits of a hotkey wait for their reveal in the queue that a commit in the next block
 * would join; 0 where the subnet runs no epochs. Errors as of `readStorage`.
 */
export async function readUnrevealed(
  hotkey: string,
  schedule: EpochSchedule,
  at: At,
  { api }: { readonly api: ApiPromise },
): Promise<Known<number>> {
  const epoch = commitEpoch(schedule);
  if (epoch === null) return known(0);
  const stored = await readStorage(
    { queue: ['subtensorModule', 'timelockedWeightCommits', schedule.netuid, epoch] },
    at,
    { api },
  );
  if (!stored.known) return stored;
  const answer = parseAnswer(Answer, stored.value, 'timelocked commits');
  return answer.known
    ? known(answer.value.queue.filter(([account]) => account === hotkey).length)
    : answer;
}

/** Of each commit only the account matters here. */
const Answer = z.object({ queue: z.array(z.tuple([Ss58]).rest(z.unknown())) });
