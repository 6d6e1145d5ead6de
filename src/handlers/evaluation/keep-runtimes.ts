import type { RuntimeState, Runtimes, RuntimeWanted } from '../../cluster/cluster.ts';
import { AppError } from '../../errors.ts';
import { MAX_ARCHIVE_BYTES } from '../../evaluation/roster.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import type { InRun } from '../../events/define-event.ts';
import type { Queries } from '../../projectors/projector.ts';
import {
  type RuntimeRecord,
  runtimesNotEnded,
  runtimesOfRun,
} from '../../projectors/runtime-queries.ts';
import type { BlobStore } from '../blobs.ts';
import { type Recorder, recordInBatches } from '../recorder.ts';
import type { Standing } from './decide-evaluation.ts';
import { runtimeNews, standingOf, wantedAttempt } from './decide-runtimes.ts';
import { createPlaces, type Place, type PlanNow, waitsForRoom } from './places.ts';
import type { OutageUntilNow } from './ports.ts';
import type { Member, RunPlan } from './run-plan.ts';

export type RuntimeDeps = Readonly<{
  runtimes: Runtimes;
  queries: Readonly<{ evaluation: Queries }>;
  blobs: Pick<BlobStore, 'get'>;
  record: Recorder;
  alone: <T>(act: () => Promise<T>) => Promise<T>;
  clock: () => number;
  outageUntilNow: OutageUntilNow;
}>;

/** How each miner of the wanted runs stands, by its deployment. */
export type Standings = ReadonlyMap<
  string,
  Readonly<{
    standing: Standing;
    url: string | null;
    record: RuntimeRecord | undefined;
    /** What it waits for: a place in the cluster, or to answer, or for tasks that the owner has yet to lease. */
    waitsFor: 'room' | 'runtime' | 'leases' | null;
  }>
>;

/** How the runtimes stand, or why nobody knows: then none of them may be asked. */
export type Kept =
  | Readonly<{ kind: 'known'; standings: Standings }>
  | Readonly<{ kind: 'unknown'; detail: string }>;

/**
 * Keeps the runtimes of the open runs as they should be, and tells the log what changed: which answer, which failed and
 * by whose fault, which are gone. An unknown answer of the cluster concludes nothing. A miner that has nothing left
 * to do gives up its place. What runs of a run that is spared stays, and nothing is said of it.
 */
export function createRuntimeKeeper(deps: RuntimeDeps) {
  /** When this process saw a deployment's last failure: how long it waits is no fact of the log. */
  const failedAt = new Map<string, number>();
  /** When each wanted attempt was last seen ready, or else first wanted. */
  const wellAt = new Map<string, Readonly<{ attempt: number; atMs: number }>>();
  const places = createPlaces(deps);
  return async (plans: readonly PlanNow[], spared: readonly InRun[]): Promise<Kept> => {
    const members = plans.flatMap((plan) => plan.members.map((member) => ({ plan, member })));
    const records = await recordsOf(plans, deps);
    const placed = await places.of(plans, records);
    const now = deps.clock();
    const desired = members.flatMap(({ plan, member }) => {
      const { deployment } = member;
      if (placed.get(deployment)?.wanted !== true) return [];
      const at = { now, failedAt: failedAt.get(deployment) ?? null };
      const attempt = wantedAttempt(records.get(deployment), at);
      return attempt === null ? [] : [wanted(plan, member, attempt, deps)];
    });
    for (const { deployment, attempt } of desired)
      if (wellAt.get(deployment)?.attempt !== attempt)
        wellAt.set(deployment, { attempt, atMs: now });
    const found = await deps.runtimes.reconcile(desired, spared);
    if (found.kind === 'unknown') return found;
    places.see(found.states);
    const states = new Map(found.states.map((state) => [state.deployment, state]));
    const outages = await outagesOf(found.states, wellAt, deps);
    for (const { deployment, attempt, phase } of found.states)
      if (phase === 'ready') wellAt.set(deployment, { attempt, atMs: now });
    const news = newsOf(desired, states, records, { adapter: deps.runtimes.adapter, outages });
    for (const { type, data } of news)
      if (type === 'runtime.failed.v1') failedAt.set(data.deployment, now);
    const ended = await endedOf({ desired, spared }, states, deps);
    await deps.alone(() => recordInBatches([...news, ...ended], deps.record));
    const after = news.length === 0 ? records : await recordsOf(plans, deps);
    const standings = new Map(
      members.map(({ member: { deployment } }) => {
        const record = after.get(deployment);
        const state = states.get(deployment);
        const standing = standingOf(record, state);
        const url = state?.url ?? null;
        const waitsFor = missingTo(standing, placed.get(deployment)?.left ?? 'nothing', state);
        return [deployment, { standing, url, record, waitsFor }];
      }),
    );
    return { kind: 'known', standings };
  };
}

