import { z } from 'zod';
import { NANO, nanoFromDouble } from '../consensus/nano.ts';
import { sha256 } from '../events/hash.ts';
import type { Outcome } from './composite-score.ts';
import type { Said } from './invocation.ts';

/** What a judge is asked about one answer. */
export type JudgeQuestion = Readonly<{
  question: string;
  /** What was said before the turn that is judged. */
  conversation: readonly Said[];
  /** The document that the task is about. */
  attached: string | null;
  answer: string;
  citations: readonly Readonly<{ url: string; title: string }>[];
  expectedClaims: readonly string[];
  mustNotClaim: readonly string[];
  requiredTool: string | null;
  /** The answer that this one is compared with; null where there is none. */
  reference: string | null;
  /** Where the miner's answer stands in the comparison. */
  slot: 'A' | 'B';
  /** Whether the expected answer is certain, so that a judge cannot call it disputed. */
  deterministic: boolean;
}>;

/** What a judge makes of it; scores in 1e-9, null only for what was not asked. */
export type Verdict = Readonly<{
  outcome: Outcome;
  failureMode: string | null;
  guidance: string;
  preference: number | null;
  groundedCorrectness: number | null;
  instructionSafety: number | null;
}>;

/** One call of the judge's HTTP contract. */
export type JudgeCall = Readonly<{
  path: '/v1/judge/pairwise' | '/v1/judge/multi' | '/v1/judge/eval';
  body: unknown;
}>;

/**
 * In which slot a miner's answer is compared: the lowest bit of SHA-256 over run, task and miner. Half of the pairs are
 * in either, nobody chooses, and whoever has the log can check it.
 */
export function slotOf(
  pair: Readonly<{ family: string; run: string; task: string; miner: string }>,
): 'A' | 'B' {
  const { family, run, task, miner } = pair;
  const digest = sha256(['eirel/slot/v1', family, run, task, miner].join('\0'));
  return Number.parseInt(digest.slice(-1), 16) % 2 === 0 ? 'A' : 'B';
}

/** The calls that a question takes: a comparison where there is a reference, then the metrics, then the outcome. */
export function judgeCalls(asked: JudgeQuestion): readonly JudgeCall[] {
  const expected = asked.expectedClaims.join('\n');
  const answer = fenced(asked.answer);
  const bundle = { question: asked.question, ...contextOf(asked), answers: [answer] };
  const known = expected === '' ? {} : { expected_answer: expected };
  const comparison: readonly JudgeCall[] =
    asked.reference === null
      ? []
      : [
          {
            path: '/v1/judge/pairwise',
            body: {
              bundle: { ...bundle, answers: inSlots(asked.slot, answer, fenced(asked.reference)) },
              ...known,
            },
          },
        ];
  const constraints =
    asked.mustNotClaim.length === 0 ? {} : { constraints: asked.mustNotClaim.join('; ') };
  return [
    ...comparison,
    {
      path: '/v1/judge/multi',
      body: {
        bundle: { ...bundle, ...constraints },
        ...known,
        candidate_citations: asked.citations,
        applicable_metrics: metricsOf(asked),
      },
    },
    {
      path: '/v1/judge/eval',
      body: {
        bundle: asked.attached === null ? bundle : { ...bundle, attached_full: asked.attached },
        expected_answer: expected === '' ? NO_EXPECTATION : expected,
        must_not_claim: asked.mustNotClaim,
        ...(asked.requiredTool === null ? {} : { required_tool: asked.requiredTool }),
        oracle_source: asked.deterministic ? 'deterministic' : 'three_oracle',
      },
    },
  ];
}

/**
 * The verdict of the answers to `judgeCalls`, in their order, or why there is none. A metric that was asked and is not
 * there is no verdict: a gate that nobody measured is not passed.
 */
