import type { V1ObjectMeta } from '@kubernetes/client-node';
import type { RuntimesEnded } from '../cluster.ts';
import { LABEL, runLabel } from '../objects/names.ts';
import type { Actual } from './actual.ts';
import { decideRemovals } from './decide.ts';
import { outcomeOf } from './outcome.ts';
import { performRemoval } from './perform.ts';
import { type SettleDeps, unknown } from './settle.ts';

/** A pod has its grace to end; longer is for the next call. */
const LOOKS = 40;
const LOOK_MS = 500;

/** Removes a run's anchor, which takes all of it with it, and looks until nothing is left. */
export async function endRun(
  run: Readonly<{ family: string; run: string }>,
  { api, profile, wait }: SettleDeps,
): Promise<RuntimesEnded> {
  for (let look = 1; ; look++) {
    const listed = await outcomeOf(api.list);
    if (listed.kind !== 'done') return unknown(listed);
    const actual = onlyOf(runLabel(run), listed.value);
    const { configMaps, jobs, services, pods } = actual;
    const left = configMaps.length + jobs.length + services.length + pods.length;
    if (left === 0) return { kind: 'ended' };
    if (look === LOOKS) return { kind: 'ending', left };
    await Promise.all(
      decideRemovals([], actual, { profile, spared: [] }).map((action) =>
        performRemoval(action, { api, wait }),
      ),
    );
    await wait(LOOK_MS);
  }
}

function onlyOf(label: string, actual: Actual): Actual {
  const ofRun = (metadata: V1ObjectMeta | undefined) => metadata?.labels?.[LABEL.run] === label;
  const objects = <T extends Readonly<{ metadata?: V1ObjectMeta }>>(all: readonly T[]) =>
    all.filter(({ metadata }) => ofRun(metadata));
  return {
    configMaps: actual.configMaps.filter(ofRun),
    jobs: objects(actual.jobs),
    services: objects(actual.services),
    pods: objects(actual.pods),
    refusals: actual.refusals,
  };
}
