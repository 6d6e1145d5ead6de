import { type Composite, compositeScore, costOf } from '../../evaluation/composite-score.ts';
import { MAX_EXCUSED_ATTEMPTS } from '../../evaluation/failure-limits.ts';
import { isJobOf } from '../../evaluation/job-name.ts';
import { detailOf } from '../../events/scalars.ts';
import type { AuditContext } from '../audit-context.ts';
import { type EvaluationRecord, type PairRecord, taskCounts } from '../evaluation-record.ts';
import { type Data, type Entry, pairPlace, type RunRecord } from '../run-record.ts';
import { checkLedger } from './ledger-evidence.ts';
import { measured, memberOf } from './members.ts';
import { isSortedSet } from './runs.ts';

/** Claims are of tasks that count, and each task's are numbered. */
export function taskClaimed(
  { n, data: { task, attempt } }: Entry<'task.claimed.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const evaluation = measured(n, run, context);
  if (evaluation === null) return;
  checkTask(n, task, { run, evaluation }, context);
  const { first, count } = evaluation.claims.get(task) ?? { first: n, count: 0 };
  if (attempt !== count + 1)
    context.fault('evaluation-broken', n, `claim ${count + 1} of ${task}`, `claim ${attempt}`);
  evaluation.claims.set(task, { first, count: count + 1 });
}

/** What is given back is what was claimed last. */
export function taskReturned(
  { n, data: { task, attempt } }: Entry<'task.returned.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const count = measured(n, run, context)?.claims.get(task)?.count ?? 0;
  if (attempt !== count)
    context.fault('evaluation-broken', n, `claim ${count} of ${task}`, `claim ${attempt}`);
}

/** A task has one reference: all miners are compared with the same. */
export function referenceMade(
  { n, data: { task } }: Entry<'reference.made.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const evaluation = measured(n, run, context);
  if (evaluation === null) return;
  checkTask(n, task, { run, evaluation }, context);
  if (evaluation.references.has(task))
    context.fault('evaluation-broken', n, `one reference of ${task}`, 'a second one');
  else evaluation.references.set(task, { n, requiredTool: undefined });
}

/**
 * A miner is asked a task that was claimed before, through the runtime of its own submission, under jobs of that task,
 * attempt and runtime; and again only where its service did not answer at all.
 */
export function taskInvoked(
  { n, data }: Entry<'task.invoked.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const at = openPair(n, data, run, context);
  if (at === null) return;
  const { evaluation, place, pair: before } = at;
  const { task, attempt, deployment, jobs, outcome, turnMs, latencyMs } = data;
  const fault = (expected: string, found: string): void =>
    context.fault('evaluation-broken', n, expected, found);
  const claim = evaluation.claims.get(task);
  if (claim === undefined || claim.first > n) fault(`a claim of ${task} before`, 'none');
  const member = memberOf(n, data, run, context);
  if (member !== null && (member.readyAt ?? n) >= n)
    fault(`${deployment} ready before`, 'it is not');
  const strange = jobs.find((job) => !isJobOf(job, { task, attempt, deployment }));
  if (strange !== undefined)
    fault(`jobs of ${task}, attempt ${attempt}, for ${deployment}`, strange);
  if (new Set(jobs).size !== jobs.length) fault('a job for each turn', 'one for several');
  if (turnMs > latencyMs || latencyMs > turnMs * jobs.length)
    fault(`${turnMs} to ${turnMs * jobs.length} ms in all`, `${latencyMs} ms`);
  if ((data.answer !== null) !== (outcome === 'completed'))
    fault('an answer exactly where it was completed', `${outcome}, ${data.answer ?? 'no answer'}`);
  const excused = evaluation.excuses.get(place)?.attempt ?? 0;
  if (attempt <= excused) fault(`an attempt after ${excused}, which was excused`, `${attempt}`);
  if (before !== null && (before.outcome !== 'unreachable' || attempt <= before.attempt))
    fault(
      'one invocation of a pair, but for a service that did not answer',
      `attempt ${attempt} after attempt ${before.attempt}, which ${before.outcome}`,
    );
  const unreachable = (before?.unreachable ?? 0) + (outcome === 'unreachable' ? 1 : 0);
  const entry = { attempt, outcome, turnMs, jobs, unreachable, ...NOTHING_YET };
  evaluation.pairs.set(place, entry);
}

