import type { ConnectionState } from '../../chain/connection-state.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import type { LogWriter } from '../../events/log.ts';
import type { AdvanceDeps } from '../../handlers/advance-run.ts';
import type { Fetch } from '../../handlers/ask-peers.ts';
import type { Step } from '../../handlers/run-progress.ts';
import { describeConflict, type SigningHistory } from '../../handlers/signing-history.ts';
import type { Check } from '../../http/documents.ts';
import type { EvaluationMetrics } from '../../http/evaluation-metrics.ts';
import type { Metrics } from '../../http/metrics.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Projection } from '../../runtime/projection.ts';
import { cosignaturesIn } from '../../sequencer/notes.ts';
import type { PublishedNote } from '../../sequencer/published-board.ts';
import type { Sequencer } from '../../sequencer/sequencer.ts';

/** Steps that an operator wants to see once each; the others repeat at every block. */
const MILESTONES: ReadonlySet<Step> = new Set([
  'take-open-snapshot',
  'close-run',
  'sign-report',
  'decide',
  'sign-decision',
  'miss-certificate',
  'compare-with-owner',
  'intend-weights',
  'sign-commitment',
  'open-scores',
  'sign-weights',
  'observe-weights',
  'sign-anchor',
]);

/** What a remark of these steps means; that of any other is a refusal by an outside party. */
const NOTES: Readonly<Partial<Record<Step, string>>> = {
  'miss-owner': 'the owner gave no pick in time, the incumbent is held',
  'take-open-snapshot': 'this validator reports, but does not vote in the run',
  'sign-report': 'the run goes on without a report of this validator',
  'sign-decision': 'the run goes on without a statement of this validator',
};

/** Tells each milestone of a run, and every remark on a step. */
export function stepLogger(logger: Logger): AdvanceDeps['onStep'] {
  return (run, step, note) => {
    if (step === 'compare-with-owner' && note !== null) logger.info({ run, step }, note);
    else if (note !== null)
      logger.warn(
        { run, step, reason: note },
        NOTES[step] ?? 'not yet, tried again at the next block',
      );
    else if (MILESTONES.has(step)) logger.info({ run, step }, 'step taken');
    else logger.debug({ run, step }, 'step taken');
  };
}

/** Tells when the connection to the chain comes and goes, and counts what it takes. */
export function chainWatcher(logger: Logger, metrics: Metrics): (state: ConnectionState) => void {
  let last: ConnectionState['status'] | null = null;
  return ({ status, detail, endpoint, handshakes, losses }) => {
    metrics.chainConnected({ connected: status === 'connected', handshakes, losses });
    if (status === last) return;
    last = status;
    if (status === 'connected') logger.info({ endpoint }, 'connected to the chain');
    else if (status === 'waiting') logger.warn({ reason: detail }, 'no connection to the chain');
    else logger.debug({ endpoint, detail }, 'the connection to the chain');
  };
}

/** Counts what peers answer. */
export function measuredFetch(fetch: Fetch, metrics: Metrics): Fetch {
  return async (url, options) => {
    const outcome = await fetch(url, options);
    metrics.peerFetched(outcome.kind === 'ok' ? 'accepted' : outcome.reason);
    return outcome;
  };
}

/** Counts appends, decisions and certificates where they are recorded. */
export function measuredAppend(append: LogWriter['append'], metrics: Metrics): LogWriter['append'] {
  return async (drafts) => {
    const started = performance.now();
    const result = await append(drafts);
    if (result.kind === 'conflict') return result;
    metrics.appended(result.events.length, performance.now() - started);
    for (const { event } of result.events) {
      if (event.type === 'decision.made.v1')
        metrics.decided(event.data.outcome.kind, event.data.outcome.reason);
      if (event.type === 'extrinsic.settled.v1')
        metrics.extrinsicSettled(event.data.purpose, event.data.outcome);
      if (event.type === 'weights.observed.v1') metrics.weightsObserved(event.data);
      if (event.type === 'certificate.built.v1') metrics.certified('built');
      if (event.type === 'certificate.missed.v1') metrics.certified('missed');
    }
    // What is sealed is counted as what it is.
    for (const { event } of drafts) measureStep(event, metrics);
    return result;
  };
}

/** Counts the steps of an evaluation. */
function measureStep(event: DomainEvent, metrics: EvaluationMetrics): void {
  switch (event.type) {
    case 'task.invoked.v1':
      return metrics.minerInvoked(event.data.outcome, event.data.latencyMs);
    case 'verdict.refused.v1':
      return metrics.verdictRefused();
    case 'score.recorded.v1':
      return metrics.pairSettled(event.data.status);
    case 'runtime.ready.v1':
      return metrics.runtimeChanged('ready');
    case 'runtime.failed.v1':
      return metrics.runtimeChanged(event.data.ours ? 'failed-ours' : 'failed-own');
    case 'runtime.ended.v1':
      return metrics.runtimeChanged('ended');
    default:
      return;
  }
}

/**
 * A history that counts each slot in which something else than asked was signed, and the check that shows
 * it from then on: no later success says that nobody else signs with this hotkey.
 */
export function watchedHistory(
  history: SigningHistory,
  metrics: Metrics,
): { history: SigningHistory; check: () => Check } {
  const conflicts = new Map<string, string>();
  const reserve: SigningHistory['reserve'] = async (slot, digest) => {
    const reserved = await history.reserve(slot, digest);
    const name = `${slot.kind} ${slot.family} ${slot.run}`;
    if (reserved.kind === 'conflict' && !conflicts.has(name)) {
      conflicts.set(name, describeConflict(slot, digest, reserved));
      metrics.signingConflicted(slot.kind);
    }
    return reserved;
  };
  const check = (): Check => {
    const detail = [...conflicts.values()].at(-1);
    return { name: 'signing', ok: detail === undefined, detail: detail ?? 'nothing was refused' };
  };
  return { history: { reserve }, check };
}

/** Whether the log is signed and published as it grows. */
export function checkpointCheck({ holdup, published }: Sequencer): Check {
  const reason = holdup();
  const size = published()?.size ?? 0;
  return { name: 'checkpoints', ok: reason === null, detail: reason ?? `up to event ${size}` };
}

/** Tells of the checkpoint that is served; `now` where it was just published. */
export function measurePublished(
  metrics: Metrics,
  published: PublishedNote | null,
  now: boolean,
): void {
  if (published === null) return;
  const { size, note } = published;
  metrics.checkpointPublished({ events: size, cosignatures: cosignaturesIn(note), now });
}

/** Brings the gauges up to date after a round. */
export function measureRound(
  metrics: Metrics,
  block: number | null,
  { size, projections }: { size: number; projections: readonly Projection[] },
): void {
  metrics.logSized(size);
  for (const { name, head } of projections) metrics.projectionLagged(name, size - head.size);
  if (block !== null) metrics.blockFinalized(block);
}
