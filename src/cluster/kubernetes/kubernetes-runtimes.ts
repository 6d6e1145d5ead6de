import { readManifest } from '../../evaluation/manifest.ts';
import { detailOf } from '../../events/scalars.ts';
import type {
  Reconciled,
  RuntimeFailure,
  RuntimeState,
  Runtimes,
  RuntimeWanted,
} from '../cluster.ts';
import type { ProbeHealth } from '../health.ts';
import { type Actual, attemptOf } from './actual.ts';
import { endRun } from './end-run.ts';
import { observeAttempt } from './observe.ts';
import { type SettleDeps, settle } from './settle.ts';

export type KubernetesRuntimesDeps = SettleDeps &
  Readonly<{
    /** A submission may take so long until it is ready, in milliseconds. */
    startMs: number;
    probe: ProbeHealth;
  }>;

/** Runs submissions in a cluster: lists what there is, decides what to do, does it, until there is nothing to do. */
export function kubernetesRuntimes(deps: KubernetesRuntimesDeps): Runtimes {
  return {
    adapter: 'kubernetes',
    reconcile: (wanted) => reconcile(wanted, deps),
    endAll: (run) => endRun(run, deps),
  };
}

async function reconcile(
  wanted: readonly RuntimeWanted[],
  deps: KubernetesRuntimesDeps,
): Promise<Reconciled> {
  const read = new Map(wanted.map((each) => [each, readManifest(each.manifest)]));
  const desired = [...read].flatMap(([each, found]) =>
    found.kind === 'read' ? [{ wanted: each, manifest: found.manifest }] : [],
  );
  const settled = await settle(desired, deps);
  if (settled.kind === 'unknown') return settled;
  const { actual, holdUps } = settled;
  const states = await Promise.all(
    [...read].map(async ([each, found]) =>
      found.kind === 'read'
        ? stateOf(each, actual, holdUps.get(each) ?? null, deps)
        : unfit(each, found.detail),
    ),
  );
  return { kind: 'known', states: [...states, ...endingOf(wanted, actual)] };
}

async function stateOf(
  wanted: RuntimeWanted,
  actual: Actual,
  holdUp: RuntimeFailure | null,
  { profile, startMs, probe, now }: KubernetesRuntimesDeps,
): Promise<RuntimeState> {
  const { deployment, attempt } = wanted;
  const observed = observeAttempt(wanted, actual, { profile, startMs, now: now() });
  if (observed.kind === 'failed')
    return { deployment, attempt, phase: 'failed', url: null, failure: observed.failure };
  if (observed.kind === 'starting') {
    const failure = observed.holdUp ?? holdUp;
    return { deployment, attempt, phase: 'starting', url: null, failure };
  }
  const read = readManifest(wanted.manifest);
  const path = read.kind === 'read' ? read.manifest.runtime.health_path : '/';
  if (await probe(`${observed.origin}${path}`))
    return { deployment, attempt, phase: 'ready', url: observed.origin, failure: null };
  // The kubelet reaches it and we do not.
  const failure = {
    reason: 'unavailable',
    ours: true,
    exitCode: null,
    detail: 'ready, and out of reach from here',
  } as const;
  return { deployment, attempt, phase: 'starting', url: null, failure };
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

/** Attempts that nobody wants and of which something is left. */
function endingOf(wanted: readonly RuntimeWanted[], actual: Actual): readonly RuntimeState[] {
  const keyOf = (of: Readonly<{ deployment: string; attempt: number }>) =>
    `${of.deployment}/${of.attempt}`;
  const keys = new Set(wanted.map(keyOf));
  const left = [...actual.jobs, ...actual.services, ...actual.pods].flatMap(
    ({ metadata }) => attemptOf(metadata) ?? [],
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
