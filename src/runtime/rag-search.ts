import { z } from 'zod';
import type { RagStore } from '../handlers/tools/rag-store.ts';
import { tableOf } from './rag-sql.ts';
import type { Reader } from './sqlite.ts';

/** Words of a query that are looked for: one of 4,000 characters has fewer that count. */
const MAX_TERMS = 64;

const Row = z.object({
  doc: z.string(),
  chunk: z.string(),
  text: z.string(),
  char_start: z.int(),
  char_end: z.int(),
  score: z.number(),
});

/** The `k` chunks of a corpus that fit a query best; empty where nothing fits. */
export async function findChunks(
  { all }: Pick<Reader, 'all'>,
  digest: string,
  query: string,
  k: number,
): ReturnType<RagStore['find']> {
  const terms = [...new Set(query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])];
  if (terms.length === 0) return [];
  const table = tableOf(digest);
  // In quotes a word is a word, whatever it means in FTS5's own language.
  const words = terms.slice(0, MAX_TERMS).map((term) => `"${term}"`);
  const rows = await all(
    `SELECT doc, chunk, text, char_start, char_end, -bm25(${table}) AS score
      FROM ${table} WHERE ${table} MATCH ?1 ORDER BY bm25(${table}), rowid LIMIT ?2`,
    [words.join(' OR '), k],
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
