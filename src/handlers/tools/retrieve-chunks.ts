import { holderOf } from '../../evaluation/job-name.ts';
import {
  type Caller,
  type CallToolDeps,
  callTool,
  type Performed,
  type ToolAnswer,
} from './call-tool.ts';
import type { RagStore } from './rag-store.ts';

export type RetrieveChunks = Readonly<{ corpusId: string; query: string; k: number }>;

export type RetrieveChunksDeps = CallToolDeps & Readonly<{ store: RagStore; quota: number }>;

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
    perform: () => retrieve(caller, asked, deps),
  };
  const exhausted = (maxRequests: number) => ({
    error: 'rag_quota_exhausted',
    max_requests: maxRequests,
  });
  return callTool(caller, call, { quota: deps.quota, price: 0, exhausted }, deps);
}

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
