import type { Summary } from './measure.ts';
import { type Row, type Verdict, verdicts } from './row.ts';

/** The rows as a Markdown table, which a terminal shows as well. */
export function table(rows: readonly Row[]): string {
  const cells = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((row) => width(row[column]))));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((size, column) => (row[column] ?? '').padEnd(size)).join(' | ')} |`;
  const rule = `|${widths.map((size) => '-'.repeat(size + 2)).join('|')}|`;
  return [line(HEADINGS), rule, ...cells.slice(1).map(line)].join('\n');
}

const HEADINGS = ['what', 'value', 'reference', 'ratio', 'target', 'met?'];

function cellsOf(row: Row): readonly string[] {
  const { what, unit, value, reference } = row;
  const judged = verdicts(row);
  return [
    what,
    `${spread(value)} ${unit}`,
    reference === null ? '–' : `${reference.what}: ${spread(reference.value)}`,
    reference === null ? '–' : spread(reference.ratio),
    judged.length === 0 ? '–' : judged.map((one) => describeTarget(one, unit)).join(', '),
    judged.length === 0 ? '–' : judged.map(describeVerdict).join(', '),
  ];
}

function describeTarget({ target: { of, is, bound } }: Verdict, unit: string): string {
  return `${is === 'at least' ? '≥' : '≤'} ${figure(bound)}${of === 'value' ? ` ${unit}` : ''}`;
}

function describeVerdict({ met, missedBy, target: { bound } }: Verdict): string {
  if (met) return 'yes';
  const share = ((missedBy / bound) * 100).toFixed(0);
  return `no, by ${figure(missedBy)} (${share} %)`;
}

function spread({ median, low, high }: Summary): string {
  return `${figure(median)} (${figure(low)}–${figure(high)})`;
}

/** Three digits are more than a noisy machine gives. */
function figure(value: number): string {
  if (value >= 1_000) return Number(value.toPrecision(3)).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

function width(cell: string | undefined): number {
  return cell?.length ?? 0;
}
