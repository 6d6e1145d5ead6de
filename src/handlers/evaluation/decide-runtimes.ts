import type { RuntimeFailure, RuntimeState, Runtimes } from '../../cluster/cluster.ts';
import { MAX_OWN_FAULTS } from '../../evaluation/failure-limits.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import { detailOf } from '../../events/scalars.ts';
import type { RuntimeRecord } from '../../projectors/evaluation.ts';
import type { Standing } from './decide-evaluation.ts';

/** Between two attempts: longer each time, up to five minutes. */
const BACKOFF_FIRST_MS = 5_000;
const BACKOFF_LAST_MS = 300_000;

/**
 * Which attempt of a deployment is wanted now; null while it waits after a failure, and for one that is lost.
 * `failedAt` is when its last failure was seen, null where this process saw none.
 */
export function wantedAttempt(
  record: RuntimeRecord | undefined,
  { now, failedAt }: Readonly<{ now: number; failedAt: number | null }>,
): number | null {
  if (record === undefined) return 1;
  if (isLost(record)) return null;
  if (record.phase === 'ready') return record.attempt;
  const { own, ours } = record.faults;
  const waits = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(own + ours - 1, 16));
  return failedAt !== null && now < failedAt + waits ? null : record.attempt + 1;
}

/** Whether a submission failed for good by its own fault. */
function isLost({ faults }: RuntimeRecord): boolean {
  return faults.own >= MAX_OWN_FAULTS;
}

/** How a miner stands by what the log and the last look at the runtimes say. */
export function standingOf(
  record: RuntimeRecord | undefined,
  state: Pick<RuntimeState, 'phase'> | undefined,
): Standing {
  if (record !== undefined && isLost(record)) return 'lost';
  return state?.phase === 'ready' ? 'ready' : 'waiting';
}

/**
 * An attempt may fail so often for reasons that look like ours. What fails once more while other miners' submissions
 * run has the same images, limits and services as they have: all that differs is the submission.
 */
const MAX_OUR_FAULTS = 3;

/** Reasons that follow from when and where an attempt was begun: never a miner's, however often. */
const NEVER_A_MINERS: readonly RuntimeFailure['reason'][] = ['quota', 'image', 'deadline'];

/**
 * Whose failure one more failed attempt is, decided once, when it is recorded. `othersRun` says whether a submission of
 * another miner of the same run is ready at this moment: without one nothing proves that the cluster is well, and the
 * failure stays ours.
 */
export function blameOf(
  failure: RuntimeFailure,
  { ourFaults, othersRun }: Readonly<{ ourFaults: number; othersRun: boolean }>,
): RuntimeFailure {
  const stays =
    !failure.ours ||
    !othersRun ||
    ourFaults < MAX_OUR_FAULTS ||
    NEVER_A_MINERS.includes(failure.reason);
  if (stays) return failure;
  const detail = detailOf(`attempt ${ourFaults + 1} fails while others run: ${failure.detail}`);
  return { ...failure, ours: false, detail };
}

type Instance = Readonly<{
  family: string;
  run: string;
  submission: string;
  miner: string;
  deployment: string;
}>;

/** What is new in the state of a wanted runtime, as an event; null when the log says it already. */
export function runtimeNews(
  instance: Instance,
  { attempt, phase, failure }: RuntimeState,
  record: RuntimeRecord | undefined,
  { adapter, othersRun }: Readonly<{ adapter: Runtimes['adapter']; othersRun: boolean }>,
): DomainEvent | null {
  const { family, run, submission, miner, deployment } = instance;
  const at = { family, run, submission, miner, deployment, attempt };
  const known = record?.attempt === attempt ? record.phase : null;
  if (phase === 'ready' && known === null)
    return { type: 'runtime.ready.v1', data: { ...at, adapter } };
  if (phase === 'failed' && known !== 'failed' && known !== 'ended') {
    const ourFaults = record?.faults.ours ?? 0;
    const blame = blameOf(failure ?? NO_REASON, { ourFaults, othersRun });
    return { type: 'runtime.failed.v1', data: { ...at, ...blame } };
  }
  return null;
}

/** Without a word about why, nobody is to blame but ourselves. */
const NO_REASON: RuntimeFailure = {
  reason: 'unavailable',
  ours: true,
  exitCode: null,
  detail: 'no reason was given',
};
