import { compositeScore } from '#src/evaluation/composite-score.ts';
import { deploymentOf, jobIdOf, turnInAttempt } from '#src/evaluation/job-name.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { sha256 } from '#src/events/hash.ts';

type Place = Readonly<{ family: string; run: string }>;
type Of<T extends DomainEvent['type']> = Extract<DomainEvent, { type: T }>['data'];

export type Measuring = Readonly<{
  place: Place;
  validator: string;
  roster: string;
  miners: readonly string[];
  /** Those that count, of a sample of so many; null where all do. */
  tasks: readonly string[];
  sample: number | null;
}>;

/** What opens a measured run beside `run.opened`. */
export function rosterAccepted({ place, roster, miners, sample }: Measuring): DomainEvent {
  const document = sha256(`document ${place.run}`);
  const taskSet = sha256(`tasks ${place.run}`);
  const data = { ...place, roster, document, taskSet, epoch: 1, members: miners.length, sample };
  return { type: 'roster.accepted.v1', data };
}

/**
 * All that an honest validator records while it measures a run, and how its miners come out. Of the first task the
 * second miner does not answer at first, and the last one is too late; of the second task the first pair is excused, and
 * the last miner's submission has failed for good by then.
 */
export function measureRun(at: Measuring, add: (event: DomainEvent) => void) {
  const { place, miners, tasks } = at;
  const members = miners.map((miner, index) => memberOf(at, miner, index));
  for (const member of members) for (const event of member.opening) add(event);
  const tallies = miners.map((miner) => ({ miner, sum: 0, judged: 0, excused: 0 }));
  const last = miners.length - 1;
  for (const [taskAt, task] of tasks.entries()) {
    add({ type: 'task.claimed.v1', data: { ...place, task, attempt: 1, lease: null } });
    const reference = sha256(`reference ${task}`);
    const made = { ...place, task, status: 'deterministic', reference, cost: 0 } as const;
    add({ type: 'reference.made.v1', data: made });
    if (taskAt === 1) for (const event of members[last]?.crashes ?? []) add(event);
    for (const [minerAt, member] of members.entries()) {
      const events = pairEvents(
        { place, task, taskAt, minerAt, lastMiner: minerAt === last },
        member,
      );
      for (const event of events) add(event);
      const result = events.at(-1)?.data as Of<'score.recorded.v1'>; // safe: a pair ends with its result
      const tally = tallies[minerAt];
      if (tally === undefined) continue;
      if (result.score === null) tally.excused += 1;
      else {
        tally.sum += result.score;
        tally.judged += 1;
      }
    }
  }
  return tallies;
}

type Member = Readonly<{
  miner: string;
  submission: string;
  deployment: string;
  opening: readonly DomainEvent[];
  crashes: readonly DomainEvent[];
}>;

function memberOf({ place, validator }: Measuring, miner: string, index: number): Member {
  const submission = `submission-${index}`;
  const archive = sha256(`archive ${index}`);
  const deployment = deploymentOf({ validator, ...place, submission, archive });
  const instance = { ...place, submission, miner, deployment };
  const crash = { reason: 'crashed', ours: false, exitCode: 1, detail: 'exit 1' } as const;
  return {
    miner,
    submission,
    deployment,
    opening: [
      {
        type: 'archive.accepted.v1',
        data: { ...place, submission, miner, archive, bytes: 100, entries: 2, from: 'owner' },
      },
      { type: 'runtime.ready.v1', data: { ...instance, attempt: 1, adapter: 'process' } },
    ],
    crashes: [1, 2, 3].map((attempt) => ({
      type: 'runtime.failed.v1',
      data: { ...instance, attempt, ...crash },
    })),
  };
}

type Pair = Readonly<{
  place: Place;
  task: string;
  taskAt: number;
  minerAt: number;
  lastMiner: boolean;
}>;

