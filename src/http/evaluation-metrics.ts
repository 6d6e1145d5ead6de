import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What a validator counts that runs and measures submissions itself. */
export type EvaluationMetrics = Readonly<{
  /** A miner was asked, and this came back after so long. */
  minerInvoked: (outcome: string, latencyMs: number) => void;
  /** A pair has its result. */
  pairSettled: (status: string) => void;
  /** The judge gave no verdict on an answer. */
  verdictRefused: () => void;
  /** A submission answers, failed by our fault or its own, or is gone. */
  runtimeChanged: (phase: string) => void;
  /** A pair waits after something of ours failed. */
  pairPostponed: (of: string) => void;
  /** A pair is excused because of something of ours. */
  pairExcused: (reason: string) => void;
  /** What a round left: pairs by state, null where unknown, tasks that nobody can judge, and whether a service of ours is away. */
  evaluationSeen: (
    at: Readonly<{
      pairs: Readonly<Record<string, number | null>>;
      noOracle: number;
      away: boolean;
    }>,
  ) => void;
}>;

/** From an answer at once to a thinking turn of ten minutes, and several of them. */
const INVOCATION_BUCKETS_SECONDS = [0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600, 1_800];

/** The figures of the evaluation, in a registry. */
export function evaluationMetrics(registry: Registry): EvaluationMetrics {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, label: Label) =>
    new Counter({ name, help, labelNames: [label], registers });
  const gauge = (name: string, help: string): Gauge => {
    const made = new Gauge({ name, help, registers });
    made.set(Number.NaN); // nobody has looked yet
    return made;
  };
  const latency = new Histogram({
    name: 'eirel_evaluation_invocation_seconds',
    help: 'What all turns of an invocation took, by its outcome',
    labelNames: ['outcome'],
    buckets: INVOCATION_BUCKETS_SECONDS,
    registers,
  });
  const settled = counter('eirel_evaluation_results_total', 'Results of pairs', 'status');
  const refused = new Counter({
    name: 'eirel_evaluation_refused_verdicts_total',
    help: 'Times that the judge gave no verdict on an answer',
    registers,
  });
  const runtimes = counter(
    'eirel_evaluation_runtimes_total',
    'Submissions that answer, failed by our fault or by their own, or are gone',
    'phase',
  );
  const postponed = counter(
    'eirel_evaluation_retries_total',
    'Times that a pair waits after something of ours failed, by what',
    'of',
  );
  const excused = counter(
    'eirel_evaluation_excuses_total',
    'Pairs that count for nobody because of something of ours, by what',
    'reason',
  );
  const pairs = new Gauge({
    name: 'eirel_evaluation_pairs',
    help: 'Pairs of the open runs by their state',
    labelNames: ['state'],
    registers,
  });
  const noOracle = gauge('eirel_evaluation_tasks_without_oracle', 'Tasks that nobody can judge');
  const away = gauge('eirel_evaluation_services_away', '1 while ledger, proxy or a tool is away');
  return {
    minerInvoked: (outcome, latencyMs) => latency.observe({ outcome }, latencyMs / 1_000),
    pairSettled: (status) => settled.inc({ status }),
    verdictRefused: () => refused.inc(),
    runtimeChanged: (phase) => runtimes.inc({ phase }),
    pairPostponed: (of) => postponed.inc({ of }),
    pairExcused: (reason) => excused.inc({ reason }),
    evaluationSeen: (at) => {
      for (const [state, count] of Object.entries(at.pairs))
        pairs.set({ state }, count ?? Number.NaN);
      noOracle.set(at.noOracle);
      away.set(at.away ? 1 : 0);
    },
  };
}
