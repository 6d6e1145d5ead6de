import { type JobCost, jobCost } from '../../evaluation/job-cost.ts';
import type { Head } from '../../events/envelope.ts';
import {
  callsOfJob,
  type JobCalls,
  jobsAmong,
  type KeptJob,
  spentOnJob,
} from '../../projectors/ledger.ts';
import { createDesk, type DeskDeps, type Ruled } from './desk.ts';
import type { JobTerms, MeteredCost, ToolCall } from './ledger-port.ts';

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
  cost: JobCost;
  /** Everything that was acknowledged of the job is in it; it holds all that this head does. */
  head: Head;
}>;

/** The ledger: the one writer of its log, and what is read of it. A read shows all that was acknowledged before. */
export type Ledger = Readonly<{
  open: (terms: JobTerms) => Promise<Ruled>;
  close: (job: string) => Promise<Ruled>;
  attest: (calls: readonly ToolCall[]) => Promise<Ruled>;
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
    meter: (calls) => desk.submit(calls.map((call) => ({ kind: 'meter', call }))),
    account: async (job) => ({ ...(await opening(job)), ...(await spentOnJob(queries, job)) }),
    statement: async (job) => {
      const known = await opening(job);
      const found = await callsOfJob(queries, job);
      const cost = costOf([...found.tools, ...found.models]);
      return { ...known, ...found, calls: found.tools.length, cost };
    },
  };
}

function costOf(calls: readonly Readonly<{ data: { cost: number | null } }>[]): JobCost {
  const costs = calls.map(({ data }) => data.cost);
  return jobCost({
    knownNanoUsd: costs.reduce((sum: number, cost) => sum + (cost ?? 0), 0),
    unknownCalls: costs.filter((cost) => cost === null).length,
  });
}
