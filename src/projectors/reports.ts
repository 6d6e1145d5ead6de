import type { z } from 'zod';
import { CommitmentsMissed, CommitmentsRead } from '../events/commitment.ts';
import { EquivocationRecorded, PeerReportRejected, ReportSigned } from '../events/report.ts';
import { ScoresOpened } from '../events/sealed.ts';
import { fact, factOf, factSchema, factStatements, factsOf } from './facts.ts';
import type { Change, Projector, Queries } from './projector.ts';
import { integer, oneOf, type ResultRow, text, textOrNull } from './row.ts';

/** The signed reports that this validator holds, its own among them, what it refused, and what voters committed to. */
export const reports: Projector = {
  name: 'reports',
  version: 3,
  schema: [
    ...factSchema,
    `CREATE TABLE report (
      family TEXT NOT NULL, run TEXT NOT NULL, hotkey TEXT NOT NULL, digest TEXT NOT NULL,
      origin TEXT NOT NULL, served_by TEXT, signature TEXT NOT NULL, body TEXT NOT NULL,
      PRIMARY KEY (family, run, hotkey, digest)
    ) STRICT`,
  ],
  statements: {
    ...factStatements,
    report: `INSERT INTO report (family, run, hotkey, digest, origin, served_by, signature, body)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
  },
  project(recorded) {
    const { event } = recorded;
    switch (event.type) {
      case 'report.signed.v1':
        return [fact(recorded, 'first'), held(event.data, 'own', null)];
      case 'peer-report.accepted.v1':
        return [held(event.data, 'peer', event.data.servedBy)];
      case 'equivocation.recorded.v1':
        return [fact(recorded, 'first'), held(event.data, 'equivocation', event.data.servedBy)];
      case 'scores.opened.v1':
      case 'peer-report.rejected.v1':
      case 'commitments.read.v1':
      case 'commitments.missed.v1':
        return [fact(recorded, 'first')];
      default:
        return [];
    }
  },
};

/** A signed report as it is served: the exact signed text, and how it came here. */
export type HeldReport = Readonly<{
  hotkey: string;
  digest: string;
  body: string;
  signature: string;
  /** `equivocation`: the second report of somebody who signed two. */
  origin: Origin;
  /** Which peer served it; null for this validator's own. */
  servedBy: string | null;
}>;
const origins = ['own', 'peer', 'equivocation'] as const;
type Origin = (typeof origins)[number];

/** This validator's report of a run, with its coverage; null before it is signed. */
export function ownReport(
  queries: Queries,
  family: string,
  run: string,
): Promise<OwnReport | null> {
  return factOf(queries, ReportSigned, family, run);
}
export type OwnReport = z.infer<typeof ReportSigned.data>;

/** Index in the log of this validator's report of a run; null before it is signed. */
export async function ownReportIndex(
  queries: Queries,
  family: string,
  run: string,
): Promise<number | null> {
  const sql = 'SELECT n FROM fact WHERE family = ?1 AND run = ?2 AND type = ?3 ORDER BY n LIMIT 1';
  const [row] = await queries.all(sql, [family, run, ReportSigned.type]);
  return row === undefined ? null : integer(row, 'n');
}

/** Whether the key of the run's sealed facts is in the log. */
export async function scoresOpened(
  queries: Queries,
  family: string,
  run: string,
): Promise<boolean> {
  return (await factOf(queries, ScoresOpened, family, run)) !== null;
}

/** Every report of a run that is held: own, peers', and the second ones of equivocators; by hotkey, then digest. */
export async function heldReports(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly HeldReport[]> {
  const sql = `SELECT hotkey, digest, body, signature, origin, served_by FROM report
    WHERE family = ?1 AND run = ?2 ORDER BY hotkey, digest`;
  return (await queries.all(sql, [family, run])).map(toHeld);
}

/** The held report of a run with that digest; null when it is not held. */
export async function reportByDigest(
  queries: Queries,
  family: string,
  run: string,
  digest: string,
): Promise<HeldReport | null> {
  const sql = `SELECT hotkey, digest, body, signature, origin, served_by FROM report
    WHERE family = ?1 AND run = ?2 AND digest = ?3 ORDER BY hotkey`;
  return (await queries.all(sql, [family, run, digest])).map(toHeld)[0] ?? null;
}

/** Who reported what, without the reports: what a peer reads before it asks for those that it lacks. */
export async function reportIndex(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly Readonly<{ hotkey: string; digest: string }>[]> {
  const sql =
    'SELECT hotkey, digest FROM report WHERE family = ?1 AND run = ?2 ORDER BY hotkey, digest';
  return (await queries.all(sql, [family, run])).map((row) => ({
    hotkey: text(row, 'hotkey'),
    digest: text(row, 'digest'),
  }));
}

/** Who signed two reports of a run, with both digests and the second report; sorted by hotkey. */
export async function equivocators(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly Equivocation[]> {
  const found = await factsOf(queries, EquivocationRecorded, family, run);
  return found.toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1));
}
export type Equivocation = z.infer<typeof EquivocationRecorded.data>;

/** What was refused in a run, and why, in the order of the log. */
export function rejections(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly ReportRejection[]> {
  return factsOf(queries, PeerReportRejected, family, run);
}
export type ReportRejection = z.infer<typeof PeerReportRejected.data>;

/** What was read of the voters' commitments to a run, in the order of the log. */
export function commitmentReads(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly CommitmentRead[]> {
  return factsOf(queries, CommitmentsRead, family, run);
}
export type CommitmentRead = z.infer<typeof CommitmentsRead.data>;

/** Why the voters' commitments to a run stayed unknown; null when that was not given up. */
export function commitmentsMissed(
  queries: Queries,
  family: string,
  run: string,
): Promise<z.infer<typeof CommitmentsMissed.data> | null> {
  return factOf(queries, CommitmentsMissed, family, run);
}

type Signed = Readonly<
  Record<'family' | 'run' | 'hotkey' | 'digest' | 'signature' | 'body', string>
>;

function held(report: Signed, origin: Origin, servedBy: string | null): Change {
  const { family, run, hotkey, digest, signature, body } = report;
  return {
    statement: 'report',
    rows: [[family, run, hotkey, digest, origin, servedBy, signature, body]],
  };
}

function toHeld(row: ResultRow): HeldReport {
  return {
    hotkey: text(row, 'hotkey'),
    digest: text(row, 'digest'),
    body: text(row, 'body'),
    signature: text(row, 'signature'),
    origin: oneOf(row, 'origin', origins),
    servedBy: textOrNull(row, 'served_by'),
  };
}
