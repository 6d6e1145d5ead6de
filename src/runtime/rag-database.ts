import { z } from 'zod';
import type { Chunk } from '../handlers/tools/chunk-document.ts';
import type { CorpusSummary, RagStore } from '../handlers/tools/rag-store.ts';
import { oneAtATime } from '../one-at-a-time.ts';
import { bindRun, contentsFor, keepOnlyRuns, RUN_TABLES } from './rag-runs.ts';
import { findChunks } from './rag-search.ts';
import { dropping, tableOf, textLiteral } from './rag-sql.ts';
import { jsonLiteral, openWriter, type Writer } from './sqlite.ts';

/** Corpora of sixteen task sets; of those that no run is bound to the ones that were written longest ago make room. */
const MAX_CORPORA = 256;

/** Chunks that go to SQLite in one statement. */
const ROWS_PER_STATEMENT = 500;

const Corpus = z.object({
  corpus: z.string(),
  digest: z.string(),
  documents: z.int(),
  chunks: z.int(),
});

const CORPORA = `CREATE TABLE IF NOT EXISTS corpora (
  written INTEGER PRIMARY KEY AUTOINCREMENT,
  corpus TEXT NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  documents INTEGER NOT NULL,
  chunks INTEGER NOT NULL
) STRICT`;

/**
 * Opens or creates the file with the corpora. Each corpus has an index of its own, so that how rare a word is, and
 * with it the order of what is found, depends on nothing else: every validator finds the same (BM25 of SQLite's FTS5).
 */
export async function openRagDatabase(file: string): Promise<RagStore & AsyncDisposable> {
  const writer = await openWriter(file);
  try {
    await writer.transaction([CORPORA, ...RUN_TABLES]);
  } catch (cause) {
    await writer[Symbol.asyncDispose]();
    throw cause;
  }
  // What is bound, written and removed is decided on what is there: one after the other.
  const alone = oneAtATime();
  return {
    write: (corpus, chunks) => alone(() => write(writer, corpus, chunks)),
    renew: (digest) => alone(() => renew(writer, digest)),
    list: () => read(writer),
    bind: (run) => alone(() => bindRun(writer, run)),
    keepOnly: (runs) => alone(() => keepOnlyRuns(writer, runs)),
    contentsFor: (deployment, corpusId) => contentsFor(writer, deployment, corpusId),
    find: (digest, query, k) => findChunks(writer, digest, query, k),
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  };
}

async function write(
  writer: Writer,
  corpus: CorpusSummary,
  chunks: readonly Chunk[],
): Promise<void> {
  const gone = await makingRoomFor(writer, corpus);
  const table = tableOf(corpus.digest);
  await writer.transaction([
    ...[...gone, corpus.digest].flatMap(dropping),
    `CREATE VIRTUAL TABLE ${table} USING fts5(
      text, doc UNINDEXED, chunk UNINDEXED, char_start UNINDEXED, char_end UNINDEXED,
      tokenize = 'unicode61 remove_diacritics 2'
    )`,
    ...inserting(table, chunks),
    noting(corpus),
  ]);
}

/** What goes when these contents come: what nobody is bound to, of the same name or written longest ago. */
async function makingRoomFor(
  writer: Writer,
  { corpusId, digest }: CorpusSummary,
): Promise<readonly string[]> {
  const rows = await writer.all(
    `SELECT corpus, digest, documents, chunks FROM corpora
      WHERE digest <> ?1 AND digest NOT IN (SELECT digest FROM run_corpora)
      ORDER BY written DESC`,
    [digest],
  );
  const free = rows.map((row) => Corpus.parse(row));
  const same = free.filter(({ corpus }) => corpus === corpusId);
  const others = free.filter(({ corpus }) => corpus !== corpusId);
  return [...same, ...others.slice(MAX_CORPORA - 1)].map((each) => each.digest);
}

async function renew(writer: Writer, digest: string): Promise<CorpusSummary | null> {
  const [corpus] = await read(writer, 'WHERE digest = ?1', [digest]);
  if (corpus === undefined) return null;
  const gone = await makingRoomFor(writer, corpus);
  await writer.transaction([
    ...gone.flatMap(dropping),
    `DELETE FROM corpora WHERE digest = ${textLiteral(digest)}`,
    noting(corpus),
  ]);
  return corpus;
}

function noting({ corpusId, digest, documents, chunks }: CorpusSummary): string {
  return `INSERT INTO corpora (corpus, digest, documents, chunks)
    VALUES (${textLiteral(corpusId)}, ${textLiteral(digest)}, ${documents}, ${chunks})`;
}

function inserting(table: string, chunks: readonly Chunk[]): readonly string[] {
  const statements: string[] = [];
  for (let from = 0; from < chunks.length; from += ROWS_PER_STATEMENT) {
    const rows = chunks.slice(from, from + ROWS_PER_STATEMENT);
    statements.push(
      `INSERT INTO ${table} (text, doc, chunk, char_start, char_end)
        SELECT value ->> 'text', value ->> 'docId', value ->> 'chunkId', value ->> 'charStart', value ->> 'charEnd'
        FROM json_each(${jsonLiteral(rows)}) ORDER BY key`,
    );
  }
  return statements;
}

/** In the order in which they were written. */
async function read(
  writer: Writer,
  where = '',
  parameters: readonly string[] = [],
): Promise<readonly CorpusSummary[]> {
  const rows = await writer.all(
    `SELECT corpus, digest, documents, chunks FROM corpora ${where} ORDER BY written`,
    parameters,
  );
  return rows.map((row) => {
    const { corpus, ...rest } = Corpus.parse(row);
    return { corpusId: corpus, ...rest };
  });
}
