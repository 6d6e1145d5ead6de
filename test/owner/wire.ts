import { z } from 'zod';

/**
 * The answers of the existing owner service as a validator reads them: transcribed from the specification of the wire
 * (sections 2.1 to 2.4, 2.8 and 4.1), strict, and independent of the schemas of the product.
 */
const NaiveUtc = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$/);
const Text = z.string();
const Count = z.int().min(0);

/** `task_payload`: fields of `FamilyEvaluationTask`, of which some may be absent. */
const TaskPayload = z.strictObject({
  task_id: Text,
  family_id: Text,
  prompt: Text,
  task_mode: Text.optional(),
  execution_mode: Text.optional(),
  mode: z.enum(['instant', 'thinking']).optional(),
  domain: Text.optional(),
  category: Text,
  difficulty: z.enum(['standard', 'hard', 'expert']),
  web_search: z.boolean(),
  turns: z.array(z.strictObject({ user: Text, assistant: Text.nullable() })).optional(),
  risk_tags: z.array(Text).optional(),
  allowed_tools: z.array(Text),
  retrieval_constraints: z.record(Text, z.unknown()).optional(),
  expected_output: z.record(Text, z.unknown()),
  inputs: z.record(Text, z.unknown()),
  metadata: z.record(Text, z.unknown()),
  oracle_source: z.enum(['three_oracle', 'deterministic']).optional(),
});

export const ClaimAnswer = z.strictObject({
  tasks: z.array(
    z.strictObject({
      task_evaluation_id: z.uuid(),
      run_id: z.string().regex(/^run-\d+$/),
      family_id: Text,
      task_id: Text,
      task_index: Count,
      task_payload: TaskPayload,
      miners: z.array(
        z.strictObject({
          hotkey: Text,
          endpoint: z.url(),
          auth_headers: z.record(Text, Text),
        }),
      ),
      claim_expires_at: NaiveUtc,
      rubric_version: Text.nullable(),
      benchmark_version: Text.nullable(),
    }),
  ),
  remaining_task_count: Count,
});

const Share = z.number().min(0).max(1);
const Usd = z.number().min(0);
const Verdict = z.enum([
  'matches',
  'partially_matches',
  'not_applicable',
  'contradicts',
  'error',
  'latency_violation',
]);

/** What a row of a result may have (section 3.8), of which a validator may leave out what it does not know. */
const MinerResult = z.strictObject({
  miner_hotkey: Text,
  verdict: Verdict,
  agreement_score: Share,
  final_task_score: Share.optional(),
  composite_score: Share.optional(),
  eval_outcome: z
    .enum(['correct', 'partial', 'wrong', 'hallucinated', 'refused', 'disputed'])
    .optional(),
  miner_latency_seconds: z.number().min(0),
  /** Null for a cost that is not known, which the existing validators tell as 0. */
  proxy_cost_usd: Usd.nullable(),
  miner_response: z.strictObject({
    status: z.enum(['completed', 'failed']),
    error: Text.optional(),
  }),
  judge_output: z
    .strictObject({
      verdict: Verdict,
      agreement_score: Share,
      model: Text,
      metadata: z.strictObject({
        eval_outcome: Text,
        composite_score: Share,
        composite_knockout_reason: Text.nullable(),
      }),
    })
    .nullable(),
});

/** The body of a result (section 2.3), with as much of `_reconciled` (section 3.5) as is known here. */
export const ResultRequest = z.strictObject({
  baseline_response: z
    .strictObject({
      response_text: Text,
      citations: z.array(z.strictObject({ url: Text, title: Text })),
      cost_usd: Usd.optional(),
      latency_seconds: z.number().min(0),
      source_vendor: Text,
      _reconciled: z.strictObject({
        expected_claims: z.array(Text),
        must_not_claim: z.array(Text),
        oracle_status: z.enum(['consensus', 'majority', 'disputed', 'deterministic']),
        disagreement_note: Text.nullable(),
      }),
    })
    .nullable(),
  miner_results: z.array(MinerResult),
  oracle_cost_usd: Usd.optional(),
});

export const SubmitAnswer = z.strictObject({
  task_evaluation_id: z.uuid(),
  status: z.literal('accepted'),
  family_evaluation_complete: z.boolean(),
  remaining_task_count: Count,
});

export const StatusAnswer = z.strictObject({
  run_id: Text,
  family_id: Text,
  total_tasks: Count,
  pending_tasks: Count,
  claimed_tasks: Count,
  evaluated_tasks: Count,
  miners: z.array(z.strictObject({ miner_hotkey: Text, judgments_received: Count })),
});

export const RunAnswer = z.strictObject({
  run_id: Text,
  sequence: Count,
  status: z.enum(['scheduled', 'open', 'completed']),
  benchmark_version: Text,
  rubric_version: Text,
  judge_model: Text,
  started_at: NaiveUtc,
  ends_at: NaiveUtc,
  closed_at: NaiveUtc.nullable(),
  min_scores: z.record(Text, z.number()),
  evaluation_bundle_summaries: z.record(Text, z.unknown()),
  evaluation_bundle_artifacts: z.record(Text, z.unknown()),
  family_score_summaries: z.record(Text, z.unknown()),
  family_results: z.record(
    Text,
    z.strictObject({
      family_id: Text,
      has_winner: z.boolean(),
      winner_deployment_id: Text.nullable(),
      winner_submission_id: Text.nullable(),
      winner_hotkey: Text.nullable(),
      best_raw_score: z.number(),
      min_score: z.number(),
      top_deployment_ids: z.array(Text),
      metadata: z.record(Text, z.unknown()),
    }),
  ),
});

export const WeightsAnswer = z.strictObject({
  run_id: Text.nullable(),
  weights: z.record(Text, z.number()),
  family_winners: z.array(
    z.strictObject({
      family_id: Text,
      winner_hotkey: Text.nullable(),
      family_weight: z.number(),
      official_family_score: z.number(),
    }),
  ),
  ready: z.boolean(),
});

/** Every refusal says why under `detail`. */
export const Refusal = z.looseObject({ detail: Text });
