import type { RuntimeRecord } from '../../projectors/runtime-queries.ts';
import type { Kept, Standings } from './keep-runtimes.ts';

/** Which attempt of a submission was asked. */
type AskedRuntime = Readonly<{ deployment: string; attempt: number }>;

/**
 * Why an answer that failed says nothing about its miner, null where it does: by a look at the runtimes that is begun
 * after it failed. `unknown`: nobody knows how its runtime stands; `befell`: it is known not to be ready any more.
 */
export type WhyExcused = (
  asked: AskedRuntime,
) => Promise<Readonly<{ kind: 'unknown' | 'befell'; detail: string }> | null>;

type Failure = NonNullable<RuntimeRecord['failure']>;
type Standing = NonNullable<ReturnType<Standings['get']>>;

/**
 * Looks at a runtime once more before its miner is blamed: a drained node, a lease that ran out or a Job that we replace
 * end an answer as a crash does. What the submission did itself stays its failure. `look` is called for every look at the
 * runtimes.
 */
export function createSecondLook(signal: AbortSignal) {
  let waiting: PromiseWithResolvers<Kept>[] = [];
  const failures = new Map<string, Failure>();
  const stopped: Kept = { kind: 'unknown', detail: 'this validator stops' };
  signal.addEventListener('abort', () => {
    for (const { resolve } of waiting) resolve(stopped);
  });

  function remember(standings: Standings): void {
    for (const [deployment, { record }] of standings)
      if (record?.failure) failures.set(`${deployment}/${record.attempt}`, record.failure);
    for (const key of failures.keys())
      if (!standings.has(key.slice(0, key.indexOf('/')))) failures.delete(key);
  }

  const whyExcused: WhyExcused = async ({ deployment, attempt }) => {
    const next = Promise.withResolvers<Kept>();
    if (signal.aborted) next.resolve(stopped);
    else waiting.push(next);
    const kept = await next.promise;
    if (kept.kind === 'unknown') return unknown(kept.detail);
    const now = kept.standings.get(deployment);
    if (now === undefined) return unknown('its run is spared');
    const failure = failures.get(`${deployment}/${attempt}`) ?? null;
    const detail = whatBefell(now, attempt, failure);
    return detail === null ? null : { kind: 'befell', detail };
  };

  return {
    whyExcused,
    look: async (act: () => Promise<Kept>): Promise<Kept> => {
      const told = waiting;
      waiting = [];
      try {
        const kept = await act();
        if (kept.kind === 'known') remember(kept.standings);
        for (const { resolve } of told) resolve(kept);
        return kept;
      } catch (error) {
        const detail = 'the look at the runtimes failed';
        for (const { resolve } of told) resolve({ kind: 'unknown', detail });
        throw error;
      }
    },
  };
}

function unknown(why: string): Readonly<{ kind: 'unknown'; detail: string }> {
  return { kind: 'unknown', detail: `how its runtime stands is not known: ${why}` };
}

/** What befell an attempt that was ready when it was asked; null where it still is, or ended by its own fault. */
function whatBefell(now: Standing, attempt: number, failure: Failure | null): string | null {
  if (failure !== null) return failure.ours ? `its runtime failed by us: ${failure.detail}` : null;
  const same = now.standing === 'ready' && now.record?.attempt === attempt;
  return same ? null : 'its runtime is not ready any more';
}