export function verdictOf(
  asked: JudgeQuestion,
  answers: readonly unknown[],
): Readonly<{ kind: 'ok'; verdict: Verdict } | { kind: 'unusable'; detail: string }> {
  const [multiJson, evalJson] = answers.slice(-2);
  const pairwise = asked.reference === null ? null : Pairwise.safeParse(answers[0]);
  const multi = Multi.safeParse(multiJson);
  const evaluated = Evaluated.safeParse(evalJson);
  if (pairwise?.success === false) return unusable('pairwise', pairwise.error);
  if (!multi.success) return unusable('multi', multi.error);
  if (!evaluated.success) return unusable('eval', evaluated.error);
  const { grounded_correctness, instruction_safety } = multi.data;
  const missing = metricsOf(asked).find((metric) => multi.data[metric] == null);
  if (missing !== undefined) return { kind: 'unusable', detail: `multi: ${missing} is missing` };
  return {
    kind: 'ok',
    verdict: {
      ...outcomeOf(evaluated.data, asked.deterministic),
      guidance: evaluated.data.guidance,
      preference: pairwise === null ? null : preferenceOf(pairwise.data.winner, asked.slot),
      groundedCorrectness:
        grounded_correctness == null ? null : nanoFromDouble(grounded_correctness.score),
      instructionSafety:
        instruction_safety == null ? null : nanoFromDouble(instruction_safety.score),
    },
  };
}

const NO_EXPECTATION = '(no expected answer)';

/** What is left of a document where only a summary is shown. */
const SUMMARY_LENGTH = 4_000;

const Score = z.looseObject({ score: z.number().min(0).max(1) });
const Pairwise = z.looseObject({ winner: z.enum(['A', 'B', 'tie']) });
const Multi = z.looseObject({
  grounded_correctness: Score.nullish(),
  instruction_safety: Score.nullish(),
});
const Evaluated = z.looseObject({
  outcome: z.string().max(64),
  failure_mode: z.string().max(64).nullish(),
  guidance: z
    .string()
    .nullish()
    .transform((text) => (text ?? '').slice(0, 400)),
});

function metricsOf({ expectedClaims }: JudgeQuestion) {
  const grounded = expectedClaims.length === 0 ? [] : (['grounded_correctness'] as const);
  return [...grounded, 'instruction_safety'] as const;
}

function contextOf({ conversation, attached }: JudgeQuestion) {
  return {
    conversation_recent: conversation,
    ...(attached === null ? {} : { attached_summary: attached.slice(0, SUMMARY_LENGTH) }),
  };
}

/** The judge puts a fence around an answer; one inside of it would end it early. */
function fenced(answer: string): string {
  return answer.replaceAll('<<<', '‹‹‹').replaceAll('>>>', '›››');
}

function inSlots(slot: 'A' | 'B', miner: string, reference: string): readonly [string, string] {
  return slot === 'A' ? [miner, reference] : [reference, miner];
}

function preferenceOf(winner: 'A' | 'B' | 'tie', slot: 'A' | 'B'): number {
  if (winner === 'tie') return NANO / 2;
  return winner === slot ? NANO : 0;
}

/** What judges write instead of the six outcomes. */
const DRIFTED: Readonly<Record<string, readonly [Outcome, string | null]>> = {
  incomplete: ['partial', 'incomplete'],
  missing: ['partial', 'incomplete'],
  over_refusal: ['refused', 'over_refusal'],
  hallucinated_claim: ['hallucinated', 'hallucinated_claim'],
  missing_grounding: ['wrong', 'missing_grounding'],
  wrong_fact: ['wrong', 'wrong_fact'],
  off_topic: ['wrong', 'off_topic'],
  missing_tool_use: ['wrong', 'missing_tool_use'],
  irrelevant: ['wrong', 'off_topic'],
  correct: ['correct', null],
  partial: ['partial', null],
  wrong: ['wrong', null],
  hallucinated: ['hallucinated', null],
  refused: ['refused', null],
  disputed: ['disputed', null],
};

function outcomeOf(
  {
    outcome,
    failure_mode,
  }: Readonly<{ outcome: string; failure_mode?: string | null | undefined }>,
  deterministic: boolean,
): Pick<Verdict, 'outcome' | 'failureMode'> {
  const [found, mode] = DRIFTED[outcome.toLowerCase()] ?? (['wrong', null] as const);
  return {
    outcome: found === 'disputed' && deterministic ? 'wrong' : found,
    failureMode: failure_mode ?? mode,
  };
}

function unusable(call: string, error: z.ZodError): { kind: 'unusable'; detail: string } {
  return { kind: 'unusable', detail: `${call}: ${z.prettifyError(error)}`.slice(0, 400) };
}
