import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { nanoUsdOf } from '../../evaluation/usd.ts';
import { MAX_MINERS } from '../../events/run.ts';
import { detailOf } from '../../events/scalars.ts';
import { type Lease, leaseOf } from '../../projectors/owner-evaluations.ts';
import { findOwnerRun, submissionsNamed } from '../../projectors/owner-registry.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { BlobStore } from '../blobs.ts';
import { judge, MinerResult } from '../read-result.ts';
import type { Recorder } from '../recorder.ts';

/** Nine million dollars fit; a task costs cents. */
const MAX_ORACLE_COST_USD = 1_000_000;

/** A validator's result of a task in the form of the existing services; fields that nobody here reads are kept as they came. */
const Result = z.looseObject({
  baseline_response: z.looseObject({}).nullish(),
  miner_results: z.array(MinerResult).max(MAX_MINERS),
  oracle_cost_usd: z.number().min(0).max(MAX_ORACLE_COST_USD).default(0),
});

type Scores = readonly Readonly<{ miner: string; score: number | null }>[];

/**
 * The scores in a result's body: each from 0 to 1, each of a member of the run, each member once; null where the
 * validator itself failed. Throws `request.invalid` that names the field for anything else.
 */
export function readScores(
  body: Uint8Array,
  members: ReadonlySet<string>,
): Readonly<{ scores: Scores; oracleCost: number }> {
  const parsed = Result.safeParse(parseJson(body));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(issue?.path.map(String).join('.') || 'body', issue?.message ?? 'a result');
  }
  const { miner_results: results, oracle_cost_usd: cost } = parsed.data;
  const scores = results.map((result, index) => {
    const { miner_hotkey: miner } = result;
    const field = `miner_results.${index}.miner_hotkey`;
    if (!members.has(miner)) throw invalid(field, 'a miner of the run', miner);
    if (results.findIndex((other) => other.miner_hotkey === miner) < index)
      throw invalid(field, 'each miner once', miner);
    return { miner, score: judge(result).score };
  });
  return { scores, oracleCost: nanoUsdOf(cost) };
}

type Evaluation = Readonly<{ family: string; evaluation: string; validator: string }>;

export type ResultDeps = Readonly<{
  registry: Queries;
  evaluations: Queries;
  blobs: BlobStore;
  record: Recorder;
}>;

/** The lease that a validator holds, or had; throws `request.forbidden` where there is none of its own. */
async function ownLease(
  { family, evaluation, validator }: Evaluation,
  evaluations: Queries,
): Promise<Lease> {
  const lease = await leaseOf(evaluations, evaluation);
  if (lease === null || lease.family !== family) throw forbidden('rejected_not_found');
  if (lease.validator !== validator) throw forbidden('rejected_wrong_validator');
  return lease;
}

/**
 * Takes a validator's result of a task that it holds. A lease whose time is over and that nothing has ended is still
 * held. A second result of one evaluation changes nothing and is taken as the first was. Throws `request.forbidden`,
 * `request.conflict` for a lease that was ended, and `request.invalid`.
 */
export async function takeResult(
  at: Evaluation & Readonly<{ body: Uint8Array }>,
  deps: ResultDeps,
): Promise<Lease> {
  const lease = await ownLease(at, deps.evaluations);
  if (lease.status === 'evaluated') return lease;
  if (lease.status !== 'held') throw conflict('rejected_not_claimed');
  const { family, run, evaluation, task, validator } = lease;
  const opened = await findOwnerRun(deps.registry, family, run);
  const members = await submissionsNamed(deps.registry, opened?.submissions ?? []);
  const read = readScores(at.body, new Set(members.map(({ miner }) => miner)));
  const result = await deps.blobs.put(at.body);
  const { oracleCost } = read;
  const scores = [...read.scores];
  const data = { family, run, evaluation, task, validator, result, oracleCost, scores };
  await deps.record([{ type: 'result.received.v1', data }]);
  return lease;
}

/** Gives a lease back, so that the task can be claimed again at once. One that has ended already stays as it ended. */
export async function returnLease(
  at: Evaluation,
  { evaluations, record }: Pick<ResultDeps, 'evaluations' | 'record'>,
): Promise<Lease> {
  const lease = await ownLease(at, evaluations);
  if (lease.status === 'evaluated') throw conflict('rejected_evaluated');
  if (lease.status !== 'held') return lease;
  const { family, run, evaluation, attempt } = lease;
  const data = { family, run, evaluation, attempt, reason: 'returned' } as const;
  await record([{ type: 'lease.ended.v1', data }]);
  return lease;
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new AppError('request.invalid', { field: 'body', expected: 'JSON in UTF-8' }, { cause });
  }
}

function invalid(field: string, expected: string, value?: string): AppError {
  const shown = value === undefined ? {} : { value };
  return new AppError('request.invalid', { field, ...shown, expected: detailOf(expected) });
}

function forbidden(detail: string): AppError {
  return new AppError('request.forbidden', { detail });
}

function conflict(detail: string): AppError {
  return new AppError('request.conflict', { detail });
}
