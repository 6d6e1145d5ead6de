import { MAX_EXCUSED_ATTEMPTS } from '../../evaluation/failure-limits.ts';
import type { Task } from '../../evaluation/task-set.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import { detailOf } from '../../events/scalars.ts';
import { type Invoked, type PairState, pairOf } from '../../projectors/evaluation-queries.ts';
import type { Queries } from '../../projectors/projector.ts';
import { findRun } from '../../projectors/run-state.ts';
import type { LedgerClient } from '../ledger/ledger-port.ts';
import type { Recorder } from '../recorder.ts';
import { AnswerDocument, keep, load } from './documents.ts';
import { gatherEvidence } from './gather-evidence.ts';
import { type InvokeDeps, invokeTask } from './invoke-task.ts';
import { type JudgeDeps, judgePair, scoreOf } from './judge-pair.ts';
import { type Later, later } from './later.ts';
import type { Made, ReferenceDeps } from './make-reference.ts';
import { nextPairStep } from './next-pair-step.ts';
import type { Member } from './run-plan.ts';
import type { WhyExcused } from './second-look.ts';

export type PairDeps = Omit<InvokeDeps, 'ledger' | 'blobs'> &
  JudgeDeps &
  Pick<ReferenceDeps, 'blobs' | 'alone'> &
  Readonly<{
    queries: Readonly<{ evaluation: Queries; runState: Queries }>;
    ledger: Pick<LedgerClient, 'openJob' | 'closeJob' | 'readJob' | 'readLedger' | 'meter'>;
    record: Recorder;
    whyExcused: WhyExcused;
    referenceOf: (at: Readonly<{ family: string; run: string }>, task: Task) => Promise<Made>;
  }>;

export type PairAt = Readonly<{
  family: string;
  run: string;
  task: Task;
  member: Member;
  /** Where the miner's runtime answers, or why it failed for good: then nothing more is asked of it. */
  runtime: Readonly<{ url: string; runtimeAttempt: number }> | Readonly<{ failure: unknown }>;
}>;

/** What came of working on a pair: its one result, or what it waits for. */
export type PairDone = Readonly<{ kind: 'settled' }> | Later;

/**
 * Takes a pair as far as it gets, step by step, each recorded before the next. A failure of ours ends it without a
 * result: it is tried again later, from the step that failed.
 */
export async function performPair(at: PairAt, deps: PairDeps): Promise<PairDone> {
  const { family, run, task, member } = at;
  const pair = { family, run, task: task.task_id, miner: member.miner };
  while (!deps.signal.aborted) {
    const state = await pairOf(deps.queries.evaluation, pair);
    const step = nextPairStep(state);
    if (step.kind === 'settled') return { kind: 'settled' };
    const taken = await takeStep(step, state, at, deps);
    if (taken.kind === 'later') return taken;
    if (!(await recordIfOpen(pair, taken.events, deps)))
      return later('run', 'the run takes no scores any more');
    const pause = pauseAfter(taken.events);
    if (pause !== null) return pause;
  }
  return later('run', 'this validator stops');
}

type Taken = Readonly<{ kind: 'done'; events: readonly DomainEvent[] }> | Later;

async function takeStep(
  step: Exclude<ReturnType<typeof nextPairStep>, { kind: 'settled' }>,
  state: PairState,
  at: PairAt,
  deps: PairDeps,
): Promise<Taken> {
  const { invoked, evidence, judged, refusals, excuses } = state;
  if (step.kind === 'invoke') return invoke(at, { ...step, excuses }, deps);
  if (invoked === null) throw new TypeError(`${step.kind} without an invocation`);
  switch (step.kind) {
    case 'gather': {
      const result = await gatherEvidence(invoked, deps);
      return result.kind === 'done' ? { kind: 'done', events: [result.event] } : result;
    }
    case 'judge':
      if (evidence === null) throw new TypeError('judging without evidence');
      return judge(at, { invoked, evidence, refusals }, deps);
    case 'score':
      if (judged === null) throw new TypeError('a score without a verdict');
      return { kind: 'done', events: [scoreOf(judged, judged)] };
    case 'fail': {
      const failure = await keep({ v: 'eirel/failure/1', failure: invoked, refusals }, deps);
      return { kind: 'done', events: [failedScore(invoked, failure)] };
    }
    default:
      return step satisfies never;
  }
}

