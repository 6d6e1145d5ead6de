import { AppError } from '../../errors.ts';
import { detailOf } from '../../events/scalars.ts';
import type { RuntimeFailure } from '../cluster.ts';
import { buildAnchor } from '../objects/anchor.ts';
import { buildChunks } from '../objects/chunks.ts';
import { buildJob } from '../objects/job.ts';
import type { ClusterProfile, ServiceAddresses } from '../objects/profile.ts';
import { buildService } from '../objects/service.ts';
import type { Desired } from './actual.ts';
import type { ClusterApi } from './cluster-api.ts';
import type { Action } from './decide.ts';
import { type Outcome, outcomeOf } from './outcome.ts';

export type PerformDeps = Readonly<{
  api: ClusterApi;
  profile: ClusterProfile;
  /** Null where only removals are decided. */
  services: ServiceAddresses | null;
  wait: (ms: number) => Promise<void>;
}>;

/** Performs one action and tells how it ended. Each is safe to repeat, whatever became of it the last time. */
export async function performAction(action: Action, deps: PerformDeps): Promise<Outcome<void>> {
  const { api, profile, wait } = deps;
  if (action.kind === 'remove') return performRemoval(action, deps);
  if (action.kind === 'renew') return patiently(() => api.renew(action.job, action.seconds), wait);
  const { wanted } = action.desired;
  switch (action.kind) {
    case 'make-anchor':
      return patiently(() => api.applyJob(buildAnchor(wanted, profile)), wait);
    case 'begin':
      return begin(action, deps);
    case 'mend-job':
      return applyJob(action, deps);
    case 'make-service':
      return patiently(() => api.applyService(buildService(wanted, action.jobUid, profile)), wait);
  }
}

/** Removes exactly the object that was decided on; fine where it is gone, or another one has its name by now. */
export async function performRemoval(
  { resource, name, uid }: Extract<Action, { kind: 'remove' }>,
  { api, wait }: Pick<PerformDeps, 'api' | 'wait'>,
): Promise<Outcome<void>> {
  return settled(await patiently(() => api.remove(resource, name, uid), wait), [404, 409]);
}

/** The archive first, so that no pod waits for it; then the Job. */
async function begin(
  action: Extract<Action, { kind: 'begin' }>,
  deps: PerformDeps,
): Promise<Outcome<void>> {
  const { wanted } = action.desired;
  const chunks = await outcomeOfBytes(async () =>
    buildChunks(wanted, await wanted.bytes(), action.anchorUid, deps.profile),
  );
  if (chunks.kind !== 'done') return chunks;
  for (const chunk of chunks.value) {
    // What is there under the name of its content is it, or does not pass the hash in the pod.
    const made = settled(await patiently(() => deps.api.createConfigMap(chunk), deps.wait), [409]);
    if (made.kind !== 'done') return made;
  }
  return applyJob(action, deps);
}

function applyJob(
  { desired, anchorUid }: Readonly<{ desired: Desired; anchorUid: string }>,
  { api, profile, services, wait }: PerformDeps,
): Promise<Outcome<void>> {
  if (services === null) throw new Error('a Job is decided on without addresses');
  const job = buildJob({ ...desired, profile, services, anchorUid });
  return patiently(() => api.applyJob(job), wait);
}

/** That the archive cannot be read here, or is another one, is our own trouble. */
async function outcomeOfBytes<T>(read: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { kind: 'done', value: await read() };
  } catch (error) {
    const name = error instanceof AppError ? error.code : 'unreadable';
    return { kind: 'unavailable', detail: `the archive's bytes: ${name}`, retryAfterMs: null };
  }
}

/** Statuses that say that what was wanted is so already: somebody else made it, or it is gone. */
function settled(outcome: Outcome<void>, statuses: readonly number[]): Outcome<void> {
  return outcome.kind === 'refused' && statuses.includes(outcome.status)
    ? { kind: 'done', value: undefined }
    : outcome;
}

/** A server that says when to come again is asked once more then; everything else is for the next reconcile. */
async function patiently(
  make: () => Promise<void>,
  wait: (ms: number) => Promise<void>,
): Promise<Outcome<void>> {
  const first = await outcomeOf(make);
  if (first.kind !== 'unavailable' || first.retryAfterMs === null) return first;
  await wait(first.retryAfterMs);
  return outcomeOf(make);
}

/** What an action that did not go through means for its submission: it is held up, and by no fault of its miner's. */
export function holdUpOf(outcome: Outcome<void>): RuntimeFailure | null {
  if (outcome.kind === 'done') return null;
  const { detail } = outcome;
  const reason =
    outcome.kind === 'unavailable' ? 'unavailable' : outcome.quota ? 'quota' : 'rejected';
  return { reason, ours: true, exitCode: null, detail: detailOf(detail) };
}
