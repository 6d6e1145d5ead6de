import { requestBody, type Said, type Turn, turnsOf } from '../../evaluation/invocation.ts';
import { jobToken } from '../../evaluation/job.ts';
import { jobIdOf, turnInAttempt, turnOf } from '../../evaluation/job-name.ts';
import { type TurnBudgets, turnBudgetMs } from '../../evaluation/run-length.ts';
import type { Task } from '../../evaluation/task-set.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import { detailOf } from '../../events/scalars.ts';
import type { BlobStore } from '../blobs.ts';
import type { LedgerClient } from '../ledger/ledger-port.ts';
import { type AnswerDocument, keep } from './documents.ts';
import { type Later, later } from './later.ts';
import type { InvokeMiner, OutageUntilNow, TurnResult } from './ports.ts';
import type { Member } from './run-plan.ts';

/** What one turn may cost and take. */
export type TurnLimits = TurnBudgets &
  Readonly<{
    /** In 1e-9 USD. */
    budget: number;
    /** Calls of tools. */
    calls: number;
  }>;

export type InvokeDeps = Readonly<{
  ledger: Pick<LedgerClient, 'openJob' | 'closeJob' | 'readJob'>;
  invokeMiner: InvokeMiner;
  blobs: Pick<BlobStore, 'put'>;
  outageUntilNow: OutageUntilNow;
  jobKey: string;
  limits: TurnLimits;
  /** Milliseconds since 1970. */
  clock: () => number;
  signal: AbortSignal;
}>;

/** What an invocation brought: its event, or why it says nothing about the miner. */
export type Invocation =
  | Readonly<{ kind: 'done'; event: Extract<DomainEvent, { type: 'task.invoked.v1' }> }>
  | Later;

/** A tool call or a metered cost that is under way when the answer ends still comes in. */
const JOB_GRACE_MS = 60_000;

const MAX_ATTEMPT = 1_000;

/**
 * Asks a miner a whole task: scripted turns are said for it, live ones are asked, each under a job of its own that ends
 * with it. When a service of ours was away meanwhile, the answer says nothing, and the attempt is used up: its jobs
 * are never opened again.
 */
export async function invokeTask(
  task: Task,
  member: Member,
  at: Readonly<{ family: string; run: string; url: string; attempt: number }>,
  deps: InvokeDeps,
): Promise<Invocation> {
  const started = deps.clock();
  const free = await freeAttempt(task, member, at.attempt, deps);
  if (free.kind === 'later') return free;
  const { attempt } = free;
  const talk = await talkThrough(task, member, { ...at, attempt }, deps);
  if (talk.kind === 'later') return talk;
  const outage = await deps.outageUntilNow(started);
  if (outage !== null) return later('services', `while the miner worked: ${outage}`);
  const { last, turns, jobs, history, question } = talk;
  const { family, run } = at;
  const document: AnswerDocument | null =
    last.kind === 'completed'
      ? {
          v: 'eirel/answer/1',
          task: task.task_id,
          miner: member.miner,
          attempt,
          turns: [...turns],
          conversation: [...history],
          question,
          answer: last.answer,
          citations: [...last.citations],
        }
      : null;
  const data = {
    family,
    run,
    task: task.task_id,
    miner: member.miner,
    attempt,
    submission: member.submission,
    deployment: member.deployment,
    jobs: [...jobs],
    outcome: last.kind,
    latencyMs: turns.reduce((sum, { ms }) => sum + ms, 0),
    turnMs: Math.max(...turns.map(({ ms }) => ms)),
    answer: document === null ? null : await keep(document, deps),
    detail: last.kind === 'completed' ? '' : detailOf(last.detail),
  };
  return { kind: 'done', event: { type: 'task.invoked.v1', data } };
}

function jobOfTurn(
  task: string,
  index: number,
  { turns, attempt, deployment }: Readonly<{ turns: number; attempt: number; deployment: string }>,
): string {
  const turn = turnOf(task, index, turns);
  return jobIdOf({ turn: turnInAttempt(turn, attempt), deployment });
}

/**
 * The first attempt from one on whose jobs nobody opened. Jobs that are there are of an invocation that a crash or an
 * outage ended: they are closed, and their attempt is over.
 */