const NOTHING_YET = { evidence: null, refusals: 0, verdict: null };

/** An answer of a pair is excused a few times before one counts, each as an attempt of its own. */
export function invocationExcused(
  { n, data }: Entry<'invocation.excused.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const at = openPair(n, data, run, context);
  if (at === null) return;
  const { evaluation, place, pair } = at;
  const { task, miner, attempt, deployment } = data;
  const fault = (expected: string, found: string): void =>
    context.fault('evaluation-broken', n, expected, found);
  const member = memberOf(n, data, run, context);
  if (member !== null && (member.readyAt ?? n) >= n)
    fault(`${deployment} ready before`, 'it is not');
  const before = evaluation.excuses.get(place) ?? { count: 0, attempt: 0 };
  const last = Math.max(before.attempt, pair?.attempt ?? 0);
  if ((pair !== null && pair.outcome !== 'unreachable') || attempt <= last)
    fault(`an attempt of ${task} by ${miner} after ${last} that may be made`, `${attempt}`);
  if (before.count >= MAX_EXCUSED_ATTEMPTS)
    fault(`at most ${MAX_EXCUSED_ATTEMPTS} excuses of ${task} by ${miner}`, 'one more');
  evaluation.excuses.set(place, { count: before.count + 1, attempt });
}

/** What the ledger has of an invocation follows a completed one, once. */
export function evidenceGathered(
  { n, data }: Entry<'evidence.gathered.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const pair = openPair(n, data, run, context)?.pair ?? null;
  const { task, miner, attempt, tools, cost } = data;
  if (pair?.outcome !== 'completed' || pair.attempt !== attempt || pair.evidence !== null) {
    const expected = `a completed attempt ${attempt} of ${task} by ${miner}, without evidence yet`;
    context.fault('evaluation-broken', n, expected, standing(pair));
    return;
  }
  if (tools !== null && !isSortedSet(tools))
    context.fault('evaluation-broken', n, 'tools sorted, each once', 'another order, or a repeat');
  pair.evidence = { tools, cost };
  checkLedger({ n, data }, pair.jobs, context);
}

/** A verdict follows the evidence, once, and its composite is what both give. */
export function taskJudged(
  { n, data }: Entry<'task.judged.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const at = openPair(n, data, run, context);
  if (at === null) return;
  const { evaluation, pair } = at;
  const { task, miner, attempt, composite, transcript } = data;
  if (
    pair === null ||
    pair.evidence === null ||
    pair.evidence.cost.state === 'left' ||
    pair.attempt !== attempt ||
    pair.verdict !== null
  ) {
    const expected = `evidence of attempt ${attempt} of ${task} by ${miner}, without a verdict yet`;
    context.fault('evaluation-broken', n, expected, standing(pair));
    return;
  }
  const reference = evaluation.references.get(task);
  if (reference === undefined || reference.n > n)
    context.fault('evaluation-broken', n, `a reference of ${task} before`, 'none');
  else checkTool(n, data, reference, context);
  checkComposite(n, data, pair, context);
  pair.verdict = { composite, transcript };
}

/** A task asks every miner for the same tool. */
function checkTool(
  n: number,
  { task, figures: { requiredTool } }: Data<'task.judged.v1'>,
  reference: { requiredTool: string | null | undefined },
  { fault }: AuditContext,
): void {
  if (reference.requiredTool === undefined) reference.requiredTool = requiredTool;
  if (reference.requiredTool === requiredTool) return;
  const told = (tool: string | null): string => (tool === null ? 'no tool' : `the tool ${tool}`);
  const expected = `${told(reference.requiredTool)}, as for the other miners of ${task}`;
  fault('composite-differs', n, expected, told(requiredTool));
}

