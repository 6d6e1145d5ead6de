import { type CompositeFacts, compositeScore, costOf } from '../../evaluation/composite-score.ts';
import { writtenBefore } from '../../evaluation/invocation.ts';
import { type JudgeQuestion, slotOf, type Verdict } from '../../evaluation/judge-contract.ts';
import type { Reference } from '../../evaluation/reference.ts';
import { turnBudgetMs } from '../../evaluation/run-length.ts';
import type { Task } from '../../evaluation/task-set.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import { detailOf } from '../../events/scalars.ts';
import type { Evidence, Invoked } from '../../projectors/evaluation-queries.ts';
import type { BlobStore } from '../blobs.ts';
import { type AnswerDocument, keep } from './documents.ts';
import type { TurnLimits } from './invoke-task.ts';
import { type Later, later } from './later.ts';
import { attachedTo } from './make-reference.ts';
import type { Judge } from './ports.ts';

export type JudgeDeps = Readonly<{
  judge: Judge;
  blobs: Pick<BlobStore, 'put'>;
  limits: TurnLimits;
  /** In 1e-9 USD; 0 asks for nothing. */
  costFloor: number;
  signal: AbortSignal;
}>;

/** All that is known of a pair when it is judged. */
export type Judgeable = Readonly<{
  task: Task;
  invoked: Invoked;
  evidence: Evidence;
  answer: AnswerDocument;
  reference: Reference;
  /** How often the judge gave no verdict on this answer, while it judged one of ours. */
  refusals: number;
}>;

/**
 * Has one answer judged and computes its composite: the verdict and the score, which go into the log together. What the
 * judge was asked, what it said and what was computed from it is kept as the evidence of both. Where the answer keeps the
 * judge from judging, the event says so; where the judge is away, nothing follows for the miner.
 */
export async function judgePair(
  facts: Judgeable,
  deps: JudgeDeps,
): Promise<Readonly<{ kind: 'done'; events: readonly DomainEvent[] }> | Later> {
  const { family, run, task, miner, attempt } = facts.invoked;
  const question = questionOf(facts);
  const judged = await askJudge(question, facts, deps);
  if (judged.kind === 'away') return later('judge', `the judge: ${judged.detail}`);
  if (judged.kind === 'refused')
    return { kind: 'done', events: [refusalOf(facts, judged.detail, deps)] };
  const { verdict, calls } = judged;
  const inputs = inputsOf(facts, verdict, question, deps);
  const result = compositeScore({ ...inputs, response: question.answer });
  const pair = { family, run, task, miner };
  // Evidence is final: what it does not have never comes.
  if (result.kind === 'unknown')
    return {
      kind: 'done',
      events: [await excuseOf(pair, `unknown ${result.missing}`, facts, deps)],
    };
  const judge = deps.judge.name;
  const transcript = await keep(
    { v: 'eirel/transcript/1', ...pair, attempt, judge, question, calls, verdict, inputs, result },
    deps,
  );
  const { composite, knockout } = result;
  const data = {
    ...pair,
    attempt,
    outcome: verdict.outcome,
    figures: figuresOf(inputs),
    composite,
    knockout: knockout === null ? null : detailOf(knockout),
    judge,
    transcript,
  };
  return { kind: 'done', events: [{ type: 'task.judged.v1', data }, scoreOf(pair, data)] };
}

type Judged =
  | Extract<Awaited<ReturnType<Judge['ask']>>, { kind: 'ok' }>
  | Readonly<{ kind: 'away'; detail: string }>
  | Readonly<{ kind: 'refused'; detail: string }>;

/**
 * Has an answer judged. A judge that gives no verdict is asked about an answer of our own, and about the miner's again:
 * it is that answer which keeps it from judging where it judges ours in between, and it is away where it judges neither.
 */
