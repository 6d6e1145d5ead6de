import { mergeCommitments } from '../consensus/commitment-facts.ts';
import { digestOf } from '../consensus/outcome.ts';
import type { CommitmentFound } from '../events/commitment.ts';
import { type Data, type RunRecord, votersOf } from './run-record.ts';

/** What one validator contributed to a run. */
type ValidatorRow = Readonly<{
  hotkey: string;
  stake: string;
  status: Data<'inputs.gathered.v1'>['reports'][number]['status'] | null;
  reason: string | null;
  /** SHA-256 of its report. */
  report: string | null;
  /** What it committed to first, and in which block. */
  committed: CommitmentFound['first'] | null;
  /** Whether it signed this log's outcome, another one, or none that is known. */
  signed: 'this' | 'another' | null;
}>;

/** A run as its log tells it, after everything in it was computed again. */
export type RunReport = Readonly<{
  family: string;
  run: string;
  phases: Data<'run.opened.v1'>['phases'] | null;
  validators: readonly ValidatorRow[];
  decision: Data<'decision.made.v1'> | null;
  certificate: Readonly<{ signed: string; total: string; outcome: string }> | 'missed' | null;
  /** What this validator meant to set: the last one stands. */
  intents: readonly Data<'weights.intended.v1'>[];
  /** Its newest attempts, by purpose. */
  attempts: readonly Readonly<{
    purpose: string;
    attempt: number;
    outcome: string;
    block: number | null;
    hash: string | null;
  }>[];
  observed: Data<'weights.observed.v1'> | null;
  superseded: boolean;
  /** By which rules it was decided; null while it is not. */
  rules: Data<'inputs.gathered.v1'>['rules'] | null;
  /** The digest that its own report was committed to with; null without a report. */
  commitment: string | null;
}>;

/** What there is to say of a run. */
export function reportOf(run: RunRecord): RunReport {
  const { facts, decision, certificate, intents, attempts, observations, superseded } = run;
  const committed = new Map(mergeCommitments(facts.reads).map((each) => [each.hotkey, each.first]));
  const inputs = new Map(facts.inputs?.reports.map((each) => [each.hotkey, each]));
  const outcome = decision === null ? null : digestOf(decision.data.outcome);
  return {
    family: run.family,
    run: run.run,
    phases: facts.opened?.phases ?? null,
    validators: votersOf(run).map(({ hotkey, stake }) => {
      const { status = null, reason = null, digest = null } = inputs.get(hotkey) ?? {};
      const statement = run.statements.get(hotkey);
      const signed = statement === undefined ? null : statement === outcome ? 'this' : 'another';
      const first = committed.get(hotkey) ?? null;
      return { hotkey, stake, status, reason, report: digest, committed: first, signed };
    }),
    decision: decision?.data ?? null,
    certificate:
      certificate === null
        ? run.certificateMissed
          ? 'missed'
          : null
        : {
            signed: certificate.signed,
            total: certificate.total,
            outcome: digestOf(certificate.certificate.outcome),
          },
    intents: intents.map(({ data }) => data),
    attempts: [...attempts].flatMap(([purpose, list]) =>
      list.map(({ signed, settled }, at) => ({
        purpose,
        attempt: at + 1,
        outcome: settled?.data.outcome ?? 'living',
        block: settled?.data.block ?? null,
        hash: signed?.data.hash ?? null,
      })),
    ),
    observed: observations.at(-1)?.data ?? null,
    superseded,
    rules: facts.inputs?.rules ?? null,
    commitment: run.committed,
  };
}