/**
 * Asks the miner; a pair whose runtime is lost before it answered is the miner's failure, and its evidence says why. An
 * answer that failed together with its runtime is excused a few times, and each time is in the log: a restart gives
 * nobody another one. While nobody knows how its runtime stands nothing follows.
 */
async function invoke(
  { runtime, ...at }: PairAt,
  { attempt, excuses }: Readonly<{ attempt: number; excuses: number }>,
  deps: PairDeps,
): Promise<Taken> {
  if ('failure' in runtime) {
    const { family, run, task, member } = at;
    const pair = { family, run, task: task.task_id, miner: member.miner };
    const evidence = await keep({ v: 'eirel/failure/1', ...pair, ...runtime }, deps);
    return { kind: 'done', events: [failedScore(pair, evidence)] };
  }
  const result = await invokeTask(at.task, at.member, { ...at, ...runtime, attempt }, deps);
  if (result.kind === 'later') return result;
  if (result.event.data.outcome !== 'completed') {
    const { deployment } = at.member;
    const why = await deps.whyExcused({ deployment, attempt: runtime.runtimeAttempt });
    if (why?.kind === 'unknown') return later('runtime', why.detail);
    if (why !== null && excuses < MAX_EXCUSED_ATTEMPTS) {
      return { kind: 'done', events: [excusedInvocation(result.event.data, why.detail)] };
    }
  }
  return { kind: 'done', events: [result.event] };
}

function excusedInvocation(
  { family, run, task, miner, attempt, submission, deployment }: Invoked,
  detail: string,
): DomainEvent {
  const pair = { family, run, task, miner, attempt, submission, deployment };
  return { type: 'invocation.excused.v1', data: { ...pair, detail: detailOf(detail) } };
}

async function judge(
  { family, run, task }: PairAt,
  known: Readonly<{
    invoked: NonNullable<PairState['invoked']>;
    evidence: NonNullable<PairState['evidence']>;
    refusals: number;
  }>,
  deps: PairDeps,
): Promise<Taken> {
  const made = await deps.referenceOf({ family, run }, task);
  if (made.kind !== 'ok') return made;
  const { answer: digest } = known.invoked;
  const answer = digest === null ? null : await load(digest, AnswerDocument, deps);
  if (answer === null) return later('documents', 'the answer is not kept here');
  const { reference } = made;
  return judgePair({ task, ...known, answer, reference }, deps);
}

/** Records a step of a pair unless its run was closed meanwhile, or it has a result; whether it did. */
function recordIfOpen(
  pair: Readonly<{ family: string; run: string; task: string; miner: string }>,
  events: readonly DomainEvent[],
  { alone, queries, record }: Pick<PairDeps, 'alone' | 'queries' | 'record'>,
): Promise<boolean> {
  return alone(async () => {
    const run = await findRun(queries.runState, pair.family, pair.run);
    if (run?.status !== 'open') return false;
    const { status } = await pairOf(queries.evaluation, pair);
    if (status !== null) return false;
    await record(events);
    return true;
  });
}

/** The result of a pair that its miner failed; `evidence` is the digest of the document that says why. */
export function failedScore(
  {
    family,
    run,
    task,
    miner,
  }: Readonly<{ family: string; run: string; task: string; miner: string }>,
  evidence: string,
): DomainEvent {
  const data = {
    family,
    run,
    task,
    miner,
    status: 'failed',
    score: 0,
    basis: 'none',
    evidence,
  } as const;
  return { type: 'score.recorded.v1', data };
}

/** Why the next step of a pair has to wait after these events; null where it is taken at once. */
function pauseAfter(events: readonly DomainEvent[]): Later | null {
  for (const { type, data } of events) {
    if (type === 'task.invoked.v1' && data.outcome === 'unreachable')
      return later('miner', 'the miner does not answer');
    if (type === 'invocation.excused.v1') return later('runtime', data.detail);
    if (type === 'verdict.refused.v1')
      return later('judge', `the judge cannot judge the answer: ${data.detail}`);
  }
  return null;
}
