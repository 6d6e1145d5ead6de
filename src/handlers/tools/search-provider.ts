/** A document that a search found. */
export type FoundDocument = Readonly<{
  title: string;
  url: string;
  snippet: string;
  /** From 0; the higher, the better it fits. Comparable within one answer. */
  score: number;
  /** The day of the page as the provider says it; null where it does not. */
  publishedAt: string | null;
  /** Its name and its text in a corpus; null for a page of the web. */
  corpus: Readonly<{ id: string; content: string }> | null;
}>;

/** What a provider answered: documents, best first, or why there is no answer. */
export type Found =
  | Readonly<{ kind: 'found'; documents: readonly FoundDocument[] }>
  | Readonly<{ kind: 'failed'; reason: string }>;

/** Somebody who searches. What goes wrong at its side is a value. */
export type SearchProvider = Readonly<{
  name: string;
  search: (query: string, count: number) => Promise<Found>;
}>;
