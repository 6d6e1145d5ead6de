import { AppError } from '../errors.ts';
import type { Holdings, Signed } from './signing-records.ts';

/**
 * What of an imported file is not held yet. Throws `signing.refused`, naming the row, where the two are not
 * of one honest history: another digest in one slot, or two roots of one log at one size. Of two sizes of a
 * log the greater stands.
 */
export function missingOf(imported: Holdings, held: Holdings): Holdings {
  return {
    signed: missing(imported.signed, held.signed, {
      name: ({ kind, family, run }) => `the ${kind} of ${family} ${run}`,
      compare: compareDigests,
    }),
    locks: missing(imported.locks, held.locks, {
      name: ({ source }) => `the checkpoint of ${source}`,
      compare: compareTrees,
    }),
    witnessed: missing(imported.witnessed, held.witnessed, {
      name: ({ origin }) => `the cosigned checkpoint of ${origin}`,
      compare: compareTrees,
    }),
  };
}

/** How a row stands to what is known under its name; of a contradiction both sides are shown. */
type Comparison = 'newer' | 'known' | Readonly<{ value: string; expected: string }>;

function compareDigests({ digest }: Signed, known: Signed): Comparison {
  return digest === known.digest ? 'known' : { value: digest, expected: known.digest };
}

type Tree = Readonly<{ size: number; root: string }>;

function compareTrees({ size, root }: Tree, known: Tree): Comparison {
  if (size !== known.size) return size > known.size ? 'newer' : 'known';
  return root === known.root
    ? 'known'
    : { value: `root ${root} at size ${size}`, expected: `root ${known.root}` };
}

/** The rows that add something to what is held and to the rows before them: one for each name. */
function missing<Row>(
  rows: readonly Row[],
  held: readonly Row[],
  by: Readonly<{ name: (row: Row) => string; compare: (row: Row, known: Row) => Comparison }>,
): readonly Row[] {
  const known = new Map(held.map((row) => [by.name(row), row]));
  const added = new Map<string, Row>();
  for (const row of rows) {
    const name = by.name(row);
    const before = known.get(name);
    const found = before === undefined ? 'newer' : by.compare(row, before);
    if (found === 'known') continue;
    if (found !== 'newer') throw contradiction(name, found);
    known.set(name, row);
    added.set(name, row);
  }
  return [...added.values()];
}

function contradiction(field: string, shown: { value: string; expected: string }): AppError {
  const next =
    'these are not of one history: find out which process signed the other one; nothing was imported';
  return new AppError('signing.refused', { field, ...shown, next });
}
