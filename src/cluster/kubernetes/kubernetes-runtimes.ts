import { readManifest } from '../../evaluation/manifest.ts';
import type { InRun } from '../../events/define-event.ts';
import { detailOf } from '../../events/scalars.ts';
import type {
  Reconciled,
  RuntimeFailure,
  RuntimeState,
  Runtimes,
  RuntimeWanted,
} from '../cluster.ts';
import type { ProbeHealth } from '../health.ts';
import { type Actual, attemptOf, type Desired, isOf } from './actual.ts';
import { failureOf, judgeSilence, type Silence, type Trouble } from './blame.ts';
import { capacityOf } from './capacity.ts';
import { endRun } from './end-run.ts';
import { type Observed, observeAttempt } from './observe.ts';
import { outcomeOf } from './outcome.ts';
import { type HeldDeps, type SettleDeps, settle } from './settle.ts';

export type KubernetesRuntimesDeps = SettleDeps &
  Readonly<{
    /** A submission may take so long until it is ready, in milliseconds. */
    startMs: number;
    probe: ProbeHealth;
  }>;

export type KubernetesRuntimes = Omit<Runtimes, 'reconcile'> &
  Readonly<{
    /** As that of every runtimes; `heldUp` says why nothing may be begun: what runs is then kept, and no more. */
    reconcile: (
      wanted: readonly RuntimeWanted[],
      spared?: readonly InRun[],
      heldUp?: string,
    ) => Promise<Reconciled>;
  }>;

/** Runs submissions in a cluster: looks at what there is, decides what to do, does it, until there is nothing to do. */
export function kubernetesRuntimes(deps: KubernetesRuntimesDeps): KubernetesRuntimes {
  /** Since when a Job's pod that is ready for the kubelet does not answer us; a restart of ours begins it anew. */
  const silentSince = new Map<string, number>();
  return {
    adapter: 'kubernetes',
    reconcile: async (wanted, spared = [], heldUp) => {
      const held = { ...deps, spared, heldUp: heldUp ?? null };
      const found = await reconcile(wanted, silentSince, held);
      const failed = found.kind === 'known' && found.states.some(({ phase }) => phase === 'failed');
      // Nobody is called failed on hearsay.
      if (!failed || deps.view() === null) return found;
      return reconcile(wanted, silentSince, { ...held, view: () => null });
    },
    capacity: async () => {
      const quotas = await outcomeOf(deps.api.quotas);
      return quotas.kind === 'done' ? capacityOf(quotas.value, deps.profile) : null;
    },
    endAll: (run) => endRun(run, deps),
  };
}

async function reconcile(
  wanted: readonly RuntimeWanted[],
  silentSince: Map<string, number>,
  deps: KubernetesRuntimesDeps & Pick<HeldDeps, 'spared' | 'heldUp'>,
): Promise<Reconciled> {
  const read = wanted.map((each) => ({ wanted: each, found: readManifest(each.manifest) }));
  const desired = read.flatMap(({ wanted: each, found }) =>
    found.kind === 'read' ? [{ wanted: each, manifest: found.manifest }] : [],
  );
  const settled = await settle(desired, deps);
  if (settled.kind === 'unknown') return settled;
  const { actual, holdUps } = settled;
  const looked = await Promise.all(desired.map((each) => lookAt(each, actual, deps)));
  const states = new Map(
    noteSilences(looked, silentSince, deps.now()).map((each) => [
      each.wanted,
      stateOf(each, holdUps.get(each.wanted) ?? null, looked),
    ]),
  );
  const answer = read.map(
    ({ wanted: each, found }) =>
      states.get(each) ?? unfit(each, found.kind === 'unfit' ? found.detail : ''),
  );
  return { kind: 'known', states: [...answer, ...endingOf(wanted, actual, deps.spared)] };
}

/** What the cluster says of an attempt, and whether it answers us. */
type Look = Readonly<{ wanted: RuntimeWanted; observed: Observed; answers: boolean }>;