async function askJudge(
  question: JudgeQuestion,
  facts: Judgeable,
  { judge, signal }: JudgeDeps,
): Promise<Judged> {
  const first = await judge.ask(question, signal);
  if (first.kind === 'ok') return first;
  const control = await judge.ask(controlOf(facts), signal);
  if (control.kind !== 'ok') return { kind: 'away', detail: first.detail };
  const again = await judge.ask(question, signal);
  if (again.kind === 'ok') return again;
  return { kind: signal.aborted ? 'away' : 'refused', detail: again.detail };
}

function refusalOf(facts: Judgeable, detail: string, { judge }: JudgeDeps): DomainEvent {
  const { family, run, task, miner, attempt } = facts.invoked;
  const pair = { family, run, task, miner, attempt, refusal: facts.refusals + 1 };
  return {
    type: 'verdict.refused.v1',
    data: { ...pair, judge: judge.name, detail: detailOf(detail) },
  };
}

/** The same question, after what is written before it, with an answer of ours: nothing in it is the miner's. */
function controlOf(facts: Judgeable): JudgeQuestion {
  const { text, expectedClaims } = facts.reference;
  const answer = text === '' ? (expectedClaims[0] ?? 'I do not know.') : text;
  const conversation = writtenBefore(facts.task);
  return { ...questionOf(facts), conversation, citations: [], answer };
}

function inputsOf(
  { task, invoked, evidence }: Judgeable,
  verdict: Verdict,
  { mustNotClaim, requiredTool }: JudgeQuestion,
  { limits, costFloor }: JudgeDeps,
): Omit<CompositeFacts, 'response'> {
  return {
    outcome: verdict.outcome,
    mustNotClaim,
    requiredTool,
    tools: evidence.tools,
    turnMs: invoked.turnMs,
    turnBudgetMs: turnBudgetMs(task, limits),
    cost: costOf(evidence),
    costFloor,
    groundedCorrectness: verdict.groundedCorrectness,
    instructionSafety: verdict.instructionSafety,
    preference: verdict.preference,
  };
}

/** Our own failure: the pair counts for nobody and blames nobody. */
async function excuseOf(
  pair: Readonly<{ family: string; run: string; task: string; miner: string }>,
  reason: string,
  { invoked, evidence }: Judgeable,
  deps: Pick<JudgeDeps, 'blobs'>,
): Promise<DomainEvent> {
  const document = { v: 'eirel/excuse/1', ...pair, reason, invoked, evidence };
  const result = { status: 'excused', score: null, basis: 'none' } as const;
  return {
    type: 'score.recorded.v1',
    data: { ...pair, ...result, evidence: await keep(document, deps) },
  };
}

/** What an auditor cannot know from the events before the verdict. */
function figuresOf({
  requiredTool,
  turnBudgetMs,
  costFloor,
  groundedCorrectness,
  instructionSafety,
  preference,
}: Omit<CompositeFacts, 'response'>) {
  return {
    requiredTool,
    turnBudgetMs,
    costFloor,
    groundedCorrectness,
    instructionSafety,
    preference,
  };
}

/** The score that follows from a verdict. */
export function scoreOf(
  pair: Readonly<{ family: string; run: string; task: string; miner: string }>,
  { composite, transcript }: Readonly<{ composite: number; transcript: string }>,
): DomainEvent {
  const { family, run, task, miner } = pair;
  return {
    type: 'score.recorded.v1',
    data: {
      family,
      run,
      task,
      miner,
      status: 'scored',
      score: composite,
      basis: 'final',
      evidence: transcript,
    },
  };
}

function questionOf({ task, invoked, answer, reference }: Judgeable): JudgeQuestion {
  return {
    question: answer.question,
    conversation: answer.conversation,
    attached: attachedTo(task),
    answer: answer.answer,
    citations: answer.citations,
    expectedClaims: reference.expectedClaims,
    mustNotClaim: reference.mustNotClaim,
    requiredTool: task.expected_output.required_tool ?? null,
    reference: reference.text === '' ? null : reference.text,
    slot: slotOf(invoked),
    deterministic: reference.status === 'deterministic',
  };
}
