import type { RuntimeFailure, RuntimeState, Runtimes } from '../../cluster/cluster.ts';
import { MAX_OWN_FAULTS } from '../../evaluation/failure-limits.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import { detailOf } from '../../events/scalars.ts';
import type { RuntimeRecord } from '../../projectors/runtime-queries.ts';
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
export function isLost({ faults }: RuntimeRecord): boolean {
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

/** What a program does: it may do so for want of a service of ours. */
const OF_A_PROGRAM: readonly RuntimeFailure['reason'][] = ['crashed', 'exited', 'not-ready'];

/**
 * Whose failure one more failed attempt is, decided once, when it is recorded: the adapter's word, but for a program
 * that failed while a service of ours was away (`outage`, in words). What is ours stays ours, however often: what befalls
 * a submission before its program runs, or because of where it runs, no miner pays for.
 */
export function blameOf(failure: RuntimeFailure, outage: string | null): RuntimeFailure {
  if (failure.ours || outage === null || !OF_A_PROGRAM.includes(failure.reason)) return failure;
  return { ...failure, ours: true, detail: detailOf(`while ${outage}: ${failure.detail}`) };
}

type Instance = Readonly<{
  family: string;
  run: string;
  submission: string;
  miner: string;
  deployment: string;
}>;

/**
 * What is new in the state of a wanted runtime, as an event; null when the log says it already. `outage` says what of our
 * services was away since the attempt was last known to be well.
 */
export function runtimeNews(
  instance: Instance,
  { attempt, phase, failure }: RuntimeState,
  record: RuntimeRecord | undefined,
  { adapter, outage }: Readonly<{ adapter: Runtimes['adapter']; outage: string | null }>,
): DomainEvent | null {
  const { family, run, submission, miner, deployment } = instance;
  const at = { family, run, submission, miner, deployment, attempt };
  const known = record?.attempt === attempt ? record.phase : null;
  if (phase === 'ready' && known === null)
    return { type: 'runtime.ready.v1', data: { ...at, adapter } };
  if (phase === 'failed' && known !== 'failed' && known !== 'ended') {
    const blame = blameOf(failure ?? NO_REASON, outage);
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