async function freeAttempt(
  task: Task,
  { deployment }: Member,
  from: number,
  { ledger }: Pick<InvokeDeps, 'ledger'>,
): Promise<{ kind: 'free'; attempt: number } | Later> {
  const turns = turnsOf(task);
  for (let attempt = from; attempt <= MAX_ATTEMPT; attempt++) {
    const jobs = liveTurns(turns).map((index) =>
      jobOfTurn(task.task_id, index, { turns: turns.length, attempt, deployment }),
    );
    let used = false;
    for (const job of jobs) {
      const found = await ledger.readJob(job);
      if (found.kind !== 'ok')
        return later('ledger', `the ledger does not tell of ${job}: ${found.detail}`);
      if (found.job === null) break; // turns are asked in their order: none after it was
      used = true;
      const closed = await ledger.closeJob(job);
      if (closed.kind !== 'ok')
        return later('ledger', `the ledger does not close ${job}: ${closed.detail}`);
    }
    if (!used) return { kind: 'free', attempt };
  }
  return later('attempts', `${MAX_ATTEMPT} attempts are used up`);
}

type Asked = AnswerDocument['turns'][number];
type Talk = Readonly<{
  kind: 'talked';
  last: Exclude<TurnResult, { kind: 'aborted' }>;
  turns: readonly Asked[];
  jobs: readonly string[];
  history: readonly Said[];
  question: string;
}>;

/** Says or asks turn after turn, until the last one is answered or one fails. */
async function talkThrough(
  task: Task,
  member: Member,
  at: Readonly<{ family: string; run: string; url: string; attempt: number }>,
  deps: InvokeDeps,
): Promise<Talk | Later> {
  const script = turnsOf(task);
  const history: Said[] = [];
  const turns: Asked[] = [];
  const jobs: string[] = [];
  for (const [index, { user, assistant }] of script.entries()) {
    if (assistant !== null) {
      history.push({ role: 'user', content: user }, { role: 'assistant', content: assistant });
      continue;
    }
    const turn = turnOf(task.task_id, index, script.length);
    const { attempt } = at;
    const job = jobOfTurn(task.task_id, index, {
      turns: script.length,
      attempt,
      deployment: member.deployment,
    });
    const body = requestBody(task, { turn, prompt: user, history });
    const result = await askTurn(task, member, { ...at, job, body }, deps);
    if (result.kind === 'later') return result;
    if (result.kind === 'aborted') return later('run', 'this validator stops');
    jobs.push(job);
    const answer = result.kind === 'completed' ? result.answer : '';
    turns.push({ turn, job, ms: result.ms, kind: result.kind, answer });
    if (result.kind !== 'completed' || index === script.length - 1)
      return { kind: 'talked', last: result, turns, jobs, history, question: user };
    history.push({ role: 'user', content: user }, { role: 'assistant', content: answer });
  }
  throw new TypeError('the last turn of a task asks the miner');
}

/** One live turn under its job. A turn over its time is too late even when its answer came at the same moment. */
async function askTurn(
  task: Task,
  member: Member,
  at: Readonly<{ family: string; run: string; url: string; job: string; body: string }>,
  { ledger, invokeMiner, jobKey, limits, clock, signal }: InvokeDeps,
): Promise<TurnResult | Later> {
  const { family, run, url, job, body } = at;
  const timeoutMs = turnBudgetMs(task, limits);
  const opened = await ledger.openJob({
    family,
    run,
    job,
    task: task.task_id,
    miner: member.miner,
    deployment: member.deployment,
    budget: limits.budget,
    calls: limits.calls,
    expires: new Date(clock() + timeoutMs + JOB_GRACE_MS).toISOString(),
  });
  if (opened.kind !== 'ok')
    return later('ledger', `the ledger does not open ${job}: ${opened.detail}`);
  const result = await invokeMiner({
    url,
    body,
    job,
    token: jobToken(jobKey, job),
    timeoutMs,
    signal,
  });
  await ledger.closeJob(job); // whatever it says: gathering the evidence closes it again and reads it only then
  if (result.kind !== 'completed' || result.ms <= timeoutMs) return result;
  return { kind: 'too-late', ms: result.ms, detail: `${result.ms} ms of ${timeoutMs}` };
}

function liveTurns(turns: readonly Turn[]): readonly number[] {
  return turns.flatMap(({ assistant }, index) => (assistant === null ? [index] : []));
}
