import type { ToolAnswer } from './call-tool.ts';
import { type Chunk, type ChunkSizes, chunkDocument } from './chunk-document.ts';
import { refuse } from './decide-call.ts';
import type { RagStore } from './rag-store.ts';

export type IndexCorpus = ChunkSizes &
  Readonly<{
    corpusId: string;
    documents: readonly Readonly<{ docId: string; content: string }>[];
  }>;

/** The existing service's limits. */
const MAX_DOCUMENTS = 200;
const MAX_DOCUMENT_LENGTH = 200_000;

/** Makes a corpus of documents that jobs can ask. The same documents again change nothing. */
export async function indexCorpus(
  { corpusId, documents, ...sizes }: IndexCorpus,
  { store }: Readonly<{ store: RagStore }>,
): Promise<ToolAnswer> {
  if (documents.length > MAX_DOCUMENTS)
    return refuse(413, { error: 'too_many_documents', limit: MAX_DOCUMENTS });
  const long = documents.find(({ content }) => content.length > MAX_DOCUMENT_LENGTH);
  if (long !== undefined)
    return refuse(413, {
      error: 'document_too_long',
      doc_id: long.docId,
      limit_chars: MAX_DOCUMENT_LENGTH,
    });
  if (2 * sizes.overlapChars > sizes.chunkChars)
    return refuse(422, 'overlap_chars must be at most half of chunk_chars');
  const chunks: Chunk[] = [];
  for (const { docId, content } of documents)
    for (const chunk of chunkDocument(docId, content, sizes)) chunks.push(chunk);
  await store.write({ corpusId, documents: documents.length, chunks: chunks.length }, chunks);
  return {
    kind: 'answer',
    status: 200,
    body: { corpus_id: corpusId, n_documents: documents.length, n_chunks: chunks.length },
  };
}

/** What can be asked. */
export async function listCorpora({ store }: Readonly<{ store: RagStore }>): Promise<ToolAnswer> {
  const corpora = (await store.list()).map(({ corpusId, documents, chunks }) => ({
    corpus_id: corpusId,
    n_documents: documents,
    n_chunks: chunks,
  }));
  return { kind: 'answer', status: 200, body: { corpora } };
}
