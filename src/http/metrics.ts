import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Purpose, Settlement } from '../events/extrinsic.ts';
import type { RejectionReason } from '../events/report.ts';
import type { WeightReason } from '../events/weights.ts';
import { type EvaluationMetrics, evaluationMetrics } from './evaluation-metrics.ts';

/** What a validator counts. The functions are handed to whoever has something to record; nothing here is global. */
export type Metrics = Readonly<{
  registry: Registry;
  /** Events in this validator's log. */
  logSized: (events: number) => void;
  /** One atomic batch was committed: how many events, and how long the log took. */
  appended: (events: number, durationMs: number) => void;
  /** A checkpoint is published that covers so many events, with so many cosignatures; `now` where that was just done. */
  checkpointPublished: (at: { events: number; cosignatures: number; now: boolean }) => void;
  /** Events in the log that a projector has not projected yet. */
  projectionLagged: (projector: string, events: number) => void;
  /** One thing was asked of one peer; peers are not told apart, for anybody can register many. */
  peerFetched: (outcome: 'accepted' | RejectionReason) => void;
  decided: (kind: 'winner' | 'hold' | 'burn', reason: WeightReason) => void;
  certified: (outcome: 'built' | 'missed') => void;
  blockFinalized: (block: number) => void;
  /** The one connection to the chain: whether it stands, handshakes and losses since the start. */
  chainConnected: (at: { connected: boolean; handshakes: number; losses: number }) => void;
  extrinsicSettled: (purpose: Purpose, outcome: Settlement) => void;
  /** What the chain holds for this validator was looked at. */
  weightsObserved: (at: { matches: boolean; lastUpdate: number }) => void;
  /** Something else than was to be signed is in the signing history: nothing was signed, and a person has to look. */
  signingConflicted: (kind: 'report' | 'commitment' | 'decision') => void;
  /** A supervised loop failed and was started again. */
  loopRestarted: (loop: string) => void;
  /** `route` is the pattern of the route, never a path that a client chose. */
  requestAnswered: (route: string, status: number) => void;
}> &
  EvaluationMetrics;

/** A registry with the figures of this validator and of its process. One a process: `createMetrics` starts an event-loop probe. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    ...logMetrics(registry),
    ...checkpointMetrics(registry),
    ...workMetrics(registry),
    ...chainMetrics(registry),
    ...evaluationMetrics(registry),
    ...requestMetrics(registry),
  };
}

/** What any other service counts: its requests. */
export type ServiceMetrics = Pick<Metrics, 'registry' | 'requestAnswered'>;

/** A registry with the figures of a process that only answers requests. */
export function createServiceMetrics(): ServiceMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return { registry, ...requestMetrics(registry) };
}

/** What a service counts that writes a log: its requests, its appends, and how far its projections are. */
export type LogServiceMetrics = ServiceMetrics &
  Pick<Metrics, 'logSized' | 'appended' | 'projectionLagged'>;

/** A registry with the figures of a process that writes a log. */
export function createLogServiceMetrics(): LogServiceMetrics {
  const metrics = createServiceMetrics();
  return { ...metrics, ...logMetrics(metrics.registry) };
}

/** One event up to a full atomic batch. */
const BATCH_BUCKETS_EVENTS = [1, 3, 10, 30, 100, 300, 1_000];

/** From a batch in memory to a disk whose sync has stalled. */
const APPEND_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

function logMetrics(registry: Registry) {
  const registers = [registry];
  const size = new Gauge({
    name: 'eirel_log_size_events',
    help: 'Events in the log that this process writes',
    registers,
  });
  const batch = new Histogram({
    name: 'eirel_log_append_batch_events',
    help: 'Events of one atomic batch',
    buckets: BATCH_BUCKETS_EVENTS,
    registers,
  });
  const duration = new Histogram({
    name: 'eirel_log_append_duration_seconds',
    help: 'From sending an atomic batch to its acknowledgement',
    buckets: APPEND_BUCKETS_SECONDS,
    registers,
  });
  const lag = new Gauge({
    name: 'eirel_projection_lag_events',
    help: 'Events that a projector has not projected yet',
    labelNames: ['projector'],
    registers,
  });
  unknownAtFirst(size);
  return {
    logSized: (events: number) => size.set(events),
    appended: (events: number, durationMs: number) => {
      batch.observe(events);
      duration.observe(durationMs / 1_000);
    },
    projectionLagged: (projector: string, events: number) => lag.set({ projector }, events),
  };
}

