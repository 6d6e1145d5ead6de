import type { DomainEvent } from '../events/catalogue.ts';
import type { Recorded } from '../events/envelope.ts';
import { sha256 } from '../events/hash.ts';
import type { FaultCode } from './fault.ts';

/** What a ledger has of a job: for whom it was opened, and all that was put down to it. */
export type JobFacts = {
  /** Null for a job that nobody opened: calls are taken for it all the same. */
  readonly terms: Data<'job.opened.v1'> | null;
  closedAt: number | null;
  /** The last event of the job. */
  last: number;
  /** Tools that a call succeeded of. */
  readonly tools: Set<string>;
  toolCalls: number;
  /** Calls of tools whose hash is not that of their arguments. */
  otherHashes: number;
  /** In 1e-9 USD, of the calls whose cost is known. */
  spent: number;
  /** Calls whose cost is not known, those that are reserved and not metered included. */
  unknown: number;
  /** The miner left a call before that told what it took. */
  hidden: boolean;
  /** The last event by which a call that was reserved was metered. */
  settledAt: number | null;
  readonly names: Names;
};

/** What the calls of a job are named. */
type Names = Readonly<{
  tools: Set<string>;
  models: Set<string>;
  /** Reserved and not metered, with what they were reserved as. */
  reserved: Map<string, string>;
}>;

/** What a ledger's rules found beside faults: what its services let pass is no fault of the ledger. */
export type LedgerTotals = {
  jobs: number;
  /** Calls of jobs that nobody opened. */
  strays: number;
  /** Jobs that took more calls of tools, or cost more, than they were opened with. */
  overQuota: number;
  overBudget: number;
  /** Calls of tools whose hash is not that of their arguments: the existing services may send one and leave these out. */
  otherHashes: number;
  /** Calls of models that were reserved and never metered. */
  pending: number;
};

type Data<Type extends DomainEvent['type']> = Extract<DomainEvent, { type: Type }>['data'];
type Call = Data<'tool.called.v1'> | Data<'cost.reserved.v1'> | Data<'cost.metered.v1'>;
type Tell = (code: FaultCode, index: number, expected: string, found: string) => void;

/**
 * The rules of a ledger's log, event by event: a job is opened once and closed once, for good; a call has a
 * name of its own within its job, and is put down while its job is open, but for a call of a model that was reserved
 * before. A job and a call's name take memory as long as the audit lasts, because nothing may come of them again.
 */
export function createLedgerRules(fault: Tell) {
  const jobs = new Map<string, JobFacts>();
  const take = ({ event, n }: Recorded): void => {
    switch (event.type) {
      case 'job.opened.v1':
        return open(n, event.data, jobs, fault);
      case 'job.closed.v1':
        return close(n, event.data, jobs, fault);
      case 'tool.called.v1':
        return takeTool(n, event.data, jobs, fault);
      case 'cost.reserved.v1':
        return takeReserved(n, event.data, jobs, fault);
      case 'cost.metered.v1':
        return takeMetered(n, event.data, jobs, fault);
      default:
        fault('order-broken', n, 'an event of a ledger', event.type);
    }
  };
  return {
    take,
    job: (job: string): Readonly<JobFacts> | undefined => jobs.get(job),
    totals: (): LedgerTotals => totalsOf(jobs),
  };
}

type Jobs = Map<string, JobFacts>;

function open(n: number, terms: Data<'job.opened.v1'>, jobs: Jobs, fault: Tell): void {
  const before = jobs.get(terms.job);
  if (before !== undefined && before.terms !== null) {
    fault('order-broken', n, `one job.opened of ${terms.job}`, 'a second one');
    return;
  }
  jobs.set(terms.job, { ...(before ?? nothingOf(n)), terms, last: n });
}

function close(n: number, data: Data<'job.closed.v1'>, jobs: Jobs, fault: Tell): void {
  const { job, family, run } = data;
  const known = jobs.get(job);
  if (known === undefined || known.terms === null) {
    fault('order-broken', n, `job.opened before ${job} is closed`, 'none');
    return;
  }
  const { terms } = known;
  if (terms.family !== family || terms.run !== run)
    fault('order-broken', n, `a job of ${terms.run}`, `one of ${run}`);
  if (known.closedAt !== null) fault('order-broken', n, `one end of ${job}`, 'a second one');
  known.closedAt ??= n;
  known.last = n;
}

