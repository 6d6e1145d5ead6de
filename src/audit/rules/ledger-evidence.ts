import type { AuditContext } from '../audit-context.ts';
import type { PairRecord } from '../evaluation-record.ts';
import type { JobFacts } from '../ledger-rules.ts';
import type { Data, Entry } from '../run-record.ts';
import type { LedgerFacts } from '../service-log.ts';

/**
 * What a validator says that its ledger has is what the ledger's own log has: the head that it read at, the jobs of the
 * invocation, each opened for this pair and closed by then, the tools that were used, and what they cost together. Only
 * where the ledger's log is there to be compared: a copy that ends before that head says nothing, which is counted.
 */
export function checkLedger(
  { n, data }: Entry<'evidence.gathered.v1'>,
  jobs: PairRecord['jobs'],
  { ledger, log, fault }: AuditContext,
): void {
  if (ledger === null) return;
  const { cost, ledger: read } = data;
  const { size, hash } = read;
  if (size > ledger.size) {
    log.beyondLedger += 1;
    return;
  }
  const head = ledger.headAt(size);
  if (head !== hash) {
    fault('ledger-differs', n, head ?? `a head of ${size} events`, hash);
    return;
  }
  const found = jobs.map((job) => ({ job, facts: ledger.job(job) }));
  const strange = found.find(({ facts }) => !isFinal(facts, data, size));
  if (strange !== undefined) {
    const expected = `${strange.job}, opened for ${data.task} of ${data.miner} and final in ${size} events`;
    fault('ledger-differs', n, expected, standing(strange.facts));
    return;
  }
  const all = found.flatMap(({ facts }) => (facts === undefined ? [] : [facts]));
  const tools = [...new Set(all.flatMap((facts) => [...facts.tools]))].toSorted();
  const isLeft = cost.state === 'left' && all.some((facts) => isUnderWay(facts, size));
  const expected = `${tools.slice(0, MAX_TOOLS).join(', ')}; ${isLeft ? LEFT : costOf(all)}`;
  const foundText = `${(data.tools ?? []).join(', ')}; ${told(cost)}`;
  if (expected !== foundText) fault('ledger-differs', n, expected, foundText);
}

const LEFT = 'calls left under way';

function told(cost: Data<'evidence.gathered.v1'>['cost']): string {
  if (cost.state === 'left') return LEFT;
  return cost.state === 'known' ? `${cost.cost}` : `unknown by ${cost.by}`;
}

/** Whether a call was reserved and not metered in the first so many events. */
function isUnderWay({ names, settledAt }: Readonly<JobFacts>, size: number): boolean {
  return names.reserved.size > 0 || (settledAt !== null && settledAt >= size);
}

/** What jobs cost together, or whose doing it is that nobody knows. */
function costOf(jobs: readonly Readonly<JobFacts>[]): string {
  const cost = jobs.reduce((sum, { spent }) => sum + spent, 0);
  if (jobs.every(({ unknown }) => unknown === 0) && Number.isSafeInteger(cost)) return `${cost}`;
  return `unknown by ${jobs.some(({ hidden }) => hidden) ? 'miner' : 'us'}`;
}

/** As many as the event holds. */
const MAX_TOOLS = 64;

function isFinal(
  facts: Readonly<JobFacts> | undefined,
  { family, run, task, miner, cost }: Data<'evidence.gathered.v1'>,
  size: LedgerFacts['size'],
): boolean {
  if (facts === undefined || facts.terms === null) return false;
  const { terms, closedAt, last } = facts;
  const same =
    terms.family === family && terms.run === run && terms.task === task && terms.miner === miner;
  // What was left under way is metered later, and nothing else is.
  return same && closedAt !== null && closedAt < size && (last < size || cost.state === 'left');
}

function standing(facts: Readonly<JobFacts> | undefined): string {
  if (facts === undefined || facts.terms === null) return 'nobody opened it';
  const { terms, closedAt, last } = facts;
  const end = closedAt === null ? 'never closed' : `closed by event ${closedAt}`;
  return `for ${terms.task} of ${terms.miner} in ${terms.run}, ${end}, last used by event ${last}`;
}