/** What a miner waits for that is not lost. */
function missingTo(
  standing: Standing,
  left: Place['left'],
  state: RuntimeState | undefined,
): 'room' | 'runtime' | 'leases' | null {
  if (standing === 'lost' || left === 'nothing') return null;
  if (left === 'nothing-now') return 'leases';
  if (standing === 'ready') return null;
  return state !== undefined && waitsForRoom(state) ? 'room' : 'runtime';
}

async function recordsOf(
  plans: readonly RunPlan[],
  { queries }: Pick<RuntimeDeps, 'queries'>,
): Promise<ReadonlyMap<string, RuntimeRecord>> {
  const all = await Promise.all(
    plans.map(({ family, run }) => runtimesOfRun(queries.evaluation, family, run)),
  );
  return new Map(all.flatMap((records) => [...records]));
}

function wanted(
  { family, run }: RunPlan,
  { submission, miner, deployment, archive, manifest }: Member,
  attempt: number,
  { blobs }: Pick<RuntimeDeps, 'blobs'>,
): RuntimeWanted {
  const bytes = async (): Promise<Uint8Array> => {
    const found = await blobs.get(archive, MAX_ARCHIVE_BYTES);
    if (found !== null) return found;
    throw new AppError('file.unreadable', { file: `archive ${archive}`, found: 'nothing' });
  };
  return { family, run, submission, miner, deployment, attempt, archive, bytes, manifest };
}

/** What of our services was away while those that failed were not known to be well. */
async function outagesOf(
  states: readonly RuntimeState[],
  wellAt: ReadonlyMap<string, Readonly<{ atMs: number }>>,
  { outageUntilNow }: Pick<RuntimeDeps, 'outageUntilNow'>,
): Promise<ReadonlyMap<string, string>> {
  const outages = new Map<string, string>();
  for (const { deployment, phase } of states) {
    const since = wellAt.get(deployment)?.atMs;
    if (phase !== 'failed' || since === undefined) continue;
    const outage = await outageUntilNow(since);
    if (outage !== null) outages.set(deployment, outage);
  }
  return outages;
}

function newsOf(
  desired: readonly RuntimeWanted[],
  states: ReadonlyMap<string, RuntimeState>,
  records: ReadonlyMap<string, RuntimeRecord>,
  {
    adapter,
    outages,
  }: Readonly<{ adapter: Runtimes['adapter']; outages: ReadonlyMap<string, string> }>,
): readonly DomainEvent[] {
  return desired.flatMap((instance) => {
    const state = states.get(instance.deployment);
    if (state === undefined || state.attempt !== instance.attempt) return [];
    const record = records.get(instance.deployment);
    const outage = outages.get(instance.deployment) ?? null;
    const news = runtimeNews(instance, state, record, { adapter, outage });
    return news === null ? [] : [news];
  });
}

/** Those that the log has as living, that nobody wants or spares, and of which the cluster has nothing left. */
async function endedOf(
  { desired, spared }: Readonly<{ desired: readonly RuntimeWanted[]; spared: readonly InRun[] }>,
  states: ReadonlyMap<string, RuntimeState>,
  { queries }: Pick<RuntimeDeps, 'queries'>,
): Promise<readonly DomainEvent[]> {
  const kept = new Set(desired.map(({ deployment }) => deployment));
  const isSpared = (of: InRun): boolean =>
    spared.some(({ family, run }) => of.family === family && of.run === run);
  const living = await runtimesNotEnded(queries.evaluation);
  return living
    .filter((each) => !isSpared(each) && !kept.has(each.deployment) && !states.has(each.deployment))
    .map(({ family, run, submission, miner, deployment, attempt }) => ({
      type: 'runtime.ended.v1',
      data: { family, run, submission, miner, deployment, attempt },
    }));
}
