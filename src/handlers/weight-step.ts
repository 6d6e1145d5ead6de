import type { RunProgress, Step } from './run-progress.ts';
import { observableAt, type WeightProgress } from './weight-progress.ts';

/** What is signed now is in a block within four or five, and the rate limit counts from there. */
const INCLUSION_BLOCKS = 5;

/**
 * From an intent to weights that stand on the chain, and again in each period until a later run's stand there:
 * what is wanted at a block, the first thing first. What the chain holds may stay unknown, and is
 * asked last: the weights are set again all the same when their period is over.
 */
export function weightSteps(
  { weights, commitment, lane }: Pick<RunProgress, 'weights' | 'commitment' | 'lane'>,
  block: number,
): readonly Step[] {
  const { intended, last, superseded } = weights;
  if (intended === null) return [];
  if (intended.carries === null) return ['done'];
  // What is signed runs to its end first: a run that is over has nothing left to follow.
  if (last?.living === true || commitment?.living === true) return [];
  if (superseded) return ['supersede-weights'];
  if (block < intended.targetBlock) return [];
  const free = !lane.busy && !lane.commitmentDue;
  const due = free && isDue(weights, block) && !disturbs(weights, lane.nextTarget, block);
  return [
    ...(due ? (['sign-weights'] as const) : []),
    ...(observableAt(weights, block) === null ? [] : (['observe-weights'] as const)),
  ];
}

/** Whether the intent has to be signed: for the first time, after a failure or a mismatch, or because its period is over. */
function isDue({ intended, last, mismatched, dueAt }: WeightProgress, block: number): boolean {
  if (last === null || last.carries !== intended?.carries) return true;
  if (!last.succeeded) return last.retryAt !== null && last.retryAt <= block;
  return mismatched || (dueAt !== null && dueAt <= block);
}

/**
 * Weights that are set again within the rate limit before the next run's are due would make those late, and
 * whoever switches later than the others loses by it. A vector that was never set is not held back.
 */
function disturbs(
  { repeats, rateLimit }: WeightProgress,
  nextTarget: number | null,
  block: number,
): boolean {
  return repeats && nextTarget !== null && nextTarget - block <= rateLimit + INCLUSION_BLOCKS;
}
