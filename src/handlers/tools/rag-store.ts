import type { Chunk } from './chunk-document.ts';

/** A chunk with how well it fits a query; the higher, the better. */
type FoundChunk = Chunk & Readonly<{ score: number }>;

export type CorpusSummary = Readonly<{
  corpusId: string;
  /** Of its contents: two corpora of one name may be there. */
  digest: string;
  documents: number;
  chunks: number;
}>;

/** Which contents the miners of a run search, by the names that they ask for. */
export type RunCorpora = Readonly<{
  /** Its family and name. */
  run: string;
  deployments: readonly string[];
  corpora: readonly Readonly<{ corpusId: string; digest: string }>[];
}>;

/**
 * Corpora on disk, known by their contents. Those that a run is bound to stay as long as it is; of the others there is
 * one of each name, the one that was written last.
 */
export type RagStore = Readonly<{
  write: (corpus: CorpusSummary, chunks: readonly Chunk[]) => Promise<void>;
  /** As if these contents were written again; null, and nothing is done, where they are not there. */
  renew: (digest: string) => Promise<CorpusSummary | null>;
  list: () => Promise<readonly CorpusSummary[]>;
  /** Binds the miners of a run to its corpora, whatever they were bound to before. Gives the contents that are not there. */
  bind: (run: RunCorpora) => Promise<readonly string[]>;
  /** Frees what all other runs are bound to, and removes what only those were. Gives the number of corpora. */
  keepOnly: (runs: readonly string[]) => Promise<number>;
  /**
   * The contents that a deployment means by a name: those of its run, else what was written last and no run is bound to; null
   * where there are none.
   */
  contentsFor: (deployment: string, corpusId: string) => Promise<string | null>;
  /** Best first; empty where nothing fits. */
  find: (digest: string, query: string, k: number) => Promise<readonly FoundChunk[]>;
}>;
