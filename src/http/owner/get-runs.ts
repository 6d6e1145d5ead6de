import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { Family, RunId, Ss58 } from '../../events/scalars.ts';
import { defineRoute, type Route } from '../route.ts';
import { NoParams, wholeNumber } from '../run-request.ts';
import { sendJson } from '../send-json.ts';

const NaiveTime = z.iso.datetime({ local: true });
const Score = z.number().min(0).max(1);

const FamilyResult = z.strictObject({
  family_id: Family,
  has_winner: z.boolean(),
  winner_deployment_id: z.string().nullable(),
  winner_submission_id: z.string().nullable(),
  winner_hotkey: Ss58.nullable(),
  best_raw_score: Score,
  min_score: Score,
  top_deployment_ids: z.array(z.string()),
  metadata: z.record(z.string(), z.unknown()),
});

/** A run in the form of the existing services. Times are UTC, without offset. */
const OwnerRunAnswer = z.strictObject({
  run_id: RunId,
  sequence: z.int().min(0),
  status: z.enum(['open', 'completed']),
  benchmark_version: z.string(),
  rubric_version: z.string(),
  judge_model: z.string(),
  started_at: NaiveTime,
  ends_at: NaiveTime,
  closed_at: NaiveTime.nullable(),
  min_scores: z.record(Family, Score),
  evaluation_bundle_summaries: z.record(Family, z.unknown()),
  evaluation_bundle_artifacts: z.record(Family, z.unknown()),
  family_score_summaries: z.record(Family, z.unknown()),
  family_results: z.record(Family, FamilyResult),
});
type OwnerRunAnswer = z.infer<typeof OwnerRunAnswer>;

export type GetRunsDeps = Readonly<{
  /** The newest open run, else the newest of all; null before the first. */
  currentRun: (family?: string) => Promise<OwnerRunAnswer | null>;
  /** The newest first. */
  listRuns: (page: { limit: number; offset: number }) => Promise<readonly OwnerRunAnswer[]>;
}>;

/** GET /v1/runs/current: the run that validators evaluate now. Asking changes nothing. */
export function getCurrentRun({ currentRun }: Pick<GetRunsDeps, 'currentRun'>): Route {
  return defineRoute(currentSpec, async ({ query, res }) => {
    const run = await currentRun(query.family_id);
    if (run === null) throw new AppError('request.not-found', { detail: 'no run was opened yet' });
    sendJson(res, 200, run);
  });
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

/** GET /v1/runs: the runs, the newest first. */
export function getRuns({ listRuns }: Pick<GetRunsDeps, 'listRuns'>): Route {
  return defineRoute(listSpec, async ({ query, res }) => {
    const { limit = DEFAULT_LIMIT, offset = 0 } = query;
    sendJson(res, 200, await listRuns({ limit, offset }));
  });
}

const answer = { status: 200, contentType: 'application/json', headers: {} } as const;

const currentSpec = {
  path: '/v1/runs/current',
  summary: 'The run that validators evaluate now',
  params: NoParams,
  query: z.strictObject({ family_id: Family.optional() }),
  answers: [
    {
      ...answer,
      description: 'The newest open run, else the newest of all',
      schema: OwnerRunAnswer,
    },
  ],
  problems: [404],
} as const;

const listSpec = {
  path: '/v1/runs',
  summary: 'The runs, the newest first',
  params: NoParams,
  query: z.strictObject({
    limit: wholeNumber(1, MAX_LIMIT).optional(),
    offset: wholeNumber(0, 1_000_000).optional(),
  }),
  answers: [{ ...answer, description: 'Runs', schema: z.array(OwnerRunAnswer) }],
  problems: [],
} as const;
