import type { V1Pod } from '@kubernetes/client-node';
import { detailOf } from '../../events/scalars.ts';
import { buildNetworkProbe } from '../objects/network-probe.ts';
import type { ClusterProfile } from '../objects/profile.ts';
import { POD_EXIT } from '../pod/exit-codes.ts';
import { endOf } from './actual.ts';
import type { ClusterApi } from './cluster-api.ts';
import { outcomeOf } from './outcome.ts';

/** Whether the cluster keeps submissions from what they must not reach. */
export type NetworkProof =
  | Readonly<{ kind: 'closed' }>
  | Readonly<{ kind: 'open'; detail: string }>
  | Readonly<{ kind: 'unknown'; detail: string }>;

export type ProbeNetworkDeps = Readonly<{
  api: Pick<ClusterApi, 'services' | 'applyJob' | 'look' | 'remove'>;
  profile: ClusterProfile;
  /** A name for the Job that nobody else uses, by the rules of names. */
  name: string;
  /** Whether the canary answers us: where it does not, that a pod does not reach it proves nothing. */
  canaryAnswers: () => Promise<boolean>;
  /** Waits; an abort of the signal ends it early, without an error. */
  wait: (ms: number) => Promise<void>;
  signal: AbortSignal;
}>;

/** A pod starts within seconds, an image that has to come first within a minute or two. */
const LOOK_MS = 1_000;
const LOOKS = 120;

/**
 * Has a pod like a submission's try what it may reach and what it must not. Policies that nobody enforces are only words,
 * and no API tells whether somebody does. Never throws for the cluster's fault.
 */
export async function probeNetwork(deps: ProbeNetworkDeps): Promise<NetworkProof> {
  if (!(await deps.canaryAnswers()))
    return unknown('the ledger does not answer, so that nobody reaches it proves nothing');
  const services = await outcomeOf(deps.api.services);
  if (services.kind !== 'done') return unknown(services.detail);
  if (services.value === null) return unknown('a service that miners need is not in the cluster');
  const job = buildNetworkProbe(deps.name, deps.profile, services.value);
  const made = await outcomeOf(() => deps.api.applyJob(job));
  if (made.kind !== 'done') return unknown(made.detail);
  const proof = await awaitProof(deps);
  // The canary may have gone away meanwhile.
  return proof.kind !== 'closed' || (await deps.canaryAnswers())
    ? proof
    : unknown('the ledger went away while it was looked at');
}

async function awaitProof({ api, name, wait, signal }: ProbeNetworkDeps): Promise<NetworkProof> {
  let detail = 'it did not end in time';
  for (let look = 0; look < LOOKS && !signal.aborted; look++) {
    const found = await outcomeOf(() => api.look(name));
    if (found.kind === 'done') {
      const { job, pods } = found.value;
      const end = endOf(job);
      if (end !== null) {
        // Its time removes it too, should this not.
        await outcomeOf(() => api.remove('jobs', name, job.metadata?.uid ?? ''));
        return proofOf(end, pods);
      }
    } else detail = found.detail;
    await wait(LOOK_MS);
  }
  return unknown(detail);
}

function proofOf(
  { type, reason, message }: NonNullable<ReturnType<typeof endOf>>,
  pods: readonly V1Pod[],
): NetworkProof {
  if (type === 'Complete') return { kind: 'closed' };
  const exits = pods.flatMap(({ status }) =>
    (status?.containerStatuses ?? []).map(({ state }) => state?.terminated?.exitCode),
  );
  return exits.includes(POD_EXIT.notClosed)
    ? { kind: 'open', detail: 'a pod among the miners reaches the ledger, or not the proxy' }
    : unknown(`the pod that looks did not run: ${reason} ${message}`);
}

function unknown(detail: string): NetworkProof {
  return { kind: 'unknown', detail: detailOf(detail.trim()) };
}
