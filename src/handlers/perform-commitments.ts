import { commitReport } from './commit-report.ts';
import { failuresOf } from './extrinsic-retry.ts';
import { followLast } from './follow-last.ts';
import type { Identity, StepDeps } from './perform-step.ts';
import { missCommitments, readCommitments } from './read-commitments.ts';
import type { RunView } from './run-view.ts';

/** Performs a step of the commitments: our own, and what the voters committed to. */
export async function performCommitments(
  step: 'sign-commitment' | 'follow-commitment' | 'read-commitments' | 'miss-commitments',
  view: RunView,
  block: number,
  identity: Identity,
  deps: StepDeps,
): Promise<string | null> {
  const { family, run, phases } = view.run;
  const { chain, history, record } = deps;
  const attempts = view.commitmentAttempts;
  if (step === 'follow-commitment') return followLast(attempts, block, identity, deps);
  if (step === 'sign-commitment') {
    const body = view.ownReport?.body;
    if (body === undefined) return null;
    return commitReport(
      {
        family,
        run,
        phases,
        self: deps.signer.hotkey,
        body,
        reads: view.reads,
        attempt: attempts.length + 1,
        retry: { block, failures: failuresOf(attempts), interval: identity.weightInterval },
      },
      { ...chain, history, record },
    );
  }
  const voters = view.open?.voters ?? [];
  const request = { family, run, phases, voters, reads: view.reads, block };
  const read = step === 'read-commitments' ? readCommitments : missCommitments;
  return read(request, { commitments: chain.commitments, record });
}
