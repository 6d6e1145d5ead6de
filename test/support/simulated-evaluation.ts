import { z } from 'zod';
import { Task, type TaskSet } from '#src/evaluation/task-set.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { closeWithExcuses } from '#src/handlers/evaluation/close-with-excuses.ts';
import { createEvaluation, type EvaluationParts } from '#src/handlers/evaluation/evaluation.ts';
import { prng } from './prng.ts';
import { digest, hotkey } from './recorded-events.ts';
import { idleClock, memoryBlobs, simulatedLog } from './simulated-log.ts';
import {
  type Fault,
  isAway,
  JOB_KEY,
  type Manner,
  outageSince,
  START_MS,
  simulatedCluster,
  simulatedJudge,
  simulatedLedger,
  simulatedMiners,
  simulatedOracles,
  simulatedOwner,
  simulatedSearch,
} from './simulated-services.ts';

const RUN = { family: 'general_chat', run: 'run-7' } as const;
const SELF = hotkey('V');
const ROUND_MS = 15_000;

/** A task that needs a tool, one without, one of the oracles, and one of several turns. */
export function simulatedTasks(count: number): readonly Task[] {
  return Array.from({ length: count }, (_, index) =>
    Task.parse({
      task_id: `t-${index}`,
      family_id: RUN.family,
      prompt: `Question ${index}?`,
      category: 'live_lookup',
      mode: 'instant',
      expected_output: {
        answer: index % 4 === 2 ? null : `answer ${index}`,
        must_not_claim: ['the moon is cheese'],
        required_tool: index % 2 === 0 ? 'web_search' : null,
      },
      oracle_source: index % 4 === 2 ? 'three_oracle' : 'deterministic',
      ...(index % 4 === 3
        ? {
            turns: [
              { user: 'Hello', assistant: 'Hello!' },
              { user: 'First?', assistant: null },
              { user: `Question ${index}?`, assistant: null },
            ],
          }
        : {}),
    }),
  );
}

/**
 * A validator's evaluation over small working stand-ins of everything outside of it, on a clock that moves only when all
 * that can happen at its time has happened. What is outside, and the log, outlive a crash; a new life has nothing else.
 */
