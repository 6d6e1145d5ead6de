import type { DomainEvent } from '../../events/catalogue.ts';
import type { Head } from '../../events/envelope.ts';
import { detailOf } from '../../events/scalars.ts';
import type { Evidence, Invoked } from '../../projectors/evaluation-queries.ts';
import type { JobLedger, LedgerClient, PendingCall } from '../ledger/ledger-port.ts';
import { type Later, later } from './later.ts';

/**
 * A call that is not metered so long after it was begun never will be: a provider is heard for five minutes, and what
 * a call cost is sent to the ledger for nine more at most, so its proxy has ended.
 */
export const GIVE_UP_MS = 900_000;

/** A provider is heard for five minutes, and a minute more brings the figures to the ledger: what takes longer is our doing. */
const MINERS_DOING_MS = 360_000;

type GatherDeps = Readonly<{
  ledger: Pick<LedgerClient, 'closeJob' | 'readLedger' | 'meter'>;
  /** Milliseconds since 1970. */
  clock: () => number;
}>;

/**
 * What the own ledger has of an invocation's jobs, all closed before one is read: the tools of all of them, and what they
 * cost together. When the ledger does not tell of one of them there is no evidence at all, nor while a call of a model
 * may still be metered; a cost that it does not know is unknown, never zero, and by the miner's doing where it left a
 * call of its own before the end.
 */
export async function gatherEvidence(
  invoked: Invoked,
  deps: GatherDeps,
): Promise<Readonly<{ kind: 'done'; event: DomainEvent }> | Later> {
  const read = await readJobs(invoked.jobs, deps);
  if (read.kind === 'later') return read;
  const { pending, cost } = read;
  if (pending.length === 0) return { kind: 'done', event: evidenceOf(invoked, read, cost) };
  for (const { job, call } of pending)
    if (ageOf(call, deps) > GIVE_UP_MS) await giveUp(job, call, deps);
  return later('calls', `calls of models that are not metered yet: ${pending.length}`);
}

/**
 * What the ledger has of an invocation whose miner answered without waiting for calls of its own, and kept its answer so
 * from being judged until its run is closed: null where no such call is under way. The proxy releases no answer before
 * the ledger has what it cost, and an attempt says nothing while either is away: so whoever waits leaves none.
 */
export async function leftEvidence(
  invoked: Invoked,
  deps: GatherDeps,
): Promise<Readonly<{ kind: 'done'; event: EvidenceEvent | null }> | Later> {
  const read = await readJobs(invoked.jobs, deps);
  if (read.kind === 'later') return read;
  const left = read.pending.filter(({ call }) => ageOf(call, deps) <= MINERS_DOING_MS);
  const [first] = left;
  if (first === undefined) return { kind: 'done', event: null };
  // At a later head it may be metered: then nobody who has the ledger's log could tell that it was left.
  const at = { tools: read.tools, head: first.head };
  return { kind: 'done', event: evidenceOf(invoked, at, { state: 'left', calls: left.length }) };
}

type Cost = Evidence['cost'];
type EvidenceEvent = Extract<DomainEvent, { type: 'evidence.gathered.v1' }>;

/** What the ledger has of closed jobs, with the calls that are not metered yet, each at the head at which it was not. */
type Read = Readonly<{
  kind: 'read';
  tools: ReadonlySet<string>;
  /** Of the calls that are metered. */
  cost: Cost;
  pending: readonly Readonly<{ job: string; call: PendingCall; head: Head }>[];
  head: Head;
}>;

async function readJobs(jobs: Invoked['jobs'], deps: GatherDeps): Promise<Read | Later> {
  for (const job of jobs) {
    const closed = await deps.ledger.closeJob(job);
    if (closed.kind !== 'ok') return later('ledger', `${job} is not closed: ${closed.detail}`);
  }
  const pending: { job: string; call: PendingCall; head: Head }[] = [];
  const tools = new Set<string>();
  let sum = 0;
  let unknown: string | null = null;
  let hidden = false;
  let head: Head | null = null;
  for (const job of jobs) {
    const read = await closedLedger(job, deps);
    if (read.kind === 'later') return read;
    const { found } = read;
    pending.push(...found.pending.map((call) => ({ job, call, head: found.ledger })));
    for (const tool of found.tools) tools.add(tool);
    if (found.cost.state === 'known') sum += found.cost.nanoUsd;
    else unknown ??= found.cost.reason;
    hidden ||= found.modelCalls.some((call) => call.unknown === 'caller');
    head = found.ledger;
  }
  if (head === null) throw new TypeError('an invocation without a job');
  if (!Number.isSafeInteger(sum)) unknown ??= 'more than 2^53 nano-USD';
  const cost =
    unknown === null
      ? ({ state: 'known', cost: sum } as const)
      : ({ state: 'unknown', by: hidden ? 'miner' : 'us', reason: detailOf(unknown) } as const);
  return { kind: 'read', tools, cost, pending, head };
}

function evidenceOf(
  { family, run, task, miner, attempt }: Invoked,
  { tools, head }: Pick<Read, 'tools' | 'head'>,
  cost: Cost,
): EvidenceEvent {
  return {
    type: 'evidence.gathered.v1',
    data: {
      family,
      run,
      task,
      miner,
      attempt,
      tools: [...tools].toSorted().slice(0, MAX_TOOLS),
      cost,
      ledger: { size: head.size, hash: head.hash },
    },
  };
}

/** What the ledger has of a job that no call is added to any more. */
async function closedLedger(
  job: string,
  { ledger }: Pick<GatherDeps, 'ledger'>,
): Promise<Readonly<{ kind: 'closed'; found: JobLedger }> | Later> {
  const read = await ledger.readLedger(job);
  if (read.kind !== 'ok') return later('ledger', `${job} is not read: ${read.detail}`);
  const { ledger: found } = read;
  if (!found.opened || !found.closed) return later('ledger', `${job} is not closed at the ledger`);
  return { kind: 'closed', found };
}

/** How long ago a call was reserved, in milliseconds. */
function ageOf({ time }: PendingCall, { clock }: Pick<GatherDeps, 'clock'>): number {
  return clock() - Date.parse(time);
}

/** Puts down that what a call cost will not be known; where it was metered meanwhile the ledger keeps that. */
async function giveUp(job: string, call: PendingCall, { ledger }: GatherDeps): Promise<void> {
  const { most: _most, time: _time, ...reserved } = call;
  await ledger.meter({
    ...reserved,
    job,
    promptTokens: null,
    cachedTokens: null,
    completionTokens: null,
    latencyMs: GIVE_UP_MS,
    cost: null,
    unknown: 'proxy',
    status: 'error',
    error: 'it was never metered',
  });
}

/** As many as an event holds: there are four tools with a few functions each. */
const MAX_TOOLS = 64;
