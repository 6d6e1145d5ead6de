import type { Accused } from '../consensus/exclusion.ts';
import type { Anchor, AnchorsRead, CheckpointObserved } from '../events/checkpoint.ts';
import type { EventOf } from '../events/define-event.ts';
import { EvidenceKind } from '../events/evidence.ts';
import type { Change, Projector, Queries } from './projector.ts';
import { integer, oneOf, type ResultRow, text, textOrNull } from './row.ts';

/** What is known of other validators' honesty: accepted evidence, and what was seen of their logs, in public and on chain. */
export const evidence: Projector = {
  name: 'evidence',
  version: 1,
  schema: [
    `CREATE TABLE accepted (
      digest TEXT NOT NULL PRIMARY KEY, family TEXT NOT NULL, run TEXT NOT NULL, n INTEGER NOT NULL,
      kind TEXT NOT NULL, hotkey TEXT NOT NULL, file TEXT NOT NULL
    ) STRICT`,
    `CREATE TABLE observed (
      family TEXT NOT NULL, run TEXT NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL, root TEXT NOT NULL,
      hotkey TEXT NOT NULL, n INTEGER NOT NULL, note TEXT NOT NULL,
      PRIMARY KEY (family, run, source, size, root)
    ) STRICT`,
    'CREATE INDEX observed_by_source ON observed (source, n)',
    `CREATE TABLE anchor (
      family TEXT NOT NULL, run TEXT NOT NULL, hotkey TEXT NOT NULL, block INTEGER NOT NULL,
      generation INTEGER NOT NULL, size INTEGER NOT NULL, root TEXT NOT NULL, committed TEXT,
      PRIMARY KEY (family, run, hotkey, block)
    ) STRICT`,
  ],
  statements: {
    accepted: `INSERT INTO accepted (digest, family, run, n, kind, hotkey, file)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    observed: `INSERT INTO observed (family, run, source, size, root, hotkey, n, note)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    anchor: `INSERT INTO anchor (family, run, hotkey, block, generation, size, root, committed)
      SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
      FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
  },
  project({ event, n }) {
    switch (event.type) {
      case 'evidence.accepted.v1': {
        const { family, run, kind, hotkey, digest, file } = event.data;
        return [{ statement: 'accepted', rows: [[digest, family, run, n, kind, hotkey, file]] }];
      }
      case 'checkpoint.observed.v1':
        return [observation(event, n)];
      case 'anchors.read.v1':
        return [anchors(event)];
      default:
        return [];
    }
  },
};

/** Evidence that was accepted, without its file. */
export type AcceptedEvidence = Accused & Readonly<{ kind: EvidenceKind; digest: string }>;

/** All evidence that was accepted, in the order of the log. */
export async function acceptedEvidence(queries: Queries): Promise<readonly AcceptedEvidence[]> {
  const sql = 'SELECT family, run, kind, hotkey, digest FROM accepted ORDER BY n';
  return (await queries.all(sql)).map((row) => ({
    family: text(row, 'family'),
    run: text(row, 'run'),
    kind: oneOf(row, 'kind', EvidenceKind.options),
    hotkey: text(row, 'hotkey'),
    digest: text(row, 'digest'),
  }));
}

/** The accepted evidence file with that SHA-256; null when it is not held. */
export async function evidenceFile(queries: Queries, digest: string): Promise<string | null> {
  const [row] = await queries.all('SELECT file FROM accepted WHERE digest = ?1', [digest]);
  return row === undefined ? null : text(row, 'file');
}

/** A checkpoint of another validator's log as it was seen. */
export type Observed = Readonly<{
  hotkey: string;
  source: string;
  size: number;
  root: string;
  note: string;
}>;

/** What was seen in a run, in the order of the log. */
export async function observedIn(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly Observed[]> {
  const sql = `SELECT hotkey, source, size, root, note FROM observed
    WHERE family = ?1 AND run = ?2 ORDER BY n`;
  return (await queries.all(sql, [family, run])).map(toObserved);
}

/** What was seen of a log last; null when it never was. */
export async function lastObserved(queries: Queries, source: string): Promise<Observed | null> {
  const sql = `SELECT hotkey, source, size, root, note FROM observed
    WHERE source = ?1 ORDER BY n DESC LIMIT 1`;
  return (await queries.all(sql, [source])).map(toObserved)[0] ?? null;
}

/** The anchors that were read from the chain for a run, by hotkey, then block. */
export async function anchorsIn(
  queries: Queries,
  family: string,
  run: string,
): Promise<readonly Anchor[]> {
  const sql = `SELECT hotkey, block, generation, size, root, committed FROM anchor
    WHERE family = ?1 AND run = ?2 ORDER BY hotkey, block`;
  return (await queries.all(sql, [family, run])).map((row) => ({
    hotkey: text(row, 'hotkey'),
    block: integer(row, 'block'),
    generation: integer(row, 'generation'),
    size: integer(row, 'size'),
    root: text(row, 'root'),
    commit: textOrNull(row, 'committed'),
  }));
}

function observation({ data }: EventOf<typeof CheckpointObserved>, n: number): Change {
  const { family, run, source, size, root, hotkey, note } = data;
  return { statement: 'observed', rows: [[family, run, source, size, root, hotkey, n, note]] };
}

function anchors({ data }: EventOf<typeof AnchorsRead>): Change {
  const { family, run } = data;
  return {
    statement: 'anchor',
    rows: data.anchors.map(({ hotkey, block, generation, size, root, commit }) => [
      family,
      run,
      hotkey,
      block,
      generation,
      size,
      root,
      commit,
    ]),
  };
}

function toObserved(row: ResultRow): Observed {
  return {
    hotkey: text(row, 'hotkey'),
    source: text(row, 'source'),
    size: integer(row, 'size'),
    root: text(row, 'root'),
    note: text(row, 'note'),
  };
}
