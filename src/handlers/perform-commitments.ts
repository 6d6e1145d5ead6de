import { anchorLog } from './anchor-log.ts';
import { commitReport } from './commit-report.ts';
import { failuresOf } from './extrinsic-retry.ts';
import { followLast } from './follow-last.ts';
import { openScores } from './open-scores.ts';
import type { Identity, StepDeps } from './perform-step.ts';
import { committedAt, proveCommitment } from './prove-commitment.ts';
import { missCommitments, readCommitments } from './read-commitments.ts';
import type { RunView } from './run-view.ts';

/** Performs a step of the commitments: our own, its anchors and its opening, and what the voters committed to. */
export async function performCommitments(
  step:
    | 'sign-commitment'
    | 'prove-commitment'
    | 'follow-commitment'
    | 'sign-anchor'
    | 'follow-anchor'
    | 'open-scores'
    | 'read-commitments'
    | 'miss-commitments',
  view: RunView,
  block: number,
  identity: Identity,
  deps: StepDeps,
): Promise<string | null> {
  const { family, run, phases } = view.run;
  const { chain, record } = deps;
  switch (step) {
    case 'follow-commitment':
      return followLast(view.commitmentAttempts, block, identity, deps);
    case 'follow-anchor':
      return followLast(view.anchorAttempts, block, identity, deps);
    case 'sign-commitment':
    case 'sign-anchor':
      return signOwn(step, view, block, identity, deps);
    case 'prove-commitment': {
      const at = committedAt(view.commitmentAttempts);
      if (at === null) return null;
      const request = { family, run, self: deps.signer.hotkey, committedAt: at, block };
      return proveCommitment(request, { commitmentProof: chain.commitmentProof, record });
    }
    case 'open-scores':
      await openScores({ family, run }, deps);
      return null;
    case 'read-commitments':
    case 'miss-commitments': {
      const voters = view.open?.voters ?? [];
      const request = { family, run, phases, voters, reads: view.reads, block };
      const read = step === 'read-commitments' ? readCommitments : missCommitments;
      return read(request, { commitments: chain.commitments, record });
    }
    default:
      return step satisfies never;
  }
}

async function signOwn(
  step: 'sign-commitment' | 'sign-anchor',
  view: RunView,
  block: number,
  { generation, weightInterval }: Identity,
  { chain, checkpoints, keys, history, record, signer }: StepDeps,
): Promise<string | null> {
  const { ownReport, ownReportIndex: reportIndex, reads } = view;
  if (ownReport === null || reportIndex === null) return null;
  const attempts = step === 'sign-anchor' ? view.anchorAttempts : view.commitmentAttempts;
  const { family, run, phases } = view.run;
  const request = {
    family,
    run,
    self: signer.hotkey,
    generation,
    body: ownReport.body,
    attempt: attempts.length + 1,
    retry: { block, failures: failuresOf(attempts), interval: weightInterval },
  };
  const deps = { ...chain, checkpoints, keys, history, record };
  return step === 'sign-anchor'
    ? anchorLog(request, deps)
    : commitReport({ ...request, phases, reads, reportIndex }, deps);
}
