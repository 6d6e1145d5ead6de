import { z } from 'zod';

/**
 * What the existing provider proxy answers, transcribed from the specification of the wire (section 5.6): strict, and
 * independent of the product's own types. Null stands for an amount that is not known, which those services tell as 0.
 */
const Usd = z.number().min(0).nullable();
const Count = z.int().min(0).nullable();
const BySpan = z.record(z.string(), z.unknown());

export const JobCostAnswer = z.strictObject({
  cost_usd_used: Usd,
  llm_cost_usd: Usd,
  tool_cost_usd: Usd,
  max_usd_budget: Usd,
  cost_rejections: z.int().min(0),
  per_provider: z.record(z.string(), Usd),
  per_span: BySpan,
  per_span_buckets: BySpan,
  span_parents: BySpan,
  /** Ours: what is under way is not known to cost nothing. */
  pending_calls: z.int().min(0),
});

export const ChatAnswer = z.strictObject({
  upstream_response: z.record(z.string(), z.unknown()),
  usage: z.strictObject({
    provider: z.string(),
    model: z.string(),
    request_count: z.int().min(1),
    estimated_total_tokens: Count,
    max_requests: Count,
    max_total_tokens: Count,
    actual_prompt_tokens: Count,
    actual_completion_tokens: Count,
    actual_total_tokens: Count,
    latency_seconds: z.number().min(0),
    cost_usd: Usd,
    cost_usd_used: Usd,
    cost_remaining_usd: Usd,
  }),
});
