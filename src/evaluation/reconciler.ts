import { z } from 'zod';

/** Who is asked for a reference. */
export type Vendor = 'openai' | 'gemini' | 'grok';

/** What one oracle answered. */
export type OracleAnswer = Readonly<{
  vendor: Vendor;
  answer: string;
  citations: readonly string[];
  /** In 1e-9 USD; null where it is unknown. */
  cost: number | null;
}>;

const Claim = z.string().max(4_096);
const Claims = z.array(Claim).max(64).default([]);

/** What the reconciler makes of the oracles' answers, in the form of its contract. */
const Reconciled = z.object({
  consensus_claims: Claims,
  majority_claims: z
    .array(z.object({ claim: Claim, supporting_oracles: z.array(z.string().max(64)).max(8) }))
    .max(64)
    .default([]),
  minority_claims: z
    .array(z.object({ claim: Claim, supporting_oracle: z.string().max(64) }))
    .max(64)
    .default([]),
  must_not_claim_extras: Claims,
  oracle_status: z.enum(['consensus', 'majority', 'disputed']),
  disagreement_note: z.string().max(2_000).nullish(),
});
export type Reconciled = z.infer<typeof Reconciled>;

const SYSTEM = `You compare the answers of independent oracles to one question.
List as consensus_claims the short factual claims that all of them make, as majority_claims those of at least two,
as minority_claims those of one, and as must_not_claim_extras claims that the others contradict.
oracle_status is consensus when they agree on the answer, majority when at least two do, and disputed otherwise.
Answer with the JSON object alone.`;

/** The body of the reconciler's request, `POST /chat/completions`. */
export function reconcileRequest(
  model: string,
  maxTokens: number,
  asked: Readonly<{ prompt: string; answers: readonly OracleAnswer[] }>,
): unknown {
  const oracle_answers = asked.answers.map(({ vendor, answer }) => ({ vendor, answer }));
  return {
    model,
    temperature: 0,
    max_tokens: maxTokens,
    response_format: { type: 'json_object' },
    messages: [
      { role: 'system', content: SYSTEM },
      { role: 'user', content: JSON.stringify({ user_prompt: asked.prompt, oracle_answers }) },
    ],
  };
}

/** Reads what the reconciler wrote, a JSON object with or without a code fence around it; null for anything else. */
export function readReconciled(text: string): Reconciled | null {
  const inner = /^\s*```(?:json)?\s*([\s\S]*?)```\s*$/.exec(text)?.[1] ?? text;
  try {
    const parsed = Reconciled.safeParse(JSON.parse(inner));
    return parsed.success ? parsed.data : null;
  } catch {
    return null; // no JSON is no reconciliation, and the caller says so
  }
}
