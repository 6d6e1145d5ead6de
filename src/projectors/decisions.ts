import type { z } from 'zod';
import {
  CertificateBuilt,
  CertificateMissed,
  DecisionMade,
  type DecisionRecord,
  DecisionSigned,
  InputsGathered,
  type InputsRecord,
  PeerDecisionAccepted,
  PeerDecisionRejected,
} from '../events/decision.ts';
import { runSequence } from '../events/scalars.ts';
import { SnapshotMissed, SnapshotTaken } from '../events/snapshot.ts';
import { WeightsIntended } from '../events/weights.ts';
import { fact, factOf, factSchema, factStatements, factsOf } from './facts.ts';
import type { Projector, Queries } from './projector.ts';
import { integer, json, text } from './row.ts';

/** From what the chain said to what it should hold: a run's snapshots, inputs, decision, certificate and intents. */
export const decisions: Projector = {
  name: 'decisions',
  version: 2,
  schema: factSchema,
  statements: factStatements,
  project(recorded) {
    switch (recorded.event.type) {
      case 'snapshot.missed.v1':
        return [fact(recorded, 'latest')];
      case 'snapshot.taken.v1':
      case 'inputs.gathered.v1':
      case 'decision.made.v1':
      case 'decision.signed.v1':
      case 'peer-decision.accepted.v1':
      case 'peer-decision.rejected.v1':
      case 'certificate.built.v1':
      case 'certificate.missed.v1':
      case 'weights.intended.v1':
        return [fact(recorded, 'first')];
      default:
        return [];
    }
  },
};

type Data<D extends { data: z.ZodType }> = z.infer<D['data']>;
type Phase = Data<typeof SnapshotTaken>['phase'];

/** What the chain said at a run's `open` or `decide`; null when it gave no usable answer yet. */
export async function snapshotOf(
  queries: Queries,
  family: string,
  run: string,
  phase: Phase,
): Promise<Data<typeof SnapshotTaken>['snapshot'] | null> {
  const taken = await factsOf(queries, SnapshotTaken, family, run);
  return taken.find((event) => event.phase === phase)?.snapshot ?? null;
}

/** The latest failure of a run's snapshots for each phase and reason, in the order of the log. */
export function missedSnapshots(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly Data<typeof SnapshotMissed>[]> {
  return factsOf(queries, SnapshotMissed, family, run);
}

/**
 * How many neurons the chain's most recent answer had, usable or not, of any family; with `beforeRun`
 * only answers to earlier runs. Null when no answer had a count: there is nothing to compare with.
 */
export async function lastRowCount(queries: Queries, beforeRun?: string): Promise<number | null> {
  const newest = (type: string, path: string): string => `SELECT * FROM (
    SELECT n, data ->> '${path}' AS row_count FROM fact
    WHERE type = ${type} AND data ->> '${path}' IS NOT NULL AND (?1 IS NULL OR sequence < ?1)
    ORDER BY n DESC LIMIT 1)`;
  const sql = `${newest('?2', '$.snapshot.rowCount')} UNION ALL ${newest('?3', '$.rowCount')}
    ORDER BY n DESC LIMIT 1`;
  const before = beforeRun === undefined ? null : runSequence(beforeRun);
  const rows = await queries.all(sql, [before, SnapshotTaken.type, SnapshotMissed.type]);
  return rows.map((row) => integer(row, 'row_count'))[0] ?? null;
}

/** All that the run's decision rests on; null before it is gathered. */
export function inputsOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<InputsRecord | null> {
  return factOf(queries, InputsGathered, family, run);
}

export function decisionOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<DecisionRecord | null> {
  return factOf(queries, DecisionMade, family, run);
}

/** A signed decision, as it is served. */
export type SignedDecision = Data<typeof DecisionSigned> & Readonly<{ own: boolean }>;

/** This validator's signed decision of a run, if there is one, then its peers' by hotkey and outcome. */
export async function statementsOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly SignedDecision[]> {
  const own = await factsOf(queries, DecisionSigned, family, run);
  const peers = await factsOf(queries, PeerDecisionAccepted, family, run);
  const order = ({ hotkey, outcome }: Data<typeof DecisionSigned>): string =>
    `${hotkey}/${outcome}`;
  return [
    ...own.map((signed) => ({ ...signed, own: true })),
    ...peers
      .toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
      .map((signed) => ({ ...signed, own: false })),
  ];
}

/** Peers' signed decisions that were refused, and why, in the order of the log. */
export function statementRejections(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly Data<typeof PeerDecisionRejected>[]> {
  return factsOf(queries, PeerDecisionRejected, family, run);
}

/** The run's certificate with the stake behind it; null when there is none. */
export function certificateOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<Data<typeof CertificateBuilt> | null> {
  return factOf(queries, CertificateBuilt, family, run);
}

/** Where and with how much stake the run's certificate was missed; null when it was not. */
export function certificateMissed(
  queries: Queries,
  family: string,
  run: string,
): Promise<Data<typeof CertificateMissed> | null> {
  return factOf(queries, CertificateMissed, family, run);
}

export type Intent = Data<typeof WeightsIntended>;

/** What a run meant to set, in the order of the log: the last intent stands. */
export function intentsOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly Intent[]> {
  return factsOf(queries, WeightsIntended, family, run);
}

/** A family's most recent intent that named a vector; null when there was none. */
export async function lastIntended(queries: Queries, family: string): Promise<Intent | null> {
  const sql = `SELECT data FROM fact WHERE type = ?1 AND family = ?2 AND data ->> '$.vector' IS NOT NULL
    ORDER BY n DESC LIMIT 1`;
  const rows = await queries.all(sql, [WeightsIntended.type, family]);
  return rows.map((row) => json(row, 'data', WeightsIntended.data))[0] ?? null;
}

/** The family's latest run, by sequence, that has an intent with a vector; null when none has. */
export async function latestIntendedRun(queries: Queries, family: string): Promise<string | null> {
  const sql = `SELECT run FROM fact WHERE type = ?1 AND family = ?2 AND data ->> '$.vector' IS NOT NULL
    ORDER BY sequence DESC LIMIT 1`;
  const rows = await queries.all(sql, [WeightsIntended.type, family]);
  return rows.map((row) => text(row, 'run'))[0] ?? null;
}