export async function simulateEvaluation(
  plan: Readonly<{
    seed: string;
    /** By the letter of the miner's hotkey. */
    miners: Readonly<Record<string, Manner>>;
    tasks: readonly Task[];
    faults: readonly Fault[];
    leases: boolean;
    /** Whether any are configured; they are unless it says otherwise. */
    oracles?: boolean;
    /** How many of the tasks count; all do unless it says otherwise. */
    sample?: number;
    /** How many submissions the cluster has room for at once; for all unless it says otherwise. */
    room?: number;
    /** What the roster is named by; it decides whose turn it is where room is short. */
    roster?: string;
    /** The odds that this validator dies where something leaves the process or comes back to it. */
    mortality: number;
  }>,
) {
  const random = prng(plan.seed);
  const clock = idleClock(START_MS);
  const log = await simulatedLog(clock);
  const manners = new Map(
    Object.entries(plan.miners).map(([letter, each]) => [hotkey(letter), each]),
  );
  const miners = [...manners.keys()].toSorted();
  const blobs = memoryBlobs();
  const world = { ...plan, manners, clock, random };
  const taskSet = await blobs.put(bytesOf(taskSetOf(plan)));
  await log.record(openingOf(plan, miners, taskSet));
  const ledger = simulatedLedger(world);
  const owner = simulatedOwner(world);
  const excused: string[] = [];
  const crowded: object[] = [];
  const outside = {
    log,
    blobs,
    ledger: ledger.client,
    invokeMiner: simulatedMiners(world, ledger.jobs),
    judge: simulatedJudge(world),
    oracles: plan.oracles === false ? null : simulatedOracles(world),
    runtimes: simulatedCluster(world),
    documentSearch: simulatedSearch(world),
    rosterThere: () => !isAway(world, 'roster'),
    leases: plan.leases ? owner.leases : null,
    outage: (since: number) => outageSince(world, since, 'so far'),
    outageUntilNow: (since: number) => Promise.resolve(outageSince(world, since)),
    shortage: () => (isAway(world, 'disk') ? 'a disk is nearly full' : null),
    clock: clock.now,
    miners,
    onExcused: (cause: string) => excused.push(cause),
    onCrowded: (each: object) => crowded.push(each),
  };
  let immortal = false;
  const mortal: Mortal = async (act, die) => {
    if (!immortal && random() < plan.mortality) return die();
    const result = await act();
    return !immortal && random() < plan.mortality ? die() : result;
  };
  let crashes = 0;
  let life = startLife(outside, mortal);
  return {
    log,
    jobs: ledger.jobs,
    /** What is told of each pair that is excused. */
    excused,
    /** What is told of runs that have more submissions than find room. */
    crowded,
    results: owner.results,
    miners,
    crashes: () => crashes,
    waiting: () => life.evaluation.state.waiting,
    defects: () => life.evaluation.state.defects,
    noOracle: () => life.evaluation.state.noOracle,
    holdup: () => life.evaluation.state.holdup,
    progress: () => life.evaluation.state.progress,
    /** The reasons in the document of excuses. */
    reasons: async (excuses: string | undefined) =>
      Excuses.parse(textOf(await blobs.get(excuses ?? '', MAX_EXCUSES_BYTES))).pairs,
    /** As after `kill -9`: a new life knows nothing but what is outside of it. */
    restart: (): void => {
      life.end();
      life = startLife(outside, mortal);
    },
    survive: (): void => {
      immortal = true;
    },
    /** Lives through so much time, a round every fifteen seconds. A life that ends is followed by the next one. */
    live: async (ms: number): Promise<void> => {
      for (const until = clock.now() + ms; clock.now() < until; ) {
        const round = life.evaluation.round();
        round.catch(() => undefined); // awaited below, unless its life ended: then it never ends
        await clock.pass(ROUND_MS);
        if (life.dead()) {
          crashes += 1;
          life = startLife(outside, mortal);
        } else await round;
      }
    },
    close: async (): Promise<void> => {
      const record = closeWithExcuses(log.record, life.evaluation.excuses);
      const closing = record([{ type: 'run.closed.v1', data: { ...RUN, reason: 'commit-due' } }]);
      await clock.pass(ROUND_MS);
      await closing;
    },
    [Symbol.asyncDispose]: (): Promise<void> => {
      life.end();
      return log[Symbol.asyncDispose]();
    },
  };
}

const MAX_EXCUSES_BYTES = 1_000_000;
const Excuses = z.object({
  pairs: z.array(z.object({ task: z.string(), miner: z.string(), reason: z.string() })),
});

function textOf(bytes: Uint8Array | null): unknown {
  return bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes));
}

type Mortal = <T>(act: () => Promise<T>, die: () => Promise<never>) => Promise<T>;

type Outside = Readonly<{
  log: Awaited<ReturnType<typeof simulatedLog>>;
  miners: readonly string[];
  rosterThere: () => boolean;
}> &
  Pick<
    EvaluationParts,
    | 'blobs'
    | 'ledger'
    | 'invokeMiner'
    | 'judge'
    | 'oracles'
    | 'leases'
    | 'outage'
    | 'outageUntilNow'
    | 'shortage'
    | 'clock'
    | 'documentSearch'
    | 'onExcused'
    | 'onCrowded'
  > &
  Readonly<{ runtimes: Pick<EvaluationParts['runtimes'], 'reconcile' | 'capacity'> }>;

