import type { DomainEvent } from '../events/catalogue.ts';
import type { EventOf } from '../events/define-event.ts';
import { RuntimeEnded, RuntimeFailed } from '../events/runtime.ts';
import { EvidenceGathered, TaskInvoked, TaskJudged } from '../events/task.ts';
import type { Change, Projector, Queries } from './projector.ts';
import { integer, integerOrNull, json, oneOf, type ResultRow, text, textOrNull } from './row.ts';

/** How far this validator has come with each task of a run, and with each miner's answer to it. */
export const evaluation: Projector = {
  name: 'evaluation',
  version: 3,
  schema: [
    table('roster', 'task_set TEXT NOT NULL, roster TEXT NOT NULL', ''),
    table(
      'archive',
      'submission TEXT NOT NULL, miner TEXT NOT NULL, archive TEXT NOT NULL',
      'submission',
    ),
    table(
      'runtime',
      'deployment TEXT NOT NULL, attempt INTEGER NOT NULL, phase TEXT NOT NULL, data TEXT NOT NULL',
      'deployment, attempt, phase',
    ),
    table(
      'claim',
      'task TEXT NOT NULL, attempt INTEGER NOT NULL, evaluation TEXT, expires TEXT',
      'task, attempt',
    ),
    table('returned', 'task TEXT NOT NULL, attempt INTEGER NOT NULL', 'task, attempt'),
    table('reference', 'task TEXT NOT NULL, reference TEXT NOT NULL, cost INTEGER', 'task'),
    ...['invoked', 'evidence', 'judged'].map((name) =>
      table(
        name,
        'task TEXT NOT NULL, miner TEXT NOT NULL, attempt INTEGER NOT NULL, data TEXT NOT NULL',
        'task, miner, attempt',
      ),
    ),
    table(
      'refused',
      'task TEXT NOT NULL, miner TEXT NOT NULL, attempt INTEGER NOT NULL, refusal INTEGER NOT NULL',
      'task, miner, attempt, refusal',
    ),
    table(
      'settled',
      'task TEXT NOT NULL, miner TEXT NOT NULL, status TEXT NOT NULL, evidence TEXT NOT NULL',
      'task, miner',
    ),
  ],
  statements: {
    roster: insert('roster', 4),
    archive: insert('archive', 5),
    runtime: insert('runtime', 6),
    claim: insert('claim', 6),
    returned: insert('returned', 4),
    reference: insert('reference', 5),
    invoked: insert('invoked', 6),
    evidence: insert('evidence', 6),
    judged: insert('judged', 6),
    refused: insert('refused', 6),
    settled: insert('settled', 6),
  },
  project: ({ event }) => changesOf(event),
};

/** Of two events that claim the same fact the first stands. */
function table(name: string, columns: string, key: string): string {
  const primary = ['family', 'run', ...(key === '' ? [] : [key])].join(', ');
  return `CREATE TABLE ${name} (
    family TEXT NOT NULL, run TEXT NOT NULL, ${columns}, PRIMARY KEY (${primary})
  ) STRICT, WITHOUT ROWID`;
}

function insert(name: string, columns: number): string {
  const values = Array.from({ length: columns }, (_, index) => `value ->> ${index}`).join(', ');
  return `INSERT INTO ${name} SELECT ${values} FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`;
}

function changesOf(event: DomainEvent): readonly Change[] {
  switch (event.type) {
    case 'roster.accepted.v1':
      return row('roster', event.data, [event.data.taskSet, event.data.roster]);
    case 'archive.accepted.v1': {
      const { submission, miner, archive } = event.data;
      return row('archive', event.data, [submission, miner, archive]);
    }
    case 'runtime.ready.v1':
      return runtimeRow('ready', event.data);
    case 'runtime.failed.v1':
      return runtimeRow('failed', event.data);
    case 'runtime.ended.v1':
      return runtimeRow('ended', event.data);
    case 'task.claimed.v1': {
      const { task, attempt, lease } = event.data;
      return row('claim', event.data, [
        task,
        attempt,
        lease?.evaluation ?? null,
        lease?.expires ?? null,
      ]);
    }
    case 'task.returned.v1':
      return row('returned', event.data, [event.data.task, event.data.attempt]);
    case 'reference.made.v1':
      return row('reference', event.data, [event.data.task, event.data.reference, event.data.cost]);
    case 'task.invoked.v1':
      return pairRow('invoked', event.data);
    case 'evidence.gathered.v1':
      return pairRow('evidence', event.data);
    case 'task.judged.v1':
      return pairRow('judged', event.data);
    case 'verdict.refused.v1': {
      const { task, miner, attempt, refusal } = event.data;
      return row('refused', event.data, [task, miner, attempt, refusal]);
    }
    case 'score.recorded.v1': {
      const { task, miner, status, evidence } = event.data;
      return row('settled', event.data, [task, miner, status, evidence]);
    }
    default:
      return [];
  }
}

