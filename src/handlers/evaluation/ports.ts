import type { Answered } from '../../evaluation/answer-stream.ts';
import type { JudgeQuestion, Verdict } from '../../evaluation/judge-contract.ts';
import type { OracleQuestion } from '../../evaluation/oracles.ts';
import type { OracleAnswer, Reconciled, Vendor } from '../../evaluation/reconciler.ts';
import type { RosterMember } from '../../evaluation/roster.ts';

/** One of our own services did not do its part: nothing follows for a miner, and it is tried again. */
export type Unavailable = Readonly<{ kind: 'unavailable'; detail: string }>;

/** What a miner is asked in one turn, and where. */
export type TurnRequest = Readonly<{
  /** `http://host:port` of its runtime: nothing else is connected to. */
  url: string;
  body: string;
  job: string;
  token: string;
  /** From the request to the end of the answer, in milliseconds. */
  timeoutMs: number;
  signal: AbortSignal;
}>;

/** What came back, and how long it took by our own clock. `aborted` is our doing; all else but `completed` the miner's. */
export type TurnResult = Readonly<{ ms: number }> &
  (
    | Answered
    | Readonly<{ kind: 'too-late' | 'unreachable'; detail: string }>
    | Readonly<{ kind: 'aborted'; detail: string }>
  );

/** Asks a miner's runtime. Never throws for the other side's faults. */
export type InvokeMiner = (request: TurnRequest) => Promise<TurnResult>;

/** Who judges answers. */
export type Judge = Readonly<{
  name: string;
  ask: (
    question: JudgeQuestion,
    signal: AbortSignal,
  ) => Promise<
    | Readonly<{
        kind: 'ok';
        verdict: Verdict;
        /** What was asked and answered, for whoever checks it later. */
        calls: readonly Readonly<{ path: string; request: unknown; response: unknown }>[];
      }>
    | Unavailable
  >;
}>;

/** The oracles of this validator, and who reconciles them. */
export type Oracles = Readonly<{
  /** Whose answer miners are compared with. */
  preferred: Vendor;
  /** Every oracle at once: those that answered, and why the others did not. */
  askAll: (
    question: OracleQuestion,
    signal: AbortSignal,
  ) => Promise<Readonly<{ answers: readonly OracleAnswer[]; failures: readonly string[] }>>;
  /** The preferred oracle alone. */
  askPreferred: (
    question: OracleQuestion,
    signal: AbortSignal,
  ) => Promise<Readonly<{ kind: 'ok'; answer: OracleAnswer }> | Unavailable>;
  reconcile: (
    asked: Readonly<{ prompt: string; answers: readonly OracleAnswer[] }>,
    signal: AbortSignal,
  ) => Promise<Readonly<{ kind: 'ok'; reconciled: Reconciled; cost: number | null }> | Unavailable>;
}>;

/**
 * What of our own services (ledger, provider proxy, tools) was not there at any time since, in words; null when all of
 * them were, or the one that is asked for. A miner that was asked meanwhile may have failed because of it.
 */
export type Outage = (sinceMs: number, service?: 'rag') => string | null;

/** As `Outage`, by a look at each of them that is begun now: what went away a moment ago is told as well. */
export type OutageUntilNow = (sinceMs: number) => Promise<string | null>;

/** The members of a run's roster; null while it is not here. */
export type LoadMembers = (
  run: Readonly<{ family: string; run: string }>,
) => Promise<readonly RosterMember[] | null>;

/** Leases of tasks by the owner, where results are submitted to it. Nothing of it throws for the owner's faults. */
export type Leases = Readonly<{
  claim: (
    run: Readonly<{ family: string; run: string }>,
    count: number,
  ) => Promise<Readonly<{ kind: 'ok'; leases: readonly Lease[] }> | Unavailable>;
  giveBack: (
    family: string,
    evaluation: string,
    reason: string,
  ) => Promise<Readonly<{ kind: 'ok' }> | Unavailable>;
  /** `refused`: the lease is not ours any more. */
  submit: (
    family: string,
    evaluation: string,
    body: unknown,
  ) => Promise<
    Readonly<{ kind: 'ok' }> | Readonly<{ kind: 'refused'; detail: string }> | Unavailable
  >;
}>;

type Lease = Readonly<{ evaluation: string; task: string; expires: string }>;
