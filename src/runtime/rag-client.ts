import { z } from 'zod';
import type { TaskSet } from '../evaluation/task-set.ts';

/** What came of it: every corpus can be asked, or which one can't and why. */
export type IndexedCorpora =
  | Readonly<{ kind: 'ok'; chunks: number }>
  | Readonly<{ kind: 'unavailable'; corpus: string; detail: string }>;

/** A corpus of 200 long documents takes some seconds. */
const TIMEOUT_MS = 60_000;

const Answer = z.object({ n_chunks: z.int().min(0) });

/**
 * Gives a task set's corpora to the rag service, one after the other; the same again changes nothing. Without them
 * every miner would be told that there is no such corpus: whoever starts a run does this before its first task.
 */
export async function indexCorpora(
  corpora: TaskSet['corpora'],
  deps: Readonly<{ url: string; token: string; signal?: AbortSignal }>,
): Promise<IndexedCorpora> {
  let chunks = 0;
  for (const corpus of corpora) {
    const sent = await send(corpus, deps);
    if (typeof sent === 'string')
      return { kind: 'unavailable', corpus: corpus.corpus_id, detail: sent };
    chunks += sent;
  }
  return { kind: 'ok', chunks };
}

/** How many chunks it has; a text where it was not taken. */
async function send(
  corpus: TaskSet['corpora'][number],
  { url, token, signal }: Readonly<{ url: string; token: string; signal?: AbortSignal }>,
): Promise<number | string> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(`${url}/v1/rag/corpora`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(corpus),
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      return `status ${response.status}`;
    }
    return Answer.parse(await response.json()).n_chunks;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