type InRun = Readonly<{ family: string; run: string }>;

function row(
  statement: string,
  { family, run }: InRun,
  values: readonly (string | number | null)[],
): readonly Change[] {
  return [{ statement, rows: [[family, run, ...values]] }];
}

function runtimeRow(
  phase: string,
  data: InRun & Readonly<{ deployment: string; attempt: number }>,
): readonly Change[] {
  return row('runtime', data, [data.deployment, data.attempt, phase, JSON.stringify(data)]);
}

function pairRow(
  statement: string,
  data: InRun & Readonly<{ task: string; miner: string; attempt: number }>,
): readonly Change[] {
  return row(statement, data, [data.task, data.miner, data.attempt, JSON.stringify(data)]);
}

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
  /** What became of it; null while it has no result. */
  status: 'scored' | 'failed' | 'excused' | null;
}>;

/** Where a pair stands; all null for one that nobody began. */
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

/** What the log says of one deployment: its last attempt, and how far that came. */
export type RuntimeRecord = Readonly<{
  family: string;
  run: string;
  submission: string;
  miner: string;
  deployment: string;
  attempt: number;
  phase: 'ready' | 'failed' | 'ended';
  /** Why the last attempt failed, if it did. */
  failure: EventOf<typeof RuntimeFailed>['data'] | null;
  /** Attempts that failed: by the submission's own fault, and by ours. */
  faults: Readonly<{ own: number; ours: number }>;
}>;

/** What every event of a runtime names. */
const Instance = RuntimeEnded.data.loose();

/** What the log says of the deployments of a run, by their name. */
export async function runtimesOfRun(
  queries: Queries,
  family: string,
  run: string,
): Promise<ReadonlyMap<string, RuntimeRecord>> {
  return recordsOf(
    await queries.all(`${RUNTIMES} WHERE family = ?1 AND run = ?2 ${IN_ORDER}`, [family, run]),
  );
}

/** The deployments, of any run, of whose end the log does not tell. */
export async function runtimesNotEnded(queries: Queries): Promise<readonly RuntimeRecord[]> {
  const sql = `${RUNTIMES} WHERE (family, run, deployment) IN (
      SELECT family, run, deployment FROM runtime GROUP BY family, run, deployment
      HAVING max(attempt) > max(CASE phase WHEN 'ended' THEN attempt ELSE 0 END)
    ) ${IN_ORDER}`;
  return [...recordsOf(await queries.all(sql)).values()];
}

const RUNTIMES = 'SELECT attempt, phase, data FROM runtime';
/** The end of an attempt comes after its failure, and that after it was ready. */
const IN_ORDER = `ORDER BY deployment, attempt, CASE phase WHEN 'ready' THEN 0 WHEN 'failed' THEN 1 ELSE 2 END`;

function recordsOf(rows: readonly ResultRow[]): ReadonlyMap<string, RuntimeRecord> {
  const records = new Map<string, RuntimeRecord>();
  for (const found of rows) {
    const phase = oneOf(found, 'phase', ['ready', 'failed', 'ended']);
    const attempt = integer(found, 'attempt');
    const { family, run, submission, miner, deployment } = json(found, 'data', Instance);
    const before = records.get(deployment);
    const faults = before?.faults ?? { own: 0, ours: 0 };
    const failed = phase === 'failed' ? json(found, 'data', RuntimeFailed.data) : null;
    const same = before?.attempt === attempt ? before.failure : null;
    records.set(deployment, {
      family,
      run,
      submission,
      miner,
      deployment,
      attempt,
      phase,
      failure: failed ?? same,
      faults:
        failed === null
          ? faults
          : { own: faults.own + (failed.ours ? 0 : 1), ours: faults.ours + (failed.ours ? 1 : 0) },
    });
  }
  return records;
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
