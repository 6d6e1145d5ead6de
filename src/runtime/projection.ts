import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { EMPTY } from '../events/decode.ts';
import type { Head, Recorded } from '../events/envelope.ts';
import type { ReadBatch } from '../events/log.ts';
import type { Change, Projector, Queries, Row } from '../projectors/projector.ts';
import { currentGeneration, nextGeneration, removeOthers, switchTo } from './projection-files.ts';
import { IN_MEMORY, openReader, openWriter, type Statements, type Writer } from './sqlite.ts';

/** A projector's rows, with how far into the log they reach. */
export type Projection = Readonly<{
  name: string;
  /** The checkpoint: how many events the rows hold, and the leaf hash of the last. */
  head: Head;
  /**
   * Adds what a batch holds beyond the checkpoint; rows and checkpoint move together or not at all.
   * One call at a time. Throws `projection.damaged` when the batch does not continue the checkpoint
   * or when somebody else moved it.
   */
  apply: (batch: ReadBatch) => Promise<void>;
  /** A connection of its own, read-only: it sees committed batches only. */
  queries: Queries;
}> &
  AsyncDisposable;

/**
 * Opens the current file of a projector in `dir` (or a database in memory for `':memory:'`), for the
 * log named `source`. A projector without a file of its version starts an empty one. Leftovers of
 * earlier versions and of builds that never ended are removed. Throws `projection.damaged` for a
 * file of another log.
 */
export async function openProjection(
  projector: Projector,
  { dir, source }: { dir: string; source: string },
): Promise<Projection> {
  if (dir === IN_MEMORY) return openProjectionFile(projector, { file: IN_MEMORY, source });
  await mkdir(dir, { recursive: true });
  const { name, version } = projector;
  const current = await currentGeneration(name, dir);
  const chosen = current?.version === version ? current : await nextGeneration(projector, dir);
  if (chosen !== current) await switchTo(name, dir, chosen);
  // The file of another version stays for one more start: a process of that version may still open it.
  await removeOthers(name, dir, [chosen.file, current?.file ?? chosen.file]);
  return openProjectionFile(projector, { file: join(dir, chosen.file), source });
}

/** As `openProjection`, for exactly this file. */
export async function openProjectionFile(
  projector: Projector,
  { file, source }: { file: string; source: string },
): Promise<Projection> {
  await using opened = new AsyncDisposableStack();
  const writer = opened.use(await openWriter(file));
  let head = await writer.transaction((inside) => prepare(inside, projector, file, source));
  const reader = file === IN_MEMORY ? writer : opened.use(await openReader(file));
  const connections = opened.move();
  return {
    name: projector.name,
    get head() {
      return head;
    },
    apply: async ({ events }) => {
      head = await advance(writer, projector, { file, events, head });
    },
    queries: { all: reader.all },
    [Symbol.asyncDispose]: () => connections.disposeAsync(),
  };
}

const CHECKPOINT = `CREATE TABLE checkpoint (
  one INTEGER PRIMARY KEY CHECK (one = 1), source TEXT NOT NULL, size INTEGER NOT NULL, hash TEXT NOT NULL
) STRICT`;

async function prepare(
  inside: Statements,
  projector: Projector,
  file: string,
  source: string,
): Promise<Head> {
  const known = await inside.all(`SELECT 1 FROM sqlite_schema WHERE name = 'checkpoint'`);
  if (known.length === 0) {
    for (const sql of [CHECKPOINT, ...projector.schema]) await inside.exec(sql);
    const values = [source, EMPTY.size, EMPTY.hash];
    await inside.run('INSERT INTO checkpoint VALUES (1, ?1, ?2, ?3)', values);
    return EMPTY;
  }
  const [row] = await inside.all('SELECT source, size, hash FROM checkpoint');
  if (row === undefined || typeof row['size'] !== 'number' || typeof row['hash'] !== 'string') {
    throw damaged(file, 'no readable checkpoint', 'one row with source, size and hash');
  }
  if (row['source'] !== source) {
    throw damaged(file, `rows of the log ${String(row['source'])}`, `rows of the log ${source}`);
  }
  return { size: row['size'], hash: row['hash'] };
}

async function advance(
  writer: Writer,
  projector: Projector,
  { file, events, head }: { file: string; events: readonly Recorded[]; head: Head },
): Promise<Head> {
  const fresh = beyond(events, head, file);
  const last = fresh.at(-1);
  if (last === undefined) return head;
  const next = { size: last.n + 1, hash: last.hash };
  const groups = merge(fresh, projector);
  await writer.transaction(async (inside) => {
    for (const { sql, rows } of groups) await inside.run(sql, [JSON.stringify(rows)]);
    const moved = await inside.run(
      'UPDATE checkpoint SET size = ?1, hash = ?2 WHERE size = ?3 AND hash = ?4',
      [next.size, next.hash, head.size, head.hash],
    );
    if (moved !== 1) {
      throw damaged(
        file,
        'a checkpoint that moved by itself: another instance writes here',
        `size ${head.size}`,
      );
    }
  });
  return next;
}

/** The events behind the checkpoint. Those before it were applied; the one at it must be the one that was. */
function beyond(events: readonly Recorded[], head: Head, file: string): readonly Recorded[] {
  const first = events[0];
  if (first === undefined) return events;
  if (first.n > head.size) {
    throw damaged(
      file,
      `a checkpoint of ${head.size} events`,
      `one of at least ${first.n}, where the batch starts`,
    );
  }
  const applied = head.size - first.n;
  const checkpointed = events[applied - 1];
  if (checkpointed !== undefined && checkpointed.hash !== head.hash) {
    throw damaged(
      file,
      `event ${checkpointed.n} with the hash ${head.hash}`,
      `${checkpointed.hash}, as the log has it`,
    );
  }
  return events.slice(applied);
}

type Group = Readonly<{ sql: string; rows: Row[] }>;

/** Neighbouring changes of one statement become one: rows go in by the thousand, in the log's order. */
function merge(events: readonly Recorded[], projector: Projector): readonly Group[] {
  const groups: Group[] = [];
  let statement: string | null = null;
  for (const recorded of events) {
    for (const change of projector.project(recorded)) {
      if (change.statement !== statement) groups.push({ sql: sqlOf(projector, change), rows: [] });
      statement = change.statement;
      groups.at(-1)?.rows.push(...change.rows);
    }
  }
  return groups;
}

function sqlOf({ name, statements }: Projector, { statement }: Change): string {
  const sql = statements[statement];
  if (sql === undefined) throw new AppError('projection.unknown', { projector: name, statement });
  return sql;
}

/** A projection and the log disagree. Rows are never repaired: they are derived anew. */
function damaged(file: string, found: string, expected: string): AppError {
  const next = 'stop other instances, then run `eirel rebuild`';
  return new AppError('projection.damaged', { file, found, expected, next });
}
