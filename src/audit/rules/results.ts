import { MAX_REFUSALS, MAX_UNREACHABLE } from '../../evaluation/failure-limits.ts';
import type { AuditContext } from '../audit-context.ts';
import { type EvaluationRecord, type PairRecord, taskCounts } from '../evaluation-record.ts';
import { type Data, type Entry, pairPlace, type RunRecord } from '../run-record.ts';

/**
 * The result of a pair of a run that is measured here follows from the steps before it: a score is its verdict's, a
 * failure is the miner's own, and neither what has a verdict nor what the miner failed by itself is excused. Results of other runs are imported: where they come
 * from no event says.
 */
export function checkResult(
  { n, data }: Entry<'score.recorded.v1'>,
  run: RunRecord,
  { fault }: AuditContext,
): void {
  const { evaluation } = run;
  const place = pairPlace(run, data);
  if (evaluation === null || place === null) return;
  const { opened, open } = run.facts;
  const blockHash = open?.known === true ? open.snapshot.blockHash : null;
  if (taskCounts(data.task, evaluation, { tasks: opened?.tasks ?? [], blockHash }) !== true)
    fault('score-unfounded', n, `a task that counts in ${run.run}`, data.task);
  const pair = evaluation.pairs.get(place) ?? null;
  evaluation.pairs.delete(place);
  evaluation.excuses.delete(place);
  switch (data.status) {
    case 'scored':
      return checkScored(n, data, pair, fault);
    case 'failed':
      return checkFailed(n, data, { pair, evaluation }, fault);
    case 'excused':
      if (pair?.verdict) fault('score-unfounded', n, 'the score of a verdict', 'an excuse');
      if (failedByItself(pair)) fault('score-unfounded', n, "the miner's own failure", 'an excuse');
      return;
    default:
      return data.status satisfies never;
  }
}

function checkScored(
  n: number,
  { score, basis, evidence }: Data<'score.recorded.v1'>,
  pair: PairRecord | null,
  fault: AuditContext['fault'],
): void {
  if (pair?.verdict == null) {
    fault('score-unfounded', n, 'an invocation, its evidence and a verdict before a score', 'none');
    return;
  }
  const { composite, transcript } = pair.verdict;
  const expected = `${composite}, final, ${transcript}`;
  const found = `${score}, ${basis}, ${evidence}`;
  if (expected !== found) fault('composite-differs', n, expected, found);
}

/**
 * A miner fails by its answer, by one that keeps the judge from judging, by calls that it left under way when its run
 * was closed, by a service that does not answer again and again, or by a submission that does not run.
 */
function checkFailed(
  n: number,
  { miner }: Data<'score.recorded.v1'>,
  { pair, evaluation }: Readonly<{ pair: PairRecord | null; evaluation: EvaluationRecord }>,
  fault: AuditContext['fault'],
): void {
  const lostAt = evaluation.lost.get(miner);
  if (lostAt !== undefined && lostAt < n) return;
  const found = pair === null ? 'no invocation' : `attempt ${pair.attempt}: ${pair.outcome}`;
  if (!failedByItself(pair))
    fault('score-unfounded', n, "a failure of the miner's own before", found);
}

/** Whether the miner's last attempt is its failure, whatever else its submission did. */
function failedByItself(pair: PairRecord | null): boolean {
  if (pair === null) return false;
  const { outcome, unreachable, evidence, verdict, refusals } = pair;
  if (outcome === 'unreachable') return unreachable >= MAX_UNREACHABLE;
  if (outcome !== 'completed') return true;
  return evidence?.cost.state === 'left' || (verdict === null && refusals >= MAX_REFUSALS);
}
