import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attemptName } from '#src/cluster/objects/names.ts';
import { clusterSite, PROFILE } from '../../support/cluster-site.ts';
import type { Fault } from '../../support/fake-kubernetes/server.ts';
import { wantedRuntime } from '../../support/wanted-runtime.ts';

const members = ['sub-1', 'sub-2', 'sub-3'].flatMap((submission) => [
  wantedRuntime({ submission }),
  wantedRuntime({ submission, attempt: 2 }),
  wantedRuntime({ submission, run: 'run-8' }),
]);

const faults: readonly (Fault | null)[] = [
  null,
  { kind: 'cut-before' },
  { kind: 'cut-after' },
  { kind: 'answer', status: 500, message: 'internal' },
  { kind: 'answer', status: 409, message: 'conflict' },
  { kind: 'answer', status: 429, message: 'slow down', retryAfter: 1 },
];

/** Which members are wanted, how each request is spoilt in turn, whether the cluster acts at once, and how long passes. */
const step = fc.record({
  wanted: fc.subarray(members),
  faults: fc.array(fc.constantFrom(...faults), { maxLength: 12 }),
  automatic: fc.boolean(),
  passMs: fc.constantFrom(0, 1_000, 400_000, 2_000_000),
});

test('whatever is wanted, spoilt and interrupted on the way, what is wanted last is all there is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 5 }),
      fc.subarray(members),
      async (steps, last) => {
        await using site = await clusterSite();
        for (const { wanted, faults: spoilt, automatic, passMs } of steps) {
          const queue = spoilt.values();
          site.state.faultOf = () => queue.next().value ?? null;
          site.state.automatic = automatic;
          // Nothing is remembered from one call to the next, as if each came after a crash.
          await site.openRuntimes().reconcile(wanted);
          site.pass(passMs);
        }
        site.state.faultOf = () => null;
        site.state.automatic = true;
        // Leases of long ago run out, and what has ended is removed a while later: the last call begins anew.
        site.pass(2_000_000);
        site.pass(700_000);
        for (let call = 0; call < 3; call++) await site.openRuntimes().reconcile(last);

        const names = last
          .map((wanted) => attemptName(wanted, PROFILE))
          .toSorted((a, b) => a.localeCompare(b));
        for (const resource of ['jobs', 'services'] as const)
          expect(
            site.store
              .all(resource, PROFILE.namespace)
              .map(({ metadata }) => metadata.name)
              .filter((name) => !name.startsWith('r-'))
              .toSorted((a, b) => a.localeCompare(b)),
          ).toEqual(names);
        expect(site.store.all('pods', PROFILE.namespace)).toHaveLength(last.length);
        const runs = new Set(last.map(({ run }) => run));
        expect(site.store.all('configmaps', PROFILE.namespace)).toHaveLength(runs.size);
        expect(site.store.all('jobs', PROFILE.namespace)).toHaveLength(last.length + runs.size);
        const { writes } = site.store;
        await site.openRuntimes().reconcile(last);
        expect(site.store.writes).toBe(writes);
      },
    ),
    { numRuns: 6 },
  );
});
