import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { EMPTY } from '../events/decode.ts';
import type { Head, Recorded } from '../events/envelope.ts';
import type { ReadBatch } from '../events/log.ts';
import type { Change, Projector, Queries, Row } from '../projectors/projector.ts';
import { currentGeneration, nextGeneration, removeOthers, switchTo } from './projection-files.ts';
import { IN_MEMORY, jsonLiteral, openReader, openWriter, type Writer } from './sqlite.ts';

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
  let head = await prepare(writer, projector, file, source);
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

/** Creates the tables of an empty file; gives the checkpoint. */
async function prepare(
  writer: Writer,
  projector: Projector,
  file: string,
  source: string,
): Promise<Head> {
  const tables = await writer.all(`SELECT 1 FROM sqlite_schema WHERE name = 'checkpoint'`);
  if (tables.length === 0) {
    const values = jsonLiteral([source, EMPTY.size, EMPTY.hash]);
    const row = `INSERT INTO checkpoint SELECT 1, v ->> 0, v ->> 1, v ->> 2 FROM (SELECT ${values} AS v)`;
    await writer.transaction([CHECKPOINT, row, ...projector.schema]);
  }
  const [row] = await writer.all('SELECT source, size, hash FROM checkpoint');
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
  const changes = merge(fresh, projector).map(({ sql, rows }) =>
    sql.replaceAll('?1', () => jsonLiteral(rows)),
  );
  try {
    await writer.transaction([...changes, compareAndSet(head, next)]);
  } catch (cause) {
    if (!(cause instanceof Error && cause.message.includes(MOVED))) throw cause;
    throw damaged(file, 'a checkpoint that another instance moved', `size ${head.size}`, cause);
  }
  return next;
}

/** Moves the checkpoint from where this process left it; elsewhere its size becomes null, which is an error. */
function compareAndSet(from: Head, to: Head): string {
  return `UPDATE checkpoint SET hash = '${to.hash}',
    size = CASE WHEN size = ${from.size} AND hash = '${from.hash}' THEN ${to.size} END`;
}
const MOVED = 'NOT NULL constraint failed: checkpoint.size';

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
function damaged(file: string, found: string, expected: string, cause?: unknown): AppError {
  const next = 'stop other instances, then run `eirel rebuild`';
  return new AppError('projection.damaged', { file, found, expected, next }, { cause });
}
