import type { Chunk } from './chunk-document.ts';

/** A chunk with how well it fits a query; the higher, the better. */
type FoundChunk = Chunk & Readonly<{ score: number }>;

export type CorpusSummary = Readonly<{ corpusId: string; documents: number; chunks: number }>;

/** Corpora on disk. A corpus that is written again is replaced as a whole. */
export type RagStore = Readonly<{
  write: (corpus: CorpusSummary, chunks: readonly Chunk[]) => Promise<void>;
  list: () => Promise<readonly CorpusSummary[]>;
  has: (corpusId: string) => Promise<boolean>;
  /** Best first; empty where nothing fits. */
  find: (corpusId: string, query: string, k: number) => Promise<readonly FoundChunk[]>;
}>;
