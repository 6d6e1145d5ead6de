import type { EventOf, InRun } from '../events/define-event.ts';
import { EvidenceGathered, TaskInvoked, TaskJudged } from '../events/task.ts';
import type { Queries } from './projector.ts';
import { integer, integerOrNull, json, oneOf, type ResultRow, text, textOrNull } from './row.ts';

export type Invoked = EventOf<typeof TaskInvoked>['data'];
export type Evidence = EventOf<typeof EvidenceGathered>['data'];
type JudgedPair = EventOf<typeof TaskJudged>['data'];

/** The latest attempt of one (task, miner) pair, and what became of the pair. */
export type PairState = Readonly<{
  invoked: Invoked | null;
  evidence: Evidence | null;
  judged: JudgedPair | null;
  /** How often the judge gave no verdict on that answer, while it judged an answer of ours. */
  refusals: number;
  /** How often the miner's service did not answer at all. */
  unreachable: number;
  /** How often an answer that failed was excused, and the last attempt that was; 0 where none was. */
  excuses: number;
  lastExcused: number;
  /** What became of it; null while it has no result. */
  status: 'scored' | 'failed' | 'excused' | null;
}>;

/** Where a pair stands; nothing but null and 0 for one that nobody began. */
export async function pairOf(
  queries: Queries,
  { family, run, task, miner }: InRun & Readonly<{ task: string; miner: string }>,
): Promise<PairState> {
  const sql = `SELECT
      (SELECT data FROM invoked WHERE ${PAIR} ORDER BY attempt DESC LIMIT 1) AS invoked,
      (SELECT data FROM evidence WHERE ${PAIR} ORDER BY attempt DESC LIMIT 1) AS evidence,
      (SELECT data FROM judged WHERE ${PAIR} ORDER BY attempt DESC LIMIT 1) AS judged,
      (SELECT count(*) FROM refused WHERE ${PAIR} AND attempt =
        (SELECT max(attempt) FROM invoked WHERE ${PAIR})) AS refusals,
      (SELECT count(*) FROM invoked WHERE ${PAIR} AND data ->> 'outcome' = 'unreachable') AS unreachable,
      (SELECT count(*) FROM excused WHERE ${PAIR}) AS excuses,
      (SELECT coalesce(max(attempt), 0) FROM excused WHERE ${PAIR}) AS lastExcused,
      (SELECT status FROM settled WHERE ${PAIR}) AS status`;
  const [found = {}] = await queries.all(sql, [family, run, task, miner]);
  const invoked = found['invoked'] === null ? null : json(found, 'invoked', TaskInvoked.data);
  const evidence =
    found['evidence'] === null ? null : json(found, 'evidence', EvidenceGathered.data);
  const judged = found['judged'] === null ? null : json(found, 'judged', TaskJudged.data);
  return {
    invoked,
    evidence: evidence?.attempt === invoked?.attempt ? evidence : null,
    judged: judged?.attempt === invoked?.attempt ? judged : null,
    refusals: integer(found, 'refusals'),
    unreachable: integer(found, 'unreachable'),
    excuses: integer(found, 'excuses'),
    lastExcused: integer(found, 'lastExcused'),
    status: found['status'] === null ? null : oneOf(found, 'status', STATUSES),
  };
}

const STATUSES = ['scored', 'failed', 'excused'] as const;
const PAIR = 'family = ?1 AND run = ?2 AND task = ?3 AND miner = ?4';

/** The pairs of a run that have their one result, as `task/miner`: neither holds a slash. */
export async function settledPairs(
  queries: Queries,
  family: string,
  run: string,
): Promise<ReadonlySet<string>> {
  const sql = 'SELECT task, miner FROM settled WHERE family = ?1 AND run = ?2';
  const rows = await queries.all(sql, [family, run]);
  return new Set(rows.map((found) => `${text(found, 'task')}/${text(found, 'miner')}`));
}

/** How many archives of a run were accepted, and of how many pairs there is a score or an excuse. */
export async function pairCounts(
  queries: Queries,
  family: string,
  run: string,
): Promise<Readonly<{ archives: number; scored: number; excused: number }>> {
  const sql = `SELECT (SELECT count(*) FROM archive WHERE family = ?1 AND run = ?2) AS archives,
      count(*) FILTER (WHERE status <> 'excused') AS scored,
      count(*) FILTER (WHERE status = 'excused') AS excused
    FROM settled WHERE family = ?1 AND run = ?2`;
  const [found = {}] = await queries.all(sql, [family, run]);
  return {
    archives: integer(found, 'archives'),
    scored: integer(found, 'scored'),
    excused: integer(found, 'excused'),
  };
}

