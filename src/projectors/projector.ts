import type { Recorded } from '../events/envelope.ts';

/** A row's values in the order of its statement's columns. */
export type Row = readonly (string | number | null)[];

/** Rows for one of the projector's bulk statements, by name. */
export type Change = Readonly<{ statement: string; rows: readonly Row[] }>;

/**
 * A schema and a pure function from events to rows. Each statement takes all its rows at once, as one
 * JSON array (`?1`): `INSERT … SELECT value ->> 0, … FROM json_each(?1) WHERE true …`. Changing what a
 * projector writes means raising `version`: its file is built anew beside the old one.
 */
export type Projector = Readonly<{
  name: string;
  version: number;
  schema: readonly string[];
  statements: Readonly<Record<string, string>>;
  project: (recorded: Recorded) => readonly Change[];
}>;

/** Reading a projection; queries live beside their projector. */
export type Queries = Readonly<{
  all: (
    sql: string,
    parameters?: readonly (string | number | null)[],
  ) => Promise<readonly Readonly<Record<string, unknown>>[]>;
}>;
