import { type Corpus, corpusDigest } from '../../evaluation/corpus.ts';
import type { ToolAnswer } from './call-tool.ts';
import { type Chunk, chunkDocument } from './chunk-document.ts';
import { refuse } from './decide-call.ts';
import type { CorpusSummary, RagStore, RunCorpora } from './rag-store.ts';

/** The existing service's limits. */
const MAX_DOCUMENTS = 200;
const MAX_DOCUMENT_LENGTH = 200_000;

/** Makes a corpus of documents that jobs can ask. The same documents again change nothing. */
export async function indexCorpus(
  corpus: Corpus,
  { store }: Readonly<{ store: RagStore }>,
): Promise<ToolAnswer> {
  const { documents, chunkChars, overlapChars } = corpus;
  if (documents.length > MAX_DOCUMENTS)
    return refuse(413, { error: 'too_many_documents', limit: MAX_DOCUMENTS });
  const long = documents.find(({ content }) => content.length > MAX_DOCUMENT_LENGTH);
  if (long !== undefined)
    return refuse(413, {
      error: 'document_too_long',
      doc_id: long.docId,
      limit_chars: MAX_DOCUMENT_LENGTH,
    });
  if (2 * overlapChars > chunkChars)
    return refuse(422, 'overlap_chars must be at most half of chunk_chars');
  const digest = corpusDigest(corpus);
  const summary = (await store.renew(digest)) ?? (await write(corpus, digest, store));
  return { kind: 'answer', status: 200, body: bodyOf(summary) };
}

async function write(
  { corpusId, documents, ...sizes }: Corpus,
  digest: string,
  store: RagStore,
): Promise<CorpusSummary> {
  const chunks: Chunk[] = [];
  for (const { docId, content } of documents)
    for (const chunk of chunkDocument(docId, content, sizes)) chunks.push(chunk);
  const summary = { corpusId, digest, documents: documents.length, chunks: chunks.length };
  await store.write(summary, chunks);
  return summary;
}

/** Binds the miners of a run to what they are to search; tells which contents have to be written first. */
export async function bindRun(
  run: RunCorpora,
  { store }: Readonly<{ store: RagStore }>,
): Promise<ToolAnswer> {
  return { kind: 'answer', status: 200, body: { missing: await store.bind(run) } };
}

/** Ends what the miners of all other runs search. */
export async function keepOnlyRuns(
  runs: readonly string[],
  { store }: Readonly<{ store: RagStore }>,
): Promise<ToolAnswer> {
  return { kind: 'answer', status: 200, body: { removed_corpora: await store.keepOnly(runs) } };
}

/** What can be asked. */
export async function listCorpora({ store }: Readonly<{ store: RagStore }>): Promise<ToolAnswer> {
  const corpora = (await store.list()).map(bodyOf);
  return { kind: 'answer', status: 200, body: { corpora } };
}

function bodyOf({ corpusId, documents, chunks }: CorpusSummary) {
  return { corpus_id: corpusId, n_documents: documents, n_chunks: chunks };
}
