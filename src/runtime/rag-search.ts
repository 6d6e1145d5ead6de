import { z } from 'zod';
import type { RagStore } from '../handlers/tools/rag-store.ts';
import { tableOf } from './rag-sql.ts';
import type { Reader } from './sqlite.ts';

/** Words of a query that are looked for: one of 4,000 characters has fewer that count. */
const MAX_TERMS = 64;

/**
 * Chunks that the words of a query are in, all words together, which is what a search costs: a tenth of a second. Words
 * that nearly every chunk of a large corpus has say nothing about any of them.
 */
const MAX_HITS = 10_000;

const Hits = z.object({ term: z.string(), hits: z.int() });

const Row = z.object({
  doc: z.string(),
  chunk: z.string(),
  text: z.string(),
  char_start: z.int(),
  char_end: z.int(),
  score: z.number(),
});

/**
 * The `k` chunks of a corpus that fit a query best; empty where nothing fits. Of a query whose words are in too many of
 * them the rarest count.
 */
export async function findChunks(
  { all }: Pick<Reader, 'all'>,
  digest: string,
  query: string,
  k: number,
): ReturnType<RagStore['find']> {
  const table = tableOf(digest);
  const words = await wordsOf(query, table, all);
  if (words.length === 0) return [];
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

/** The words that are looked for, in the query's order. In quotes a word is a word, whatever it means in FTS5's own language. */
async function wordsOf(
  query: string,
  table: string,
  all: Reader['all'],
): Promise<readonly string[]> {
  const terms = [...new Set(query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])];
  const words = terms.slice(0, MAX_TERMS).map((term) => `"${term}"`);
  const rows = await all(
    `SELECT value AS term, (
        SELECT count(*) FROM (SELECT 1 FROM ${table} WHERE ${table} MATCH value LIMIT ${MAX_HITS})
      ) AS hits FROM json_each(?1)`,
    [JSON.stringify(words)],
  );
  const found = rows.map((row) => Hits.parse(row)).filter(({ hits }) => hits > 0);
  const counting = new Set<string>();
  let total = 0;
  for (const { term, hits } of found.toSorted((one, other) => one.hits - other.hits)) {
    total += hits;
    if (counting.size > 0 && total > MAX_HITS) break;
    counting.add(term);
  }
  return words.filter((word) => counting.has(word));
}