/** The latest claim of a task, and whether it was given back. */
export type Claim = Readonly<{
  task: string;
  attempt: number;
  lease: Readonly<{ evaluation: string; expires: string }> | null;
  returned: boolean;
}>;

/** The latest claim of each task that was claimed. */
export async function claimsOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<ReadonlyMap<string, Claim>> {
  const sql = `SELECT task, attempt, evaluation, expires,
      (family, run, task, attempt) IN (SELECT family, run, task, attempt FROM returned) AS returned
    FROM claim WHERE family = ?1 AND run = ?2 ORDER BY task, attempt`;
  const claims = (await queries.all(sql, [family, run])).map(toClaim);
  return new Map(claims.map((claim) => [claim.task, claim]));
}

function toClaim(found: ResultRow): Claim {
  const evaluation = textOrNull(found, 'evaluation');
  return {
    task: text(found, 'task'),
    attempt: integer(found, 'attempt'),
    lease: evaluation === null ? null : { evaluation, expires: text(found, 'expires') },
    returned: integer(found, 'returned') === 1,
  };
}

/** The references of a run by their tasks: each one's digest, and what it cost in 1e-9 USD, null where that is unknown. */
export async function referencesOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<ReadonlyMap<string, Readonly<{ reference: string; cost: number | null }>>> {
  const sql = 'SELECT task, reference, cost FROM reference WHERE family = ?1 AND run = ?2';
  const rows = await queries.all(sql, [family, run]);
  return new Map(
    rows.map((found) => [
      text(found, 'task'),
      { reference: text(found, 'reference'), cost: integerOrNull(found, 'cost') },
    ]),
  );
}

/** The digest of a task's reference; null while there is none. */
export async function referenceDigest(
  queries: Queries,
  { family, run, task }: InRun & Readonly<{ task: string }>,
): Promise<string | null> {
  const sql = 'SELECT reference FROM reference WHERE family = ?1 AND run = ?2 AND task = ?3';
  const [found] = await queries.all(sql, [family, run, task]);
  return found === undefined ? null : text(found, 'reference');
}

/** The accepted archives of a run, sorted by submission. */
export async function archivesOf(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly Readonly<{ submission: string; miner: string; archive: string }>[]> {
  const sql = `SELECT submission, miner, archive FROM archive WHERE family = ?1 AND run = ?2 ORDER BY submission`;
  return (await queries.all(sql, [family, run])).map((found) => ({
    submission: text(found, 'submission'),
    miner: text(found, 'miner'),
    archive: text(found, 'archive'),
  }));
}

/** The digests of a run's roster and task set; null before a roster was accepted. */
export async function acceptedRoster(
  queries: Queries,
  family: string,
  run: string,
): Promise<Readonly<{ roster: string; taskSet: string }> | null> {
  const sql = 'SELECT roster, task_set FROM roster WHERE family = ?1 AND run = ?2';
  const [found] = await queries.all(sql, [family, run]);
  return found === undefined
    ? null
    : { roster: text(found, 'roster'), taskSet: text(found, 'task_set') };
}

/**
 * The digests of what a run alone was measured with and left behind, sorted: archives, its task set, answers, transcripts,
 * and what its other scores rest on. Where scores are imported there are no documents of these digests.
 */
export async function documentsOf(
  queries: Queries,
  { family, run }: InRun,
): Promise<readonly string[]> {
  const sql = `SELECT archive AS digest FROM archive WHERE ${IN_RUN}
    UNION SELECT task_set FROM roster WHERE ${IN_RUN}
    UNION SELECT data ->> 'answer' FROM invoked WHERE ${IN_RUN} AND data ->> 'answer' IS NOT NULL
    UNION SELECT data ->> 'transcript' FROM judged WHERE ${IN_RUN}
    UNION SELECT evidence FROM settled WHERE ${IN_RUN}
    ORDER BY digest`;
  return (await queries.all(sql, [family, run])).map((found) => text(found, 'digest'));
}

const IN_RUN = 'family = ?1 AND run = ?2';
