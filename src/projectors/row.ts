import type { z } from 'zod';
import { AppError } from '../errors.ts';

/** A row of a query's result, not yet checked. */
export type ResultRow = Readonly<Record<string, unknown>>;

/** The text in a column; throws `projection.damaged` for anything else. */
export function text(row: ResultRow, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : refuse(column, value, 'text');
}

export function textOrNull(row: ResultRow, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

export function integer(row: ResultRow, column: string): number {
  const value = row[column];
  return Number.isSafeInteger(value) ? Number(value) : refuse(column, value, 'an integer');
}

export function integerOrNull(row: ResultRow, column: string): number | null {
  return row[column] === null ? null : integer(row, column);
}

/** One of the given words in a column. */
export function oneOf<const Word extends string>(
  row: ResultRow,
  column: string,
  words: readonly Word[],
): Word {
  const value = row[column];
  return words.find((word) => word === value) ?? refuse(column, value, words.join(' or '));
}

/** The JSON text in a column, checked against its schema. */
export function json<T>(row: ResultRow, column: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(JSON.parse(text(row, column)));
  return parsed.success ? parsed.data : refuse(column, row[column], parsed.error.message);
}

function refuse(column: string, value: unknown, expected: string): never {
  const next = 'run `eirel rebuild`';
  throw new AppError('projection.damaged', { column, value, expected, next });
}
