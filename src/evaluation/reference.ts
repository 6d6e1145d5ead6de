import { z } from 'zod';
import type { OracleAnswer, Reconciled, Vendor } from './reconciler.ts';
import type { Task } from './task-set.ts';

const Text = z.string().max(1_000_000);

/** What the answers to one task are measured by: kept beside the log under its digest. */
export const Reference = z.strictObject({
  v: z.literal('eirel/reference/1'),
  task: z.string(),
  status: z.enum(['consensus', 'majority', 'disputed', 'deterministic']),
  expectedClaims: z.array(Text),
  mustNotClaim: z.array(Text),
  /** The answer that others are compared with; empty where there is none. */
  text: Text,
  /** Whose it is: a vendor, or the expected claim itself. */
  source: z.string().max(64),
  note: z.string().max(2_000),
  answers: z.array(
    z.strictObject({ vendor: z.string(), answer: Text, citations: z.array(z.string()) }),
  ),
});
export type Reference = z.infer<typeof Reference>;

/** What was asked for a task: nobody, or the oracles and whoever reconciles them. */
export type OracleLayer = Readonly<{
  answers: readonly OracleAnswer[];
  reconciled: Reconciled | null;
}>;

/** Whether a task's expected answer comes from the oracles; every other source has it in the task set. */
export function needsOracles({ oracle_source }: Pick<Task, 'oracle_source'>): boolean {
  return oracle_source === 'three_oracle';
}

/**
 * Whether answers to a task can be measured here at all: a task of the oracles cannot where none are configured, unless
 * its reference was made while there were some. The owner's own answer never takes their place.
 */
export function canBeJudged(
  task: Pick<Task, 'oracle_source'>,
  { oracles, made }: Readonly<{ oracles: boolean; made: boolean }>,
): boolean {
  return oracles || made || !needsOracles(task);
}

/**
 * The reference of a task: of this validator's own oracles alone where the task is one of theirs, because what an owner
 * expects or has cached is no input of it; of any other source the task set's expected answer. Null where there is
 * nothing to measure by.
 */
export function referenceOf(
  task: Task,
  { answers, reconciled }: OracleLayer,
  preferred: Vendor,
): Reference | null {
  const floor = task.expected_output.must_not_claim ?? [];
  const gold = task.expected_output.answer ?? '';
  const base = {
    v: 'eirel/reference/1' as const,
    task: task.task_id,
    answers: answers.map(({ vendor, answer, citations }) => ({
      vendor,
      answer,
      citations: [...citations],
    })),
  };
  if (reconciled !== null) {
    const majority = reconciled.majority_claims.map(({ claim }) => claim);
    const claims = distinct([...reconciled.consensus_claims, ...majority]);
    const expectedClaims = reconciled.oracle_status === 'disputed' ? [] : claims;
    return {
      ...base,
      ...comparedWith(answers, preferred, expectedClaims[0]),
      status: expectedClaims.length === 0 ? 'disputed' : reconciled.oracle_status,
      expectedClaims,
      mustNotClaim: distinct([...floor, ...reconciled.must_not_claim_extras]),
      note: reconciled.disagreement_note ?? '',
    };
  }
  if (needsOracles(task) || gold.trim() === '') return null;
  return {
    ...base,
    ...comparedWith(answers, preferred, gold),
    status: 'deterministic',
    expectedClaims: [gold],
    mustNotClaim: distinct(floor),
    note: '',
  };
}

/** The preferred vendor's answer, else any vendor's, else the first expected claim. */
function comparedWith(
  answers: readonly OracleAnswer[],
  preferred: Vendor,
  claim: string | undefined,
): Pick<Reference, 'text' | 'source'> {
  const usable = answers.filter(({ answer }) => answer.trim() !== '');
  const first = usable.find(({ vendor }) => vendor === preferred);
  if (first !== undefined) return { text: first.answer, source: first.vendor };
  const other = usable[0];
  if (other !== undefined) return { text: other.answer, source: `${other.vendor}_fallback` };
  return claim === undefined
    ? { text: '', source: 'none' }
    : { text: claim, source: 'expected_claim' };
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts.map((text) => text.trim()).filter((text) => text !== ''))];
}
