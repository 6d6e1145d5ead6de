import type { DomainEvent } from '../../events/catalogue.ts';
import {
  claimsOf,
  type PairState,
  pairOf,
  settledPairs,
} from '../../projectors/evaluation-queries.ts';
import type { Queries } from '../../projectors/projector.ts';
import { type RuntimeRecord, runtimesOfRun } from '../../projectors/runtime-queries.ts';
import type { BlobStore } from '../blobs.ts';
import type { LedgerClient } from '../ledger/ledger-port.ts';
import { type Excuses, NOTHING_EXCUSED } from './close-with-excuses.ts';
import { type Pair, pairName } from './decide-evaluation.ts';
import { isLost } from './decide-runtimes.ts';
import { keep } from './documents.ts';
import { leftEvidence } from './gather-evidence.ts';
import { scoreOf } from './judge-pair.ts';
import type { Cause, Later } from './later.ts';
import { nextPairStep } from './next-pair-step.ts';
import { failedScore } from './perform-pair.ts';
import type { Member, RunPlan } from './run-plan.ts';

/** What of ours is to blame that a pair counts for nobody: what it waited for, no oracles, or the time alone. */
type ExcuseCause = Cause | 'no-oracle' | 'time';

export type EndDeps = Readonly<{
  queries: Readonly<{ evaluation: Queries }>;
  blobs: Pick<BlobStore, 'put'>;
  ledger: Pick<LedgerClient, 'closeJob' | 'readLedger' | 'meter'>;
  clock: () => number;
  /** Why a pair waits, as far as this process knows; null where nothing was in its way but the time. */
  whyNot: (plan: RunPlan, pair: Pair) => Later | null;
  /** Tells of each pair that is recorded as excused, and by what. */
  onExcused: (cause: ExcuseCause) => void;
}>;

/** A ledger that does not tell of so many answers is away: the end of a run does not wait for it any longer. */
const MAX_UNTOLD = 3;

/**
 * How the pairs end that have no result when their run is closed: those of a claimed task, and every pair of a task that
 * nobody can be judged by. What the miner itself kept from a result is its failure, by the log and by the own ledger: a
 * submission that is lost, an answer that is none, calls that it left under way. All else is our failure, which counts
 * for nobody and blames nobody.
 */
export async function endPairs(plan: RunPlan, deps: EndDeps): ReturnType<Excuses> {
  const { family, run, noOracle } = plan;
  const records = await runtimesOfRun(deps.queries.evaluation, family, run);
  const events: DomainEvent[] = [];
  const excused: Readonly<{ pair: Pair; cause: ExcuseCause; reason: string }>[] = [];
  let untold = 0;
  for (const { task, member } of await unsettled(plan, deps)) {
    const pair = { task, miner: member.miner };
    const at = { family, run, ...pair };
    const state = await pairOf(deps.queries.evaluation, at);
    const unjudged = noOracle.has(task);
    // Of a task that nobody can be judged by only what was answered before that was so can be a failure.
    const ended =
      unjudged && state.invoked === null
        ? NOTHING
        : await ownEnd(at, state, records.get(member.deployment), {
            ...deps,
            asksLedger: untold < MAX_UNTOLD,
          });
    if (ended.kind === 'later') untold += 1;
    if (ended.kind === 'done' && ended.events.length > 0) events.push(...ended.events);
    else excused.push({ pair, ...(unjudged ? NO_ORACLE : excuseOf(deps.whyNot(plan, pair))) });
  }
  if (events.length + excused.length === 0) return NOTHING_EXCUSED;
  return {
    events: [...events, ...(await excusesOf(plan, excused, deps))],
    onRecorded: () => {
      for (const { cause } of excused) deps.onExcused(cause);
    },
  };
}

async function unsettled(
  { family, run, members, noOracle }: RunPlan,
  { queries }: Pick<EndDeps, 'queries'>,
): Promise<readonly Readonly<{ task: string; member: Member }>[]> {
  const claims = await claimsOf(queries.evaluation, family, run);
  const settled = await settledPairs(queries.evaluation, family, run);
  return [...new Set([...claims.keys(), ...noOracle])]
    .flatMap((task) => members.map((member) => ({ task, member })))
    .filter(({ task, member: { miner } }) => !settled.has(pairName({ task, miner })));
}

/** The result that a pair has by itself, without asking anybody but the ledger; no events where it has none. */
async function ownEnd(
  at: Readonly<{ family: string; run: string }> & Pair,
  state: PairState,
  record: RuntimeRecord | undefined,
  deps: EndDeps & Readonly<{ asksLedger: boolean }>,
): Promise<Readonly<{ kind: 'done'; events: readonly DomainEvent[] }> | Later> {
  const { invoked, judged, refusals } = state;
  const fail = async (failure: unknown, more: object): Promise<DomainEvent> =>
    failedScore(at, await keep({ v: 'eirel/failure/1', ...at, failure, ...more }, deps));
  switch (nextPairStep(state).kind) {
    case 'score':
      return { kind: 'done', events: judged === null ? [] : [scoreOf(at, judged)] };
    case 'fail':
      return { kind: 'done', events: [await fail(invoked, { refusals })] };
    case 'invoke':
      if (record === undefined || !isLost(record)) return NOTHING;
      return { kind: 'done', events: [await fail(record.failure, {})] };
    case 'gather': {
      if (invoked === null || !deps.asksLedger) return NOTHING;
      const left = await leftEvidence(invoked, deps);
      if (left.kind === 'later' || left.event === null)
        return left.kind === 'later' ? left : NOTHING;
      const { cost } = left.event.data;
      return { kind: 'done', events: [left.event, await fail(invoked, { cost })] };
    }
    default:
      return NOTHING;
  }
}

const NOTHING = { kind: 'done', events: [] } as const;
const NO_ORACLE = { cause: 'no-oracle', reason: 'no-oracle' } as const;

/** Why a pair is excused: by what of ours, and in words. */
function excuseOf(why: Later | null): Readonly<{ cause: ExcuseCause; reason: string }> {
  return why === null
    ? { cause: 'time', reason: 'the run ended before its result' }
    : { cause: why.cause, reason: why.detail };
}

async function excusesOf(
  { family, run }: RunPlan,
  excused: readonly Readonly<{ pair: Pair; reason: string }>[],
  deps: Pick<EndDeps, 'blobs'>,
): Promise<readonly DomainEvent[]> {
  if (excused.length === 0) return [];
  const pairs = excused.map(({ pair, reason }) => ({ ...pair, reason }));
  const evidence = await keep({ v: 'eirel/excuses/1', family, run, pairs }, deps);
  const result = { status: 'excused', score: null, basis: 'none', evidence } as const;
  return excused.map(({ pair }) => ({
    type: 'score.recorded.v1',
    data: { family, run, ...pair, ...result },
  }));
}
