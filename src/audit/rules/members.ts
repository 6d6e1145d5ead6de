import { MAX_OWN_FAULTS } from '../../evaluation/failure-limits.ts';
import { deploymentOf } from '../../evaluation/job-name.ts';
import type { AuditContext } from '../audit-context.ts';
import type { EvaluationRecord, MemberRecord } from '../evaluation-record.ts';
import type { Data, Entry, RunRecord } from '../run-record.ts';

/** An archive is of a miner of the run, one for each submission; its runtime has the one name that follows from it. */
export function archiveAccepted(
  { n, data }: Entry<'archive.accepted.v1'>,
  run: RunRecord,
  { log, fault }: AuditContext,
): void {
  const { submission, miner, archive } = data;
  const evaluation = measured(n, run, { fault });
  if (evaluation === null) return;
  if (!run.places.miners.has(miner))
    fault('evaluation-broken', n, 'the archive of a miner of the run', `one of ${miner}`);
  const before = evaluation.members.get(submission);
  if (before !== undefined) {
    if (before.archive !== archive || before.miner !== miner)
      fault('evaluation-broken', n, `the archive ${before.archive} of ${submission}`, archive);
    return;
  }
  const { family } = run;
  const validator = log.start?.hotkey ?? '';
  const deployment = deploymentOf({ validator, family, run: run.run, submission, archive });
  const member = { miner, archive, deployment, readyAt: null, ownFaults: 0 };
  evaluation.members.set(submission, member);
}

/** What answers is a submission whose archive is here. */
export function runtimeReady(
  { n, data }: Entry<'runtime.ready.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const member = memberOf(n, data, run, context);
  if (member !== null) member.readyAt ??= n;
}

/** Failures by its own fault are counted: after so many of them a submission is not started any more. */
export function runtimeFailed(
  { n, data }: Entry<'runtime.failed.v1'>,
  run: RunRecord,
  context: AuditContext,
): void {
  const member = memberOf(n, data, run, context);
  if (member === null || data.ours) return;
  member.ownFaults += 1;
  if (member.ownFaults === MAX_OWN_FAULTS) run.evaluation?.lost.set(member.miner, n);
}

/** What is measured here has an accepted roster before it. */
export function measured(
  n: number,
  { evaluation, run }: Pick<RunRecord, 'evaluation' | 'run'>,
  { fault }: Pick<AuditContext, 'fault'>,
): EvaluationRecord | null {
  if (evaluation === null)
    fault('evaluation-broken', n, `an accepted roster before ${run} is measured`, 'none');
  return evaluation;
}

/** The member that an event says it is of, under its own deployment. */
export function memberOf(
  n: number,
  {
    submission,
    miner,
    deployment,
  }: Pick<Data<'runtime.ready.v1'>, 'submission' | 'miner' | 'deployment'>,
  run: RunRecord,
  context: AuditContext,
): MemberRecord | null {
  const member = measured(n, run, context)?.members.get(submission);
  if (member?.miner === miner && member.deployment === deployment) return member;
  if (run.evaluation === null) return null;
  const expected =
    member === undefined
      ? 'a submission whose archive is here'
      : `${member.deployment} of ${member.miner}`;
  context.fault('evaluation-broken', n, expected, `${submission}, ${deployment} of ${miner}`);
  return null;
}
