import type { InRun } from '../../events/define-event.ts';
import { detailOf } from '../../events/scalars.ts';
import type { Reconciled, RuntimeFailure, RuntimeWanted } from '../cluster.ts';
import type { ClusterProfile, ServiceAddresses } from '../objects/profile.ts';
import type { Actual, Desired } from './actual.ts';
import type { ClusterApi } from './cluster-api.ts';
import { type Action, decideReconcile, decideRemovals } from './decide.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { holdUpOf, performAction } from './perform.ts';

/** What is heard of the cluster without asking. */
export type ClusterView = Readonly<{ actual: Actual; services: ServiceAddresses | null }>;

export type SettleDeps = Readonly<{
  api: ClusterApi;
  /** Null while nothing is sure to be heard of. */
  view: () => ClusterView | null;
  profile: ClusterProfile;
  /** Milliseconds of the epoch, as the cluster has it. */
  now: () => number;
  wait: (ms: number) => Promise<void>;
}>;

export type HeldDeps = SettleDeps &
  Readonly<{
    /** Runs of which nothing is begun or taken down, and what runs is renewed. */
    spared: readonly InRun[];
    /** Why nothing may be begun now; null when it may. */
    heldUp: string | null;
  }>;

/** What there is after everything that could be done was done, and whom something holds up. */
type Settled =
  | Readonly<{
      kind: 'settled';
      actual: Actual;
      holdUps: ReadonlyMap<RuntimeWanted, RuntimeFailure>;
    }>
  | Extract<Reconciled, { kind: 'unknown' }>;

/** An anchor, then chunks and a Job, then a Service, then nothing: more than that is for the next call. */
const MAX_ROUNDS = 5;

/** Writes at once: a small cluster's server is busy with a handful. */
const WRITES_AT_ONCE = 4;

/**
 * Where what is heard of the cluster leaves nothing to do, that is all. Otherwise it lists, for nothing is done on hearsay,
 * decides and performs, until there is nothing to do. What did not go through is not tried again here. Removals
 * and renewals are not waited for: their outcome shows at the next call. While everything is held up, what runs is
 * renewed and nothing is begun.
 */
export async function settle(desired: readonly Desired[], deps: HeldDeps): Promise<Settled> {
  const view = deps.view();
  if (view !== null && view.services !== null) {
    const { actual, services: heard } = view;
    if (decide(desired, actual, heard, deps).length === 0)
      return { kind: 'settled', actual, holdUps: heldBack(desired, deps) };
  }
  const services = await outcomeOf(deps.api.services);
  if (services.kind !== 'done') return unknown(services);
  const holdUps = heldBack(desired, deps);
  if (services.value === null) for (const { wanted } of desired) holdUps.set(wanted, NO_SERVICES);
  for (let round = 1; ; round++) {
    const listed = await outcomeOf(deps.api.list);
    if (listed.kind !== 'done') return unknown(listed);
    const actual = listed.value;
    const actions = decide(desired, actual, services.value, deps).filter(
      (action) =>
        action.kind === 'remove' || action.kind === 'renew' || !holdUps.has(action.desired.wanted),
    );
    if (round <= MAX_ROUNDS) await perform(actions, services.value, holdUps, deps);
    const goesOn = actions.some(({ kind }) => kind !== 'remove' && kind !== 'renew');
    if (!goesOn || round > MAX_ROUNDS) return { kind: 'settled', actual, holdUps };
  }
}

/** Everybody, while nothing may be begun: it is said of whom nothing else is known. */
function heldBack(
  desired: readonly Desired[],
  { heldUp }: HeldDeps,
): Map<RuntimeWanted, RuntimeFailure> {
  const held = heldUp === null ? [] : desired;
  return new Map(held.map(({ wanted }) => [wanted, unavailable(heldUp ?? '')]));
}

function unavailable(detail: string): RuntimeFailure {
  return { reason: 'unavailable', ours: true, exitCode: null, detail };
}

const NO_SERVICES = unavailable('a service that miners need is not in the cluster');

function decide(
  desired: readonly Desired[],
  actual: Actual,
  services: ServiceAddresses | null,
  { profile, now, spared, heldUp }: HeldDeps,
): readonly Action[] {
  return services === null
    ? decideRemovals(desired, actual, { profile, spared })
    : decideReconcile(desired, actual, {
        profile,
        services,
        spared,
        now: now(),
        held: heldUp !== null,
      });
}

async function perform(
  actions: readonly Action[],
  services: ServiceAddresses | null,
  holdUps: Map<RuntimeWanted, RuntimeFailure>,
  deps: SettleDeps,
): Promise<void> {
  const left = actions.values();
  const worker = async (): Promise<void> => {
    for (const action of left) {
      const holdUp = holdUpOf(await performAction(action, { ...deps, services }));
      if (holdUp !== null && action.kind !== 'remove' && action.desired !== null)
        holdUps.set(action.desired.wanted, holdUp);
    }
  };
  await Promise.all(Array.from({ length: WRITES_AT_ONCE }, worker));
}

/** What the cluster did not answer. */
export function unknown(outcome: Exclude<Outcome<unknown>, { kind: 'done' }>) {
  return { kind: 'unknown', detail: detailOf(outcome.detail) } as const;
}