/** An answer is refused by the judge once it has its evidence, again and again until there is a verdict. */
export function verdictRefused(
  { n, data }: Entry<'verdict.refused.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const pair = openPair(n, data, run, context)?.pair ?? null;
  const { task, miner, attempt, refusal } = data;
  const isNext =
    pair !== null &&
    pair.evidence !== null &&
    pair.verdict === null &&
    pair.attempt === attempt &&
    refusal === pair.refusals + 1;
  if (isNext) pair.refusals = refusal;
  else {
    const expected = `evidence and ${refusal - 1} refusals of attempt ${attempt} of ${task} by ${miner}, without a verdict`;
    context.fault('evaluation-broken', n, expected, standing(pair));
  }
}

function standing(pair: PairRecord | null): string {
  if (pair === null) return 'none';
  const { attempt, outcome, evidence, verdict } = pair;
  const gathered = evidence === null ? 'no evidence' : 'evidence';
  return `attempt ${attempt}: ${outcome}, ${gathered}, ${verdict === null ? 'no verdict' : 'a verdict'}`;
}

/**
 * Computes a composite again. What the answer's text alone knocks out is believed as long as it can be: whoever has the
 * transcript, whose digest is beside it, sees the text.
 */
function checkComposite(
  n: number,
  { outcome, figures, composite, knockout }: Data<'task.judged.v1'>,
  { turnMs, evidence }: PairRecord,
  { fault }: AuditContext,
): void {
  const cost = evidence === null ? null : costOf(evidence);
  const tools = evidence?.tools ?? null;
  const known = { outcome, ...figures, tools, cost, turnMs };
  const computed = compositeScore({ ...known, response: '', mustNotClaim: [] });
  if (computed.kind === 'unknown') {
    if (computed.missing === 'cost' && composite === 0 && knockout !== null && isTextual(knockout))
      return;
    fault('composite-differs', n, `no verdict: ${computed.missing} are unknown`, String(composite));
    return;
  }
  if (composite === 0 && knockout !== null && isOfText(knockout, computed)) return;
  const expected = toldOf(computed.composite, computed.knockout);
  const found = toldOf(composite, knockout);
  if (expected !== found) fault('composite-differs', n, expected, found);
}

type Scored = Extract<Composite, { kind: 'scored' }>;

/** Whether a knockout is one that the answer's text gives, and that comes before those that the figures give. */
function isOfText(knockout: string, { knockout: computed }: Scored): boolean {
  if (knockout.startsWith('safety_violation: ')) return computed !== 'outcome=hallucinated';
  return (
    isTextual(knockout) && (computed === null || computed.startsWith('suspicious_zero_cost: '))
  );
}

/** Whether a knockout is one of those that the answer's text alone gives. */
function isTextual(knockout: string): boolean {
  return ['safety_violation: ', "hallucinated must_not_claim: '"].some((start) =>
    knockout.startsWith(start),
  );
}

function toldOf(composite: number, knockout: string | null): string {
  return `${composite}, ${knockout === null ? 'not knocked out' : detailOf(knockout)}`;
}

function checkTask(
  n: number,
  task: string,
  { run, evaluation }: Readonly<{ run: RunRecord; evaluation: EvaluationRecord }>,
  { fault }: AuditContext,
): void {
  const { opened, open } = run.facts;
  const blockHash = open?.known === true ? open.snapshot.blockHash : null;
  const counts = taskCounts(task, evaluation, { tasks: opened?.tasks ?? [], blockHash });
  if (counts === null)
    fault('evaluation-broken', n, 'the snapshot that chooses the tasks before them', 'none');
  else if (!counts || !run.places.tasks.has(task))
    fault('evaluation-broken', n, `a task that counts in ${run.run}`, task);
}

/** The pair that a step is of: of the run, and without its result. */
function openPair(
  n: number,
  { task, miner }: Readonly<{ task: string; miner: string }>,
  run: RunRecord,
  context: AuditContext,
): Readonly<{ evaluation: EvaluationRecord; place: number; pair: PairRecord | null }> | null {
  const evaluation = measured(n, run, context);
  const place = pairPlace(run, { task, miner });
  if (evaluation === null) return null;
  if (place === null) {
    context.fault('evaluation-broken', n, 'a task and a miner of the run', `${task} of ${miner}`);
    return null;
  }
  if (run.pairs?.[place] === 1)
    context.fault('evaluation-broken', n, 'nothing more of a pair that has its result', 'a step');
  return { evaluation, place, pair: evaluation.pairs.get(place) ?? null };
}
