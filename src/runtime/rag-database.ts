import { z } from 'zod';
import { sha256 } from '../events/hash.ts';
import type { Chunk } from '../handlers/tools/chunk-document.ts';
import type { CorpusSummary, RagStore } from '../handlers/tools/rag-store.ts';
import { jsonLiteral, openWriter, type Writer } from './sqlite.ts';

/** Corpora of sixteen task sets; the ones that were written longest ago make room. */
const MAX_CORPORA = 256;

/** Words of a query that are looked for: one of 4,000 characters has fewer that count. */
const MAX_TERMS = 64;

/** Chunks that go to SQLite in one statement. */
const ROWS_PER_STATEMENT = 500;

const Corpus = z.object({ corpus: z.string(), documents: z.int(), chunks: z.int() });

const Row = z.object({
  doc: z.string(),
  chunk: z.string(),
  text: z.string(),
  char_start: z.int(),
  char_end: z.int(),
  score: z.number(),
});

/**
 * Opens or creates the file with the corpora. Each corpus has an index of its own, so that how rare a word is, and
 * with it the order of what is found, depends on nothing else: every validator finds the same (BM25 of SQLite's FTS5).
 */
export async function openRagDatabase(file: string): Promise<RagStore & AsyncDisposable> {
  const writer = await openWriter(file);
  try {
    await writer.transaction([
      `CREATE TABLE IF NOT EXISTS corpora (
        written INTEGER PRIMARY KEY AUTOINCREMENT,
        corpus TEXT NOT NULL UNIQUE,
        documents INTEGER NOT NULL,
        chunks INTEGER NOT NULL
      ) STRICT`,
    ]);
  } catch (cause) {
    await writer[Symbol.asyncDispose]();
    throw cause;
  }
  return {
    write: (corpus, chunks) => write(writer, corpus, chunks),
    list: () => list(writer),
    has: async (corpusId) => {
      const rows = await writer.all('SELECT 1 FROM corpora WHERE corpus = ?1', [corpusId]);
      return rows.length > 0;
    },
    find: (corpusId, query, k) => find(writer, corpusId, query, k),
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  };
}

async function write(
  writer: Writer,
  { corpusId, documents, chunks: count }: CorpusSummary,
  chunks: readonly Chunk[],
): Promise<void> {
  const known = await list(writer);
  const others = known.filter((corpus) => corpus.corpusId !== corpusId);
  const forgotten = others.slice(0, Math.max(0, others.length + 1 - MAX_CORPORA));
  const table = tableOf(corpusId);
  await writer.transaction([
    ...[...forgotten.map((corpus) => corpus.corpusId), corpusId].flatMap(dropping),
    `CREATE VIRTUAL TABLE ${table} USING fts5(
      text, doc UNINDEXED, chunk UNINDEXED, char_start UNINDEXED, char_end UNINDEXED,
      tokenize = 'unicode61 remove_diacritics 2'
    )`,
    ...inserting(table, chunks),
    `INSERT INTO corpora (corpus, documents, chunks)
      VALUES (${textLiteral(corpusId)}, ${documents}, ${count})`,
  ]);
}

function dropping(corpusId: string): readonly string[] {
  return [
    `DROP TABLE IF EXISTS ${tableOf(corpusId)}`,
    `DELETE FROM corpora WHERE corpus = ${textLiteral(corpusId)}`,
  ];
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
async function list(writer: Writer): Promise<readonly CorpusSummary[]> {
  const rows = await writer.all('SELECT corpus, documents, chunks FROM corpora ORDER BY written');
  return rows.map((row) => {
    const { corpus, documents, chunks } = Corpus.parse(row);
    return { corpusId: corpus, documents, chunks };
  });
}

async function find(writer: Writer, corpusId: string, query: string, k: number) {
  const terms = [...new Set(query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])];
  if (terms.length === 0) return [];
  const table = tableOf(corpusId);
  const rows = await writer.all(
    `SELECT doc, chunk, text, char_start, char_end, -bm25(${table}) AS score
      FROM ${table} WHERE ${table} MATCH ?1 ORDER BY bm25(${table}), rowid LIMIT ?2`,
    // In quotes a word is a word, whatever it means in FTS5's own language.
    [
      terms
        .slice(0, MAX_TERMS)
        .map((term) => `"${term}"`)
        .join(' OR '),
      k,
    ],
  );
  return rows.map((row) => {
    const { doc, chunk, text, char_start, char_end, score } = Row.parse(row);
    return {
      docId: doc,
      chunkId: chunk,
      text,
      charStart: char_start,
      charEnd: char_end,
      score: Number(score.toFixed(6)),
    };
  });
}

/** A name that nobody chose. */
function tableOf(corpusId: string): string {
  return `chunks_${sha256(corpusId)}`;
}

/** A text as SQL, by way of JSON: it may be anybody's. */
function textLiteral(text: string): string {
  return `(${jsonLiteral([text])} ->> 0)`;
}
