import { holderOf } from '../../evaluation/job-name.ts';
import {
  type Caller,
  type CallToolDeps,
  callTool,
  type Performed,
  type ToolAnswer,
} from './call-tool.ts';
import type { RagStore } from './rag-store.ts';
import type { TakeTurn } from './take-turns.ts';

export type RetrieveChunks = Readonly<{ corpusId: string; query: string; k: number }>;

export type RetrieveChunksDeps = CallToolDeps &
  Readonly<{
    store: Pick<RagStore, 'contentsFor' | 'find'>;
    /** One search keeps the file for a while: whose turn it is. */
    takeTurn: TakeTurn;
    quota: number;
  }>;

/** Finds the parts of a corpus that fit a query best, for a job. */
export function retrieveChunks(
  caller: Caller,
  asked: RetrieveChunks,
  deps: RetrieveChunksDeps,
): Promise<ToolAnswer> {
  const { corpusId, query, k } = asked;
  const call = {
    tool: 'rag.retrieve',
    args: { corpus_id: corpusId, query, k },
    perform: async () =>
      (await deps.takeTurn(caller.job, () => retrieve(caller, asked, deps))) ?? BUSY,
  };
  const exhausted = (maxRequests: number) => ({
    error: 'rag_quota_exhausted',
    max_requests: maxRequests,
  });
  return callTool(caller, call, { quota: deps.quota, price: 0, exhausted }, deps);
}

const BUSY: Performed = {
  status: 503,
  body: { detail: 'rag is busy' },
  result: {},
  cost: 0,
  error: 'rag is busy',
};

async function retrieve(
  { job }: Caller,
  { corpusId, query, k }: RetrieveChunks,
  { store }: RetrieveChunksDeps,
): Promise<Performed> {
  const contents = await store.contentsFor(holderOf(job), corpusId);
  if (contents === null) {
    const detail = { error: 'unknown_corpus', corpus_id: corpusId };
    return { status: 404, body: { detail }, result: {}, cost: 0, error: detail.error };
  }
  const found = await store.find(contents, query, k);
  return {
    status: 200,
    body: {
      corpus_id: corpusId,
      query,
      chunks: found.map(({ docId, chunkId, text, score, charStart, charEnd }) => ({
        doc_id: docId,
        chunk_id: chunkId,
        text,
        score,
        char_start: charStart,
        char_end: charEnd,
      })),
    },
    result: { chunk_ids: found.map(({ chunkId }) => chunkId) },
    cost: 0,
    error: null,
  };
}
