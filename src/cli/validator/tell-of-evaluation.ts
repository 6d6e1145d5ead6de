import type { createEvaluation, EvaluationParts } from '../../handlers/evaluation/evaluation.ts';
import type { LoopState } from '../../handlers/validator-loop.ts';
import type { Check } from '../../http/documents.ts';
import type { EvaluationMetrics } from '../../http/evaluation-metrics.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { ServiceWatch } from '../../runtime/service-watch.ts';

/** Tells operators of pairs that wait or are excused, and of a roster that is too large for the cluster. */
export function noticesTo({
  metrics,
  logger,
}: Readonly<{ metrics: EvaluationMetrics; logger: Logger }>): Pick<
  EvaluationParts,
  'onLater' | 'onDefect' | 'onExcused' | 'onCrowded'
> {
  return {
    onLater: (pair, { cause, detail: reason }) => {
      metrics.pairPostponed(cause);
      logger.warn({ ...pair, reason }, 'not yet, tried again later');
    },
    onExcused: metrics.pairExcused,
    onCrowded: (crowded) => logger.warn(crowded, NO_ROOM),
    onDefect: (pair, error) => {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      logger.error({ ...pair, reason }, 'a defect of ours, tried again later');
    },
  };
}

/** Nothing is lost by it but time: whoever waits is begun when another one has all its results. */
const NO_ROOM =
  'the roster has more submissions than the quota of the cluster holds at once: the others wait for their turn, and are excused when the run ends first. Raise the ResourceQuota of the miners (deploy/k8s/miners/limits.yaml), or give each less (EIREL_RUNTIME_CPU_MILLIS, EIREL_RUNTIME_MEMORY_MIB, EIREL_RUNTIME_DISK_MIB)';

/** Whether the loop goes through, and what it is at. */
export function loopCheck(
  { failures, lastError }: LoopState,
  {
    busy,
    waiting,
    defects,
    noOracle,
    holdup,
    crowded,
  }: ReturnType<typeof createEvaluation>['state'],
): Check {
  const unjudged = noOracle === 0 ? '' : `, ${noOracle} tasks are judged for nobody: no-oracle`;
  const broken = defects === 0 ? '' : `, ${defects} of them for a defect, see the log`;
  const turns = crowded.map(
    ({ run, members, room }) =>
      `, ${room} of the ${members} submissions of ${run} find room at once`,
  );
  const doing = `${busy} pairs at work, ${waiting} wait${broken}${unjudged}${turns.join('')}`;
  const detail = lastError ?? holdup ?? doing;
  return { name: 'evaluation', ok: failures === 0, detail };
}

/** Whether everything of ours is there that miners need. */
export function serviceCheck({ outage }: ServiceWatch): Check {
  const detail = outage(Date.now());
  return {
    name: 'services',
    ok: detail === null,
    detail: detail ?? 'ledger, proxy and tools answer',
  };
}
