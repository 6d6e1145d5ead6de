import { z } from 'zod';
import type { FoundDocument, SearchProvider } from './search-provider.ts';

/** As many documents as are searched for so many words in two tenths of a second. */
const MAX_DOCUMENTS = 10_000;

/** Words of a query that are looked for in every document: with all that fit into one nobody else is served for seconds. */
const MAX_TERMS = 64;

/** A file of documents in the form of the existing service's catalogue. */
export const SearchCorpus = z.object({
  documents: z
    .array(
      z.object({
        document_id: z.string().min(1).max(256),
        title: z.string().max(1_024),
        url: z.string().max(2_048),
        snippet: z.string().max(4_096),
        content: z.string().max(1_048_576).default(''),
      }),
    )
    .max(MAX_DOCUMENTS),
});
export type SearchCorpus = z.infer<typeof SearchCorpus>;

/** Where more of a term adds little: BM25's k1. A term in the title counts as several in the text. */
const SATURATION = 1.2;
const TITLE_WEIGHT = 3;

/**
 * Searches a corpus without anybody's help: for each term of the query, how rare it is times how often the document
 * has it, with diminishing returns. The same query always has the same answer; of equals the lower name comes first.
 */
export function corpusSearch({ documents }: SearchCorpus): SearchProvider {
  const indexed = documents.map((document) => ({ document, terms: countTerms(document) }));
  const holding = new Map<string, number>();
  for (const { terms } of indexed)
    for (const term of terms.keys()) holding.set(term, (holding.get(term) ?? 0) + 1);
  const rarity = (term: string): number =>
    Math.log(1 + documents.length / (holding.get(term) ?? documents.length + 1));

  return {
    name: 'catalog',
    search: async (query, count) => {
      const known = [...new Set(termsOf(query))].filter((term) => holding.has(term));
      const wanted = known.slice(0, MAX_TERMS);
      const ranked = indexed
        .map(({ document, terms }) => ({
          document,
          score: wanted.reduce((sum, term) => sum + rarity(term) * saturated(terms.get(term)), 0),
        }))
        .filter(({ score }) => score > 0)
        .sort(
          (a, b) => b.score - a.score || (a.document.document_id < b.document.document_id ? -1 : 1),
        );
      return { kind: 'found', documents: ranked.slice(0, count).map(foundOf) };
    },
  };
}

function foundOf({
  document: { document_id, title, url, snippet, content },
  score,
}: Readonly<{ document: SearchCorpus['documents'][number]; score: number }>): FoundDocument {
  return {
    title,
    url,
    snippet,
    score: Number(score.toFixed(4)),
    publishedAt: null,
    corpus: { id: document_id, content },
  };
}

function countTerms({ title, snippet, content }: SearchCorpus['documents'][number]) {
  const counts = new Map<string, number>();
  const count = (text: string, weight: number): void => {
    for (const term of termsOf(text)) counts.set(term, (counts.get(term) ?? 0) + weight);
  };
  count(title, TITLE_WEIGHT);
  count(snippet, 1);
  count(content, 1);
  return counts;
}

function saturated(count = 0): number {
  return (count * (SATURATION + 1)) / (count + SATURATION);
}

/** Words and numbers of any language, in lower case. */
function termsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
