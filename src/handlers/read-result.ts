import { z } from 'zod';
import { nanoFromDouble } from '../consensus/nano.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import { sha256 } from '../events/hash.ts';
import { MAX_MINERS } from '../events/run.ts';
import { Family, RunId, Ss58, TaskId } from '../events/scalars.ts';
import { Figure } from './figure.ts';

/** A judged task of 256 miners with its texts fits; an import request is one NATS message of at most 1 MiB. */
export const MAX_RESULT_BYTES = 786_432;

/** The fields of one `miner_results` row that decide its score; the existing services add many more. */
export const MinerResult = z.looseObject({
  miner_hotkey: Ss58,
  verdict: z.enum([
    'matches',
    'partially_matches',
    'contradicts',
    'not_applicable',
    'error',
    'latency_violation',
  ]),
  final_task_score: Figure.nullish(),
  agreement_score: Figure.nullish(),
  judge_output: z.looseObject({}).nullish(),
  miner_response: z.looseObject({ status: z.string().max(64).optional() }).nullish(),
});
export type MinerResult = z.infer<typeof MinerResult>;

/** One line of an import: the task's identity, and the submission body that the owner's API takes. */
const TaskResult = z.looseObject({
  run_id: RunId,
  family_id: Family,
  task_id: TaskId,
  miner_results: z.array(MinerResult).min(1).max(MAX_MINERS),
});

export type ScoreEvent = Extract<DomainEvent, { type: 'score.recorded.v1' }>;
export type ReadResult =
  | { readonly kind: 'ok'; readonly events: readonly ScoreEvent[] }
  | { readonly kind: 'refused'; readonly reason: string };

/** Reads one line of task results in the submission format of the existing services. Never throws on its content. */
export function readResult(line: string): ReadResult {
  if (Buffer.byteLength(line) > MAX_RESULT_BYTES)
    return refused(`longer than ${MAX_RESULT_BYTES} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (error) {
    return refused(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = TaskResult.safeParse(json);
  if (!parsed.success) return refused(describe(parsed.error, json));
  const { run_id: run, family_id: family, task_id: task, miner_results: results } = parsed.data;
  const repeated = results.find(
    (result, index) =>
      results.findIndex(({ miner_hotkey }) => miner_hotkey === result.miner_hotkey) < index,
  );
  if (repeated !== undefined) return refused(`miner_results names ${repeated.miner_hotkey} twice`);
  const evidence = sha256(line);
  return {
    kind: 'ok',
    events: results.map((result) => ({
      type: 'score.recorded.v1',
      data: { family, run, task, miner: result.miner_hotkey, ...judge(result), evidence },
    })),
  };
}

type Judged = Pick<ScoreEvent['data'], 'status' | 'score' | 'basis'>;

/**
 * coalesce(final_task_score, agreement_score), with the faults kept apart that the submission format
 * mixes: a run that the miner did not complete and a broken time limit are the miner's failure, worth
 * 0; an error of the judge on a completed run is ours, and excused.
 */
export function judge({
  verdict,
  final_task_score,
  agreement_score,
  judge_output,
  miner_response,
}: MinerResult): Judged {
  if (verdict === 'latency_violation') return { status: 'failed', score: 0, basis: 'none' };
  if (verdict === 'error') {
    const completed =
      miner_response?.status === 'completed' ||
      (judge_output !== null && judge_output !== undefined);
    return completed
      ? { status: 'excused', score: null, basis: 'none' }
      : { status: 'failed', score: 0, basis: 'none' };
  }
  if (typeof final_task_score === 'number')
    return { status: 'scored', score: nanoFromDouble(final_task_score), basis: 'final' };
  if (typeof agreement_score === 'number')
    return { status: 'scored', score: nanoFromDouble(agreement_score), basis: 'agreement' };
  return { status: 'excused', score: null, basis: 'none' };
}

function refused(reason: string): ReadResult {
  return { kind: 'refused', reason: reason.slice(0, 400) };
}

/** Names the first faulty field, its value, and what was expected. */
function describe(error: z.ZodError, json: unknown): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'not a task result';
  const value = issue.path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    json,
  ); // safe: only read, and undefined stops it
  return `${issue.path.join('.') || 'line'}: ${issue.message}, got ${JSON.stringify(value)?.slice(0, 100) ?? 'nothing'}`;
}
