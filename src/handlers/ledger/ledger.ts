import { type JobCost, jobCost, wholeCost } from '../../evaluation/job-cost.ts';
import type { Head } from '../../events/envelope.ts';
import {
  callsOfJob,
  type JobCalls,
  jobsAmong,
  type Kept,
  type KeptJob,
  pendingOfJob,
  spentOnJob,
} from '../../projectors/ledger.ts';
import { createDesk, type DeskDeps, type Ruled } from './desk.ts';
import type { JobTerms, MeteredCost, ReservedCost, ToolCall } from './ledger-port.ts';

export type LedgerDeps = DeskDeps &
  Readonly<{
    /** How far the projection is: its rows hold that, or more. */
    head: () => Head;
  }>;

/** What is known of one job. */
type JobAccount = Readonly<{
  /** Null for a job that nobody opened: calls may be put down to it all the same. */
  opened: KeptJob | null;
  /** How many calls of tools were attested. */
  calls: number;
  /** What was put down to it so far, the pending calls aside. */
  spent: JobCost;
  /** Calls of models that were reserved and are not metered. */
  pending: readonly Kept<ReservedCost>[];
  /** Of all its calls: unknown while one of them is pending. */
  cost: JobCost;
  /** Everything that was acknowledged of the job is in it; it holds all that this head does. */
  head: Head;
}>;

/** The ledger: the one writer of its log, and what is read of it. A read shows all that was acknowledged before. */
export type Ledger = Readonly<{
  open: (terms: JobTerms) => Promise<Ruled>;
  close: (job: string) => Promise<Ruled>;
  attest: (calls: readonly ToolCall[]) => Promise<Ruled>;
  reserve: (call: ReservedCost) => Promise<Ruled>;
  meter: (calls: readonly MeteredCost[]) => Promise<Ruled>;
  account: (job: string) => Promise<JobAccount>;
  /** As `account`, with every call. */
  statement: (job: string) => Promise<JobAccount & JobCalls>;
}>;

/** The ledger over one log and its projection. */
export function createLedger(deps: LedgerDeps): Ledger {
  const desk = createDesk(deps);
  const { queries, reached, head } = deps;
  /** Comes first of a read: what is asked after it holds all that was acknowledged, and at least what the head says. */
  const opening = async (job: string): Promise<Pick<JobAccount, 'opened' | 'head'>> => {
    await reached(desk.acknowledged(job));
    const at = head();
    const [opened = null] = await jobsAmong(queries, [job]);
    return { opened, head: at };
  };
  return {
    open: (terms) => desk.submit([{ kind: 'open', terms }]),
    close: (job) => desk.submit([{ kind: 'close', job }]),
    attest: (calls) => desk.submit(calls.map((call) => ({ kind: 'attest', call }))),
    reserve: (call) => desk.submit([{ kind: 'reserve', call }]),
    meter: (calls) => desk.submit(calls.map((call) => ({ kind: 'meter', call }))),
    account: async (job) => {
      const known = await opening(job);
      // In this order: what is metered meanwhile counts twice, and never not at all.
      const pending = await pendingOfJob(queries, job);
      const { calls, spent } = await spentOnJob(queries, job);
      return { ...known, calls, spent, pending, cost: wholeCost(spent, pending.length) };
    },
    statement: async (job) => {
      const known = await opening(job);
      const pending = await pendingOfJob(queries, job);
      const found = await callsOfJob(queries, job);
      const spent = spentOn(found);
      const cost = wholeCost(spent, pending.length);
      return { ...known, ...found, calls: found.tools.length, spent, pending, cost };
    },
  };
}

function spentOn({ tools, models }: JobCalls): JobCost {
  const costs = [
    ...tools.map(({ data: { cost } }) => ({ cost, cause: 'tool' })),
    ...models.map(({ data: { cost, unknown } }) => ({ cost, cause: unknown ?? 'proxy' })),
  ];
  const unknown = costs.filter(({ cost }) => cost === null);
  return jobCost({
    knownNanoUsd: costs.reduce((sum: number, { cost }) => sum + (cost ?? 0), 0),
    unknownCalls: unknown.length,
    causes: [...new Set(unknown.map(({ cause }) => cause))],
  });
}
