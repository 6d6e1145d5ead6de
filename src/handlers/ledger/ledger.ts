import { type JobCost, jobCost, wholeCost } from '../../evaluation/job-cost.ts';
import type { Head } from '../../events/envelope.ts';
import {
  accountOfJob,
  type JobAccount,
  type JobRecord,
  type Kept,
  type KeptJob,
  recordOfJob,
} from '../../projectors/ledger-queries.ts';
import { createDesk, type Desk, type DeskDeps } from './desk.ts';
import { withFacts } from './facts.ts';
import type { JobTerms, MeteredCost, ReservedCost, ToolCall } from './ledger-port.ts';
import type { Ruled } from './rule-on-request.ts';

/** Where a job stands. */
type Account = Readonly<{
  /** Null for a job that nobody opened: calls may be put down to it all the same. */
  opened: KeptJob | null;
  /** How many calls of tools were attested, and of models metered. */
  calls: number;
  metered: number;
  /** What was put down to it so far, the pending calls aside. */
  spent: JobCost;
  /** Calls of models that were reserved and are not metered. */
  pending: readonly Kept<ReservedCost>[];
  /** Of all its calls: unknown while one of them is pending. */
  cost: JobCost;
  /** All that is told of the job stands before this head, and everything that was acknowledged of it. */
  head: Head;
}>;

/** What is known of one job, with every call. */
type Statement = Account & Pick<JobRecord, 'tools' | 'models'>;

/** The ledger: the one writer of its log, and what is read of it. A read shows all that was acknowledged before. */
export type Ledger = Readonly<{
  open: (terms: JobTerms) => Promise<Ruled>;
  close: (job: string) => Promise<Ruled>;
  attest: (calls: readonly ToolCall[]) => Promise<Ruled>;
  reserve: (call: ReservedCost) => Promise<Ruled>;
  meter: (calls: readonly MeteredCost[]) => Promise<Ruled>;
  account: (job: string) => Promise<Account>;
  statement: (job: string) => Promise<Statement>;
  /** How much waits to be ruled on. */
  waiting: Desk['waiting'];
  /** How many acknowledged events the projection does not show yet. */
  unshown: () => number;
}>;

export type LedgerDeps = DeskDeps &
  Readonly<{
    /** Does a read while nobody begins a turn: a read takes a millisecond, and waits for many turns otherwise. */
    first: <T>(read: () => Promise<T>) => Promise<T>;
  }>;

/** The ledger over one log and its projection. */
export function createLedger(deps: LedgerDeps): Ledger {
  const desk = createDesk(deps);
  // In this order: what the projection comes to show meanwhile is there twice, and nothing is missing.
  const account: Ledger['account'] = async (job) => {
    const unshown = desk.unshown();
    const { record, head } = await deps.first(() => accountOfJob(deps.queries, job));
    return accountOf(withFacts(record, unshown.facts, job), unshown.head, head);
  };
  const statement: Ledger['statement'] = async (job) => {
    const unshown = desk.unshown();
    const { record, head } = await deps.first(() => recordOfJob(deps.queries, job));
    const known = withFacts(record, unshown.facts, job);
    const { tools, models } = known;
    return { ...accountOf(known, unshown.head, head), tools, models };
  };
  return {
    open: (terms) => desk.submit([{ kind: 'open', terms }]),
    close: (job) => desk.submit([{ kind: 'close', job }]),
    attest: (calls) => desk.submit(calls.map((call) => ({ kind: 'attest', call }))),
    reserve: (call) => desk.submit([{ kind: 'reserve', call }]),
    meter: (calls) => desk.submit(calls.map((call) => ({ kind: 'meter', call }))),
    account,
    statement,
    waiting: desk.waiting,
    unshown: () => Math.max(0, (desk.unshown().head?.size ?? 0) - deps.shown()),
  };
}

function accountOf(job: JobAccount, acknowledged: Head | null, shown: Head): Account {
  const pending = pendingAmong(job);
  const spent = spentOn(job);
  return {
    opened: job.opened,
    calls: job.tools.length,
    metered: job.models.length,
    spent,
    pending,
    cost: wholeCost(spent, pending.length),
    head: acknowledged !== null && acknowledged.size > shown.size ? acknowledged : shown,
  };
}

/** Those that were not metered. */
function pendingAmong({ reserved, models }: JobAccount): JobAccount['reserved'] {
  if (reserved.length === 0) return reserved;
  const metered = new Set(models.map(({ data }) => data.call));
  return reserved.filter(({ data }) => !metered.has(data.call));
}

function spentOn({ tools, models }: JobAccount): JobCost {
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