async function lookAt(
  { wanted, manifest }: Desired,
  actual: Actual,
  { profile, startMs, probe, now }: KubernetesRuntimesDeps,
): Promise<Look> {
  const observed = observeAttempt(wanted, actual, { profile, startMs, now: now() });
  const answers =
    observed.kind === 'up' && (await probe(`${observed.origin}${manifest.runtime.health_path}`));
  return { wanted, observed, answers };
}

/** Tells for how long each has been silent, and remembers it. */
function noteSilences(
  looked: readonly Look[],
  silentSince: Map<string, number>,
  now: number,
): readonly (Look & Readonly<{ silentMs: number }>)[] {
  const before = new Map(silentSince);
  silentSince.clear();
  return looked.map((look) => {
    if (look.observed.kind !== 'up' || look.answers) return { ...look, silentMs: 0 };
    const since = before.get(look.observed.job) ?? now;
    silentSince.set(look.observed.job, since);
    return { ...look, silentMs: now - since };
  });
}

function stateOf(
  { wanted, observed, answers, silentMs }: Look & Readonly<{ silentMs: number }>,
  holdUp: RuntimeFailure | null,
  looked: readonly Look[],
): RuntimeState {
  const { deployment, attempt } = wanted;
  const at = { deployment, attempt, url: null };
  if (observed.kind === 'failed')
    return { ...at, phase: 'failed', failure: failureOf(observed.trouble) };
  if (observed.kind === 'starting') {
    const failure = observed.holdUp === null ? holdUp : failureOf(observed.holdUp);
    return { ...at, phase: 'starting', failure };
  }
  if (answers) return { ...at, phase: 'ready', url: observed.origin, failure: null };
  const trouble = judgeSilence({
    silentMs,
    othersAnswer: othersThatAnswer(wanted.miner, observed.node, looked),
  });
  return trouble === null
    ? { ...at, phase: 'starting', failure: failureOf(NO_ANSWER) }
    : { ...at, phase: 'failed', failure: failureOf(trouble) };
}

const NO_ANSWER: Trouble = {
  kind: 'out-of-reach',
  exitCode: null,
  detail: 'ready for its kubelet, and no answer to us yet',
};

/** Other miners' submissions that answer: a miner's own second one proves nothing, it may keep silent with the first. */
function othersThatAnswer(
  miner: string,
  node: string,
  looked: readonly Look[],
): Silence['othersAnswer'] {
  const others = looked.filter(({ wanted, answers }) => answers && wanted.miner !== miner);
  return {
    anywhere: others.length > 0,
    onItsNode: others.some(({ observed }) => observed.kind === 'up' && observed.node === node),
  };
}

function unfit({ deployment, attempt }: RuntimeWanted, detail: string): RuntimeState {
  const failure = {
    reason: 'rejected',
    ours: false,
    exitCode: null,
    detail: detailOf(detail),
  } as const;
  return { deployment, attempt, phase: 'failed', url: null, failure };
}

/** Attempts that nobody wants or spares and of which something is left. */
function endingOf(
  wanted: readonly RuntimeWanted[],
  actual: Actual,
  spared: readonly InRun[],
): readonly RuntimeState[] {
  const keyOf = (of: Readonly<{ deployment: string; attempt: number }>) =>
    `${of.deployment}/${of.attempt}`;
  const keys = new Set(wanted.map(keyOf));
  const left = [...actual.jobs, ...actual.services, ...actual.pods].flatMap(({ metadata }) =>
    isOf(spared, metadata) ? [] : (attemptOf(metadata) ?? []),
  );
  const ending = new Map(left.map((each) => [keyOf(each), each]));
  return [...ending]
    .filter(([key]) => !keys.has(key))
    .map(([, { deployment, attempt }]) => ({
      deployment,
      attempt,
      phase: 'ending',
      url: null,
      failure: null,
    }));
}
