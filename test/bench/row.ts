import type { Compared, Summary } from './measure.ts';

/** One line of the table: a figure, what it is compared with, and what it should be. */
export type Row = Readonly<{
  name: string;
  /** What the figure is of, in a few words. */
  what: string;
  unit: string;
  value: Summary;
  /** What was measured beside it, in the same unit, and the figure as a share of it. */
  reference: Readonly<{ what: string; value: Summary; ratio: Summary }> | null;
  targets: readonly Target[];
}>;

export type Target = Readonly<{
  of: 'value' | 'ratio';
  is: 'at least' | 'at most';
  bound: number;
}>;

/** A group of rows that is measured together; `--only` names it. */
export type Benchmark = Readonly<{
  name: string;
  summary: string;
  /** `quick` takes sizes that only show that everything runs. */
  measure: (quick: boolean) => Promise<readonly Row[]>;
}>;

export type Verdict = Readonly<{ target: Target; met: boolean; missedBy: number }>;

/** A row without anything to compare it with. */
export function plainRow(
  row: Pick<Row, 'name' | 'what' | 'unit'>,
  value: Summary,
  targets: readonly Target[] = [],
): Row {
  return { ...row, value, reference: null, targets };
}

/** A row whose figure is compared with another one. */
export function comparedRow(
  row: Pick<Row, 'name' | 'what' | 'unit'> & { against: string },
  { subject, reference, ratio }: Compared,
  targets: readonly Target[] = [],
): Row {
  const { against, ...rest } = row;
  return {
    ...rest,
    value: subject,
    reference: { what: against, value: reference, ratio },
    targets,
  };
}

/** Whether each target of a row is met by the median; `missedBy` is in the target's own unit. */
export function verdicts({ value, reference, targets }: Row): readonly Verdict[] {
  return targets.map((target) => {
    const found = (target.of === 'value' ? value : reference?.ratio)?.median ?? Number.NaN;
    const missing = target.is === 'at least' ? target.bound - found : found - target.bound;
    // A figure that is not a number has met nothing.
    const met = missing <= 0;
    return { target, met, missedBy: met ? 0 : missing };
  });
}