function takeTool(n: number, data: Data<'tool.called.v1'>, jobs: Jobs, fault: Tell): void {
  const { tool, args, argsHash, cost, status } = data;
  const job = openJob(n, data, jobs, fault);
  checkName(n, data, job.names.tools, fault);
  job.toolCalls += 1;
  if (argsHash !== sha256(args)) job.otherHashes += 1;
  if (status === 'ok') job.tools.add(tool);
  spend(job, cost);
}

function takeReserved(n: number, data: Data<'cost.reserved.v1'>, jobs: Jobs, fault: Tell): void {
  const job = openJob(n, data, jobs, fault);
  const { reserved, models } = job.names;
  if (job.terms === null) fault('order-broken', n, `job.opened before ${data.job} is used`, 'none');
  if (reserved.has(data.call) || models.has(data.call)) namedTwice(n, data, fault);
  reserved.set(data.call, modelOf(data));
  job.unknown += 1;
}

function takeMetered(n: number, data: Data<'cost.metered.v1'>, jobs: Jobs, fault: Tell): void {
  const { call, cost, unknown } = data;
  const before = jobs.get(data.job)?.names.reserved.get(call);
  const job = before === undefined ? openJob(n, data, jobs, fault) : jobOf(n, data.job, jobs);
  job.names.reserved.delete(call);
  if (before !== undefined) {
    if (before !== modelOf(data)) fault('order-broken', n, `the call ${before}`, modelOf(data));
    job.unknown -= 1;
    job.settledAt = n;
  }
  checkName(n, data, job.names.models, fault);
  if ((cost === null) !== (unknown !== null))
    fault('order-broken', n, 'a cost, or why there is none', `${cost}, ${unknown}`);
  if (unknown === 'caller') job.hidden = true;
  spend(job, cost);
}

function modelOf({ provider, model }: Data<'cost.reserved.v1'> | Data<'cost.metered.v1'>): string {
  return `${provider} ${model}`;
}

/** The job of a call that is put down to it now: closed jobs take none. */
function openJob(n: number, { call, job }: Call, jobs: Jobs, fault: Tell): JobFacts {
  const known = jobOf(n, job, jobs);
  if (known.closedAt !== null)
    fault('order-broken', n, `no call of ${job}, which is closed`, `the call ${call}`);
  return known;
}

function jobOf(n: number, job: string, jobs: Jobs): JobFacts {
  const known = jobs.get(job) ?? nothingOf(n);
  known.last = n;
  jobs.set(job, known);
  return known;
}

function nothingOf(n: number): JobFacts {
  return {
    terms: null,
    closedAt: null,
    last: n,
    tools: new Set(),
    toolCalls: 0,
    otherHashes: 0,
    spent: 0,
    unknown: 0,
    hidden: false,
    settledAt: null,
    names: { tools: new Set(), models: new Set(), reserved: new Map() },
  };
}

function checkName(n: number, call: Call, names: Set<string>, fault: Tell): void {
  if (names.has(call.call)) namedTwice(n, call, fault);
  names.add(call.call);
}

function namedTwice(n: number, { call, job }: Call, fault: Tell): void {
  fault('order-broken', n, `one call of ${job} named ${call}`, 'a second one');
}

function spend(job: JobFacts, cost: number | null): void {
  if (cost === null) job.unknown += 1;
  else job.spent += cost;
}

function totalsOf(jobs: ReadonlyMap<string, JobFacts>): LedgerTotals {
  const totals = { jobs: 0, strays: 0, overQuota: 0, overBudget: 0, otherHashes: 0, pending: 0 };
  for (const { terms, toolCalls, otherHashes, spent, names } of jobs.values()) {
    totals.otherHashes += otherHashes;
    totals.pending += names.reserved.size;
    if (terms === null) {
      totals.strays += 1;
      continue;
    }
    totals.jobs += 1;
    if (toolCalls > terms.calls) totals.overQuota += 1;
    if (spent > terms.budget) totals.overBudget += 1;
  }
  return totals;
}
