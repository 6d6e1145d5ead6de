import type { z } from 'zod';
import { CommitmentProofRead } from '../events/commitment.ts';
import type { InRun } from '../events/define-event.ts';
import { encode, type Json } from '../events/ej1.ts';
import {
  ExtrinsicIncluded,
  ExtrinsicSettled,
  ExtrinsicSigned,
  type Purpose,
} from '../events/extrinsic.ts';
import { runSequence } from '../events/scalars.ts';
import { WeightsObserved } from '../events/weights.ts';
import { fact, factOf, factSchema, factStatements, factsOf } from './facts.ts';
import type { Change, Projector, Queries } from './projector.ts';
import { json, type ResultRow, text } from './row.ts';

/** What this validator signed for the chain, and what became of it: one row for each attempt. */
export const extrinsics: Projector = {
  name: 'extrinsics',
  version: 3,
  schema: [
    ...factSchema,
    `CREATE TABLE attempt (
      family TEXT NOT NULL, run TEXT NOT NULL, purpose TEXT NOT NULL, attempt INTEGER NOT NULL,
      sequence INTEGER NOT NULL, signed TEXT, settled TEXT,
      PRIMARY KEY (family, run, purpose, attempt)
    ) STRICT`,
    'CREATE INDEX living ON attempt (sequence) WHERE settled IS NULL',
    "CREATE INDEX committing ON attempt (sequence) WHERE purpose = 'commitment'",
  ],
  statements: { ...factStatements, signed: put('signed'), settled: put('settled') },
  project(recorded) {
    const { event } = recorded;
    switch (event.type) {
      case 'extrinsic.signed.v1':
        return [row('signed', event.data)];
      case 'extrinsic.settled.v1':
        return [row('settled', event.data)];
      case 'extrinsic.included.v1':
      case 'weights.observed.v1':
      case 'commitment-proof.read.v1':
        return [fact(recorded, 'first')];
      default:
        return [];
    }
  },
};

export type Signed = z.infer<typeof ExtrinsicSigned.data>;
type Settled = z.infer<typeof ExtrinsicSettled.data>;
export type Observed = z.infer<typeof WeightsObserved.data>;

/** One attempt: never signed where it was refused before, living while it is not settled. */
export type Attempt = Readonly<{
  purpose: Purpose;
  attempt: number;
  signed: Signed | null;
  settled: Settled | null;
}>;

/** A run's attempts for one purpose, by their number. */
export async function attemptsOf(
  queries: Queries,
  family: string,
  run: string,
  purpose: Purpose,
): Promise<readonly Attempt[]> {
  const sql = `SELECT purpose, signed, settled FROM attempt
    WHERE family = ?1 AND run = ?2 AND purpose = ?3 ORDER BY attempt`;
  return (await queries.all(sql, [family, run, purpose])).flatMap(toAttempt);
}

/** Extrinsics that may still be included, of any run; the oldest run's first. */
export async function livingExtrinsics(queries: Queries): Promise<readonly Signed[]> {
  const sql = 'SELECT signed FROM attempt WHERE settled IS NULL ORDER BY sequence, attempt';
  return (await queries.all(sql)).map((found) => json(found, 'signed', ExtrinsicSigned.data));
}

/** The newest run whose commitment succeeded; null before the first. */
export async function latestCommitted(queries: Queries): Promise<InRun | null> {
  const sql = `SELECT family, run FROM attempt
    WHERE purpose = 'commitment' AND settled ->> '$.outcome' = 'succeeded'
    ORDER BY sequence DESC LIMIT 1`;
  const [found] = await queries.all(sql);
  return found === undefined ? null : { family: text(found, 'family'), run: text(found, 'run') };
}

/** Where an attempt's extrinsic was seen before it was final, in the order of the log. */
export async function inclusionsOf(
  queries: Queries,
  { family, run, purpose, attempt }: Signed,
): Promise<readonly z.infer<typeof ExtrinsicIncluded.data>[]> {
  const included = await factsOf(queries, ExtrinsicIncluded, family, run);
  return included.filter((each) => each.purpose === purpose && each.attempt === attempt);
}

/** What the chain held after a run's attempts to set weights, by attempt. */
export async function observationsOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly Observed[]> {
  const observed = await factsOf(queries, WeightsObserved, family, run);
  return observed.toSorted((a, b) => a.attempt - b.attempt);
}

/** What the chain said when it was asked to prove a run's commitment; null before that. */
export function commitmentProofOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<z.infer<typeof CommitmentProofRead.data> | null> {
  return factOf(queries, CommitmentProofRead, family, run);
}

/** Fills one column of an attempt's row; the first event of each stands. */
function put(column: 'signed' | 'settled'): string {
  return `INSERT INTO attempt (family, run, purpose, attempt, sequence, ${column})
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
    FROM json_each(?1) WHERE true ON CONFLICT (family, run, purpose, attempt)
    DO UPDATE SET ${column} = coalesce(${column}, excluded.${column})`;
}

function row(statement: 'signed' | 'settled', data: Signed | Settled): Change {
  const { family, run, purpose, attempt } = data;
  // safe: every schema of the catalogue is JSON
  const columns = [family, run, purpose, attempt, runSequence(run), encode(data as Json)];
  return { statement, rows: [columns] };
}

function toAttempt(found: ResultRow): Attempt[] {
  const signed = found['signed'] === null ? null : json(found, 'signed', ExtrinsicSigned.data);
  const settled = found['settled'] === null ? null : json(found, 'settled', ExtrinsicSettled.data);
  const known = signed ?? settled;
  return known === null
    ? []
    : [{ purpose: known.purpose, attempt: known.attempt, signed, settled }];
}
