/** A fraction in units of 2^-32, as the pallet's are. Quotients and products are cut. */
export type Fixed = bigint;

/** Rows by index; of each row the entries that are not zero, by column. */
export type Matrix = readonly (readonly Entry[])[];
export type Entry = readonly [column: number, value: Fixed];

const FRACTION_BITS = 32n;
export const ONE: Fixed = 1n << FRACTION_BITS;

export function times(a: Fixed, b: Fixed): Fixed {
  return (a * b) >> FRACTION_BITS;
}

/** Zero of zero: what nobody has a part of is shared by nobody. */
export function quotient(part: bigint, whole: bigint): Fixed {
  return whole === 0n ? 0n : (part << FRACTION_BITS) / whole;
}

export function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

/** Shares of the sum. */
export function normalized(values: readonly bigint[]): Fixed[] {
  const total = sum(values);
  return values.map((value) => quotient(value, total));
}

/** The matrix with each value replaced; those that become zero drop out. */
export function mapMatrix(
  matrix: Matrix,
  next: (value: Fixed, row: number, column: number) => Fixed,
): Matrix {
  return matrix.map((entries, row) =>
    entries
      .map(([column, value]): Entry => [column, next(value, row, column)])
      .filter(([, value]) => value !== 0n),
  );
}

export function rowSums(matrix: Matrix): bigint[] {
  return matrix.map((entries) => sum(entries.map(([, value]) => value)));
}

/** Sums of the columns of a square matrix. */
export function columnSums(matrix: Matrix): bigint[] {
  const sums = matrix.map(() => 0n);
  for (const entries of matrix)
    for (const [column, value] of entries) sums[column] = (sums[column] ?? 0n) + value;
  return sums;
}

export function normalizedRows(matrix: Matrix): Matrix {
  const sums = rowSums(matrix);
  return mapMatrix(matrix, (value, row) => quotient(value, sums[row] ?? 0n));
}

export function normalizedColumns(matrix: Matrix): Matrix {
  const sums = columnSums(matrix);
  return mapMatrix(matrix, (value, _row, column) => quotient(value, sums[column] ?? 0n));
}

/** a × share + b × (1 − share), of two matrices with as many rows. */
export function blend(a: Matrix, b: Matrix, share: Fixed): Matrix {
  return a.map((entries, row) => {
    const blended = new Map(entries.map(([column, value]) => [column, times(value, share)]));
    for (const [column, value] of b[row] ?? [])
      blended.set(column, (blended.get(column) ?? 0n) + times(value, ONE - share));
    return [...blended];
  });
}
