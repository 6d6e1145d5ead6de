import type { EventOf, InRun } from '../events/define-event.ts';
import type { RuntimeFailed } from '../events/runtime.ts';

/** One submission that is to run: what its roster says, and which attempt of it. */
export type RuntimeWanted = Readonly<{
  family: string;
  run: string;
  submission: string;
  miner: string;
  /** `deploymentOf`: the name of this submission's instance on this validator's machines. */
  deployment: string;
  /**
   * From 1. An attempt that has failed is never begun again: whoever wants another one asks for the next, so how often
   * a submission is started again is decided from the log alone.
   */
  attempt: number;
  /** SHA-256 of the archive, as the roster has it. */
  archive: string;
  /** The archive's bytes; asked for only where the attempt has yet to be begun. */
  bytes: () => Promise<Uint8Array>;
  /** The roster's text of the manifest. */
  manifest: string;
}>;

/** Why an attempt does not run, in the words of `runtime.failed`. `ours` blames no miner. */
export type RuntimeFailure = Readonly<
  Pick<EventOf<typeof RuntimeFailed>['data'], 'reason' | 'ours' | 'exitCode' | 'detail'>
>;

/** What is known of one attempt. */
export type RuntimeState = Readonly<{
  deployment: string;
  attempt: number;
  /**
   * - `starting`: on its way; `failure` says what holds it up (no quota, no image yet), which may pass by itself
   * - `ready`: it answers on its health path at `url`
   * - `failed`: this attempt is over, and `failure` says why
   * - `ending`: nobody wants it any more, and something of it is still there
   */
  phase: 'starting' | 'ready' | 'failed' | 'ending';
  /** Where to ask it, `http://host:port`; null unless it is ready. */
  url: string | null;
  failure: RuntimeFailure | null;
}>;

/** What a reconcile found, or that it could find out nothing: then nothing may be concluded, least of all an end. */
export type Reconciled =
  | Readonly<{ kind: 'known'; states: readonly RuntimeState[] }>
  | Readonly<{ kind: 'unknown'; detail: string }>;

/** How the end of a run's runtimes went. */
export type RuntimesEnded =
  | Readonly<{ kind: 'ended' }>
  | Readonly<{ kind: 'ending'; left: number }>
  | Readonly<{ kind: 'unknown'; detail: string }>;

/**
 * Where submissions run: the port that the Kubernetes adapter and the process adapter implement. It is level-triggered
 * and idempotent: to be called again and again, after a crash as well.
 */
export type Runtimes = Readonly<{
  adapter: 'kubernetes' | 'process';
  /**
   * Takes the one whole set of what this validator wants to run now, over all runs: begins what is missing, renews the
   * leases of what runs, takes down whatever else of this validator is there. Answers within seconds, with the state of
   * each wanted one in the order given, then each `ending` one. What is no longer wanted and not in the answer is gone.
   * Of a run that is to be spared, because nobody can say who takes part in it, what runs is kept and its leases are
   * renewed: nothing of it is begun, nothing taken down, and the answer says nothing of it. Never throws for a cluster's
   * or a submission's fault. Calls must not overlap.
   */
  reconcile: (desired: readonly RuntimeWanted[], spared?: readonly InRun[]) => Promise<Reconciled>;
  /**
   * How many submissions may run at once by what the operator granted them, each with what it is given; null where
   * nothing limits that, or nobody can tell now. Never throws.
   */
  capacity: () => Promise<number | null>;
  /** Takes down all of a run, and waits some seconds for the end: `ending` says to call again. */
  endAll: (run: Readonly<{ family: string; run: string }>) => Promise<RuntimesEnded>;
}>;