function pairEvents(pair: Pair, member: Member): readonly DomainEvent[] {
  const { taskAt, minerAt, lastMiner } = pair;
  if (taskAt === 1 && minerAt === 0) return [result(pair, member, 'excused', null)];
  if (taskAt === 1 && lastMiner) return [result(pair, member, 'failed', 0)];
  if (taskAt === 0 && lastMiner)
    return [
      { type: 'task.invoked.v1', data: invocation(pair, member, 1, 'too-late') },
      result(pair, member, 'failed', 0),
    ];
  if (taskAt !== 0 || minerAt !== 1) return scored(pair, member, 1);
  const silent = invocation(pair, member, 1, 'unreachable');
  return [{ type: 'task.invoked.v1', data: silent }, ...scored(pair, member, 2)];
}

function scored(pair: Pair, member: Member, attempt: number): readonly DomainEvent[] {
  const { place, task, taskAt, minerAt } = pair;
  const { miner } = member;
  const at = { ...place, task, miner, attempt };
  const invoked = invocation(pair, member, attempt, 'completed');
  const tools = ['sandbox', 'web_search'];
  const outcome = OUTCOMES[(taskAt + minerAt) % OUTCOMES.length] ?? 'correct';
  const figures = {
    requiredTool: taskAt % 2 === 0 ? 'web_search' : null,
    turnBudgetMs: BUDGET_MS,
    costFloor: 50_000,
    groundedCorrectness: (taskAt + 2 * minerAt) % 7 === 6 ? 500_000_000 : 900_000_000,
    instructionSafety: 1_000_000_000,
    preference: minerAt % 2 === 0 ? 800_000_000 : null,
  };
  const { turnMs } = invoked;
  const facts = { outcome, ...figures, tools, turnMs, cost: 60_000 };
  const computed = compositeScore({ ...facts, response: 'an answer', mustNotClaim: [] });
  if (computed.kind === 'unknown') throw new Error(`${computed.missing} are unknown`);
  const { composite, knockout } = computed;
  const transcript = evidenceOf(pair, miner);
  return [
    { type: 'task.invoked.v1', data: invoked },
    {
      type: 'evidence.gathered.v1',
      data: {
        ...at,
        tools,
        cost: { state: 'known', cost: 60_000 },
        ledger: { size: 1 + taskAt, hash: sha256(`ledger ${taskAt}`) },
      },
    },
    {
      type: 'task.judged.v1',
      data: { ...at, outcome, figures, composite, knockout, judge: 'local', transcript },
    },
    result(pair, member, 'scored', composite),
  ];
}

const OUTCOMES = ['correct', 'partial', 'wrong', 'disputed'] as const;
const BUDGET_MS = 120_000;

function invocation(
  { place, task, taskAt, minerAt }: Pair,
  { miner, submission, deployment }: Member,
  attempt: number,
  outcome: Of<'task.invoked.v1'>['outcome'],
): Of<'task.invoked.v1'> {
  const turnMs =
    outcome === 'too-late'
      ? BUDGET_MS + 1
      : 30_000 + ((taskAt * 7_919 + minerAt * 104_729) % 90_000);
  return {
    ...place,
    task,
    miner,
    attempt,
    submission,
    deployment,
    jobs: [jobIdOf({ turn: turnInAttempt(task, attempt), deployment })],
    outcome,
    latencyMs: turnMs,
    turnMs,
    answer: outcome === 'completed' ? sha256(`answer ${task} ${miner}`) : null,
    detail: '',
  };
}

function result(
  pair: Pair,
  { miner }: Member,
  status: Of<'score.recorded.v1'>['status'],
  score: number | null,
): DomainEvent {
  const basis = status === 'scored' ? 'final' : 'none';
  const { place, task } = pair;
  const evidence = evidenceOf(pair, miner);
  const data = { ...place, task, miner, status, score, basis, evidence } as const;
  return { type: 'score.recorded.v1', data };
}

function evidenceOf({ place, task }: Pair, miner: string): string {
  return sha256(`${place.run} ${task} ${miner}`);
}