/** One life of the process: it ends at any boundary, and what it was doing never goes on. */
function startLife(outside: Outside, mortal: Mortal) {
  const stop = new AbortController();
  const die = (): Promise<never> => {
    stop.abort(new Error('killed'));
    return new Promise<never>(() => undefined);
  };
  const at = <T>(act: () => Promise<T>): Promise<T> =>
    stop.signal.aborted ? die() : mortal(act, die);
  const { log, ledger, invokeMiner, judge, oracles, runtimes, leases, miners } = outside;
  const evaluation = createEvaluation({
    ...outside,
    queries: log.queries,
    record: (events) => at(() => log.record(events)),
    alone: oneAtATime(),
    ledger: {
      openJob: (terms) => at(() => ledger.openJob(terms)),
      closeJob: (job) => at(() => ledger.closeJob(job)),
      readJob: (job) => at(() => ledger.readJob(job)),
      readLedger: (job) => at(() => ledger.readLedger(job)),
      meter: (cost) => at(() => ledger.meter(cost)),
    },
    invokeMiner: (request) => at(() => invokeMiner(request)),
    judge: { name: judge.name, ask: (question, signal) => at(() => judge.ask(question, signal)) },
    oracles,
    runtimes: {
      adapter: 'process',
      reconcile: (desired, spared) => at(() => runtimes.reconcile(desired, spared)),
      capacity: () => at(() => runtimes.capacity()),
      endAll: () => Promise.resolve({ kind: 'ended' }),
    },
    leases:
      leases === null
        ? null
        : {
            claim: (run, count) => at(() => leases.claim(run, count)),
            giveBack: (family, evaluation, reason) =>
              at(() => leases.giveBack(family, evaluation, reason)),
            submit: (family, evaluation, body) => at(() => leases.submit(family, evaluation, body)),
          },
    loadMembers: () =>
      Promise.resolve(
        outside.rosterThere()
          ? miners.map((hotkey) => ({
              hotkey,
              submission: submissionOf(hotkey),
              archive: digest('b'),
              bytes: 100,
              manifest: '{}',
            }))
          : null,
      ),
    self: SELF,
    jobKey: JOB_KEY,
    limits: { instantMs: 120_000, thinkingMs: 600_000, budget: 500_000_000, calls: 32 },
    costFloor: 0,
    parallel: { pairs: 8, tasks: 3 },
    signal: stop.signal,
    onLater: () => undefined,
    onDefect: () => undefined,
    onExcused: outside.onExcused,
    onCrowded: outside.onCrowded,
  });
  return { evaluation, dead: () => stop.signal.aborted, end: () => stop.abort(new Error('over')) };
}

function oneAtATime(): EvaluationParts['alone'] {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const next = last.then(act);
    last = next.catch(() => undefined);
    return next;
  };
}

/** With documents where the search of them matters. */
function taskSetOf({
  tasks,
  faults,
}: Readonly<{ tasks: readonly Task[]; faults: readonly Fault[] }>): TaskSet {
  const searched = faults.some(({ what }) => what === 'search');
  return {
    v: 'eirel/task-set/1',
    family: RUN.family,
    benchmark_version: '1',
    rubric_version: '1',
    tasks: [...tasks],
    corpora: searched
      ? [{ corpus_id: 'c', documents: [{ doc_id: 'd', content: 'what is known' }] }]
      : [],
  };
}

function bytesOf(document: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(document));
}

function openingOf(
  {
    tasks,
    sample = null,
    roster = digest('a'),
  }: Readonly<{ tasks: readonly Task[]; sample?: number | null; roster?: string }>,
  miners: readonly string[],
  taskSet: string,
): readonly DomainEvent[] {
  const phases = { snapshot: 1, commit: 1_000, decide: 1_010, certify: 1_020 };
  return [
    {
      type: 'run.opened.v1',
      data: {
        ...RUN,
        roster,
        miners: [...miners],
        tasks: tasks.map(({ task_id: id }) => id).toSorted(),
        phases,
      },
    },
    {
      type: 'roster.accepted.v1',
      data: {
        ...RUN,
        roster,
        document: digest('d'),
        taskSet,
        epoch: 1,
        members: miners.length,
        sample,
      },
    },
    ...miners.map((miner): DomainEvent => {
      const archive = { archive: digest('b'), bytes: 100, entries: 2, from: 'owner' } as const;
      return {
        type: 'archive.accepted.v1',
        data: { ...RUN, submission: submissionOf(miner), miner, ...archive },
      };
    }),
  ];
}

function submissionOf(miner: string): string {
  return `submission-${miner.slice(1, 2).toLowerCase()}`;
}
