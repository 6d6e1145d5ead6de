import { NANO } from '../consensus/nano.ts';
import type { Outcome } from './composite-score.ts';
import type { Reference } from './reference.ts';

/** What one miner's row of a result is made of; money in 1e-9 USD, scores in 1e-9, times in milliseconds. */
export type ResultRow = Readonly<{
  miner: string;
  outcome: 'completed' | 'failed' | 'too-late' | 'too-large' | 'malformed' | 'unreachable';
  latencyMs: number;
  cost: number | null;
  detail: string;
  /** Null where the miner failed. */
  judged: Readonly<{
    outcome: Outcome;
    composite: number;
    knockout: string | null;
    judge: string;
  }> | null;
}>;

/**
 * The body of a task's result as the owner's API takes it. A pair that our own failure left without a score is not in
 * it: an error row would be the miner's zero there. `oracleCost` is in 1e-9 USD, null where it is unknown.
 */
export function taskResult(
  reference: Reference | null,
  rows: readonly ResultRow[],
  oracleCost: number | null,
): unknown {
  // The fields have no form for a cost that is unknown: they are left out, rather than said to be nothing.
  const cost = oracleCost === null ? null : oracleCost / NANO;
  return {
    baseline_response:
      reference === null || reference.text === ''
        ? null
        : {
            response_text: reference.text,
            citations: [],
            ...(cost === null ? {} : { cost_usd: cost }),
            latency_seconds: 0,
            source_vendor: reference.source,
            _reconciled: {
              expected_claims: reference.expectedClaims,
              must_not_claim: reference.mustNotClaim,
              oracle_status: reference.status,
              disagreement_note: reference.note,
            },
          },
    miner_results: rows.map(rowOf),
    ...(cost === null ? {} : { oracle_cost_usd: cost }),
  };
}

function rowOf({ miner, outcome, latencyMs, cost, detail, judged }: ResultRow): unknown {
  const common = {
    miner_hotkey: miner,
    miner_latency_seconds: latencyMs / 1_000,
    proxy_cost_usd: cost === null ? null : cost / NANO,
  };
  if (judged === null)
    return {
      ...common,
      verdict: outcome === 'too-late' ? 'latency_violation' : 'error',
      agreement_score: 0,
      final_task_score: 0,
      judge_output: null,
      miner_response: { status: 'failed', error: detail },
    };
  const score = judged.composite / NANO;
  return {
    ...common,
    verdict: verdictOf(judged.composite),
    agreement_score: score,
    final_task_score: score,
    composite_score: score,
    eval_outcome: judged.outcome,
    miner_response: { status: 'completed' },
    judge_output: {
      verdict: verdictOf(judged.composite),
      agreement_score: score,
      model: judged.judge,
      metadata: {
        eval_outcome: judged.outcome,
        composite_score: score,
        composite_knockout_reason: judged.knockout,
      },
    },
  };
}

function verdictOf(composite: number): 'matches' | 'partially_matches' | 'contradicts' {
  if (composite === 0) return 'contradicts';
  return composite >= 0.999 * NANO ? 'matches' : 'partially_matches';
}