function checkpointMetrics(registry: Registry) {
  const gauge = (name: string, help: string): Gauge => {
    const made = new Gauge({ name, help, registers: [registry] });
    unknownAtFirst(made);
    return made;
  };
  const covered = gauge(
    'eirel_checkpoint_size_events',
    'Events that the newest published checkpoint covers',
  );
  const cosigned = gauge(
    'eirel_checkpoint_cosignatures',
    'Witnesses that cosigned the newest published checkpoint; 0 while none did',
  );
  const published = gauge(
    'eirel_checkpoint_timestamp_seconds',
    'Unix time at which this process published a checkpoint last',
  );
  return {
    checkpointPublished: (at: { events: number; cosignatures: number; now: boolean }) => {
      covered.set(at.events);
      cosigned.set(at.cosignatures);
      if (at.now) published.setToCurrentTime();
    },
  };
}

function workMetrics(registry: Registry) {
  const registers = [registry];
  const fetches = new Counter({
    name: 'eirel_peer_fetches_total',
    help: 'Things asked of peers, by what came of it: accepted, or why it was refused',
    labelNames: ['outcome'],
    registers,
  });
  const decisions = new Counter({
    name: 'eirel_decisions_total',
    help: 'Decisions of runs, by kind and reason',
    labelNames: ['kind', 'reason'],
    registers,
  });
  const certificates = new Counter({
    name: 'eirel_certificates_total',
    help: 'Certificates of runs: built, or missed by the certify block',
    labelNames: ['outcome'],
    registers,
  });
  const finalized = new Gauge({
    name: 'eirel_finalized_block',
    help: 'Newest finalised block that the chain told of',
    registers,
  });
  const conflicts = new Counter({
    name: 'eirel_signing_conflicts_total',
    help: 'Reports, commitments and decisions that were not signed because something else had been',
    labelNames: ['kind'],
    registers,
  });
  const restarts = new Counter({
    name: 'eirel_loop_restarts_total',
    help: 'Failures of supervised loops, each followed by a restart',
    labelNames: ['loop'],
    registers,
  });
  unknownAtFirst(finalized);
  return {
    peerFetched: (outcome: string) => fetches.inc({ outcome }),
    decided: (kind: string, reason: string) => decisions.inc({ kind, reason }),
    certified: (outcome: string) => certificates.inc({ outcome }),
    blockFinalized: (block: number) => finalized.set(block),
    signingConflicted: (kind: string) => conflicts.inc({ kind }),
    loopRestarted: (loop: string) => restarts.inc({ loop }),
  };
}

function chainMetrics(registry: Registry) {
  const registers = [registry];
  const gauge = (name: string, help: string): Gauge => {
    const made = new Gauge({ name, help, registers });
    unknownAtFirst(made);
    return made;
  };
  const connected = gauge('eirel_chain_connected', '1 while a node of the chain is connected');
  const handshakes = gauge('eirel_chain_handshakes', 'Handshakes with nodes since the start');
  const losses = gauge('eirel_chain_losses', 'Connections to nodes lost since the start');
  const matches = gauge(
    'eirel_weights_match',
    '1 when the chain held the intended weights at the last look',
  );
  const lastUpdate = gauge(
    'eirel_weights_last_update_block',
    "Block of this hotkey's last weights or weight commit",
  );
  const extrinsics = new Counter({
    name: 'eirel_extrinsics_total',
    help: 'Extrinsics by purpose, and how they ended',
    labelNames: ['purpose', 'outcome'],
    registers,
  });
  return {
    chainConnected: (at: { connected: boolean; handshakes: number; losses: number }) => {
      connected.set(at.connected ? 1 : 0);
      handshakes.set(at.handshakes);
      losses.set(at.losses);
    },
    extrinsicSettled: (purpose: string, outcome: string) => extrinsics.inc({ purpose, outcome }),
    weightsObserved: (at: { matches: boolean; lastUpdate: number }) => {
      matches.set(at.matches ? 1 : 0);
      lastUpdate.set(at.lastUpdate);
    },
  };
}

function requestMetrics(registry: Registry) {
  // Finding a labelled counter costs a good part of serving signed bytes, so requests are counted
  // here and told to the counter when somebody looks.
  const counts = new Map<string, Map<number, number>>();
  new Counter({
    name: 'eirel_http_requests_total',
    help: 'HTTP requests by route and status',
    labelNames: ['route', 'status'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [route, byStatus] of counts) {
        for (const [status, count] of byStatus) this.inc({ route, status }, count);
      }
    },
  });
  return {
    requestAnswered: (route: string, status: number) => {
      const byStatus = counts.get(route) ?? new Map<number, number>();
      if (byStatus.size === 0) counts.set(route, byStatus);
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
    },
  };
}

/** A new gauge shows 0, which would be a claim; NaN says that nobody has looked yet. */
function unknownAtFirst(gauge: Gauge): void {
  gauge.set(Number.NaN);
}
