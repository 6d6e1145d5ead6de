import { z } from 'zod';
import { CHUNK_SIZES, corpusDigest } from '../evaluation/corpus.ts';
import type { TaskSet } from '../evaluation/task-set.ts';
import type { DocumentSearch, SearchedRun } from '../handlers/evaluation/keep-corpora.ts';

export type RagClientDeps = Readonly<{
  /** EIREL_RAG_URL: without a path. */
  url: string;
  /** The services' common bearer token. */
  token: string;
  signal?: AbortSignal;
}>;

/** A corpus of 200 long documents takes some seconds. */
const TIMEOUT_MS = 60_000;

const Bound = z.object({ missing: z.array(z.string()) });

/** The document search over HTTP. The same again changes nothing there, and sends no document twice. */
export function ragClient(deps: RagClientDeps): DocumentSearch {
  return {
    share: (run) => share(run, deps),
    keepOnly: async (runs) => {
      const kept = await post('/v1/rag/runs/keep', { runs }, z.object({}), deps);
      return kept.kind === 'ok' ? null : kept.detail;
    },
  };
}

/** Binds the run, and writes the contents that are missing: they are bound already, and nothing removes them meanwhile. */
async function share(
  { run, deployments, corpora }: SearchedRun,
  deps: RagClientDeps,
): Promise<string | null> {
  const known = corpora.map((corpus) => ({ corpus, digest: digestOf(corpus) }));
  const bound = known.map(({ corpus, digest }) => ({ corpus_id: corpus.corpus_id, digest }));
  const bind = () => post('/v1/rag/runs', { run, deployments, corpora: bound }, Bound, deps);
  const first = await bind();
  if (first.kind === 'failed') return first.detail;
  const missing = new Set(first.body.missing);
  if (missing.size === 0) return null;
  for (const { corpus, digest } of known) {
    if (!missing.has(digest)) continue;
    const written = await post('/v1/rag/corpora', corpus, z.object({}), deps);
    if (written.kind === 'failed') return `${corpus.corpus_id}: ${written.detail}`;
  }
  const second = await bind();
  if (second.kind === 'failed') return second.detail;
  return second.body.missing.length === 0 ? null : 'it has other contents than it was given';
}

function digestOf({ corpus_id, documents }: TaskSet['corpora'][number]): string {
  return corpusDigest({
    corpusId: corpus_id,
    documents: documents.map(({ doc_id, content }) => ({ docId: doc_id, content })),
    ...CHUNK_SIZES,
  });
}

async function post<T>(
  path: string,
  body: unknown,
  schema: z.ZodType<T>,
  { url, token, signal }: RagClientDeps,
): Promise<Readonly<{ kind: 'ok'; body: T }> | Readonly<{ kind: 'failed'; detail: string }>> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    if (response.status === 200) return { kind: 'ok', body: schema.parse(await response.json()) };
    await response.body?.cancel();
    return { kind: 'failed', detail: `status ${response.status}` };
  } catch (error) {
    return { kind: 'failed', detail: error instanceof Error ? error.message : String(error) };
  }
}
