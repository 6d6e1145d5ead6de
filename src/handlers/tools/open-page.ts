import { sha256 } from '../../events/hash.ts';
import {
  type Caller,
  type CallToolDeps,
  callTool,
  type Performed,
  type ToolAnswer,
} from './call-tool.ts';
import { type FetchedPage, type FetchPageDeps, fetchPage } from './fetch-page.ts';
import type { KnownDocument, PageMemory } from './page-memory.ts';
import { readable } from './readable.ts';
import { webSearchRules } from './search-web.ts';

export type OpenPageDeps = CallToolDeps &
  FetchPageDeps &
  Readonly<{ memory: PageMemory; now: () => string; quota: number }>;

/** As much text as a page gives to a miner, in UTF-16 units: the existing service gives 4,000 lines. */
const MAX_CONTENT_LENGTH = 200_000;

/** Opens a document that a search of the job found: its text, which `findOnPage` then looks through. */
export function openPage(
  caller: Caller,
  { documentId, snapshotId }: Readonly<{ documentId: string; snapshotId: string | null }>,
  deps: OpenPageDeps,
): Promise<ToolAnswer> {
  const call = {
    tool: 'web_search.open_page',
    args: { document_id: documentId },
    perform: () => open(caller.job, documentId, snapshotId, deps),
  };
  return callTool(caller, call, webSearchRules(deps.quota), deps);
}

async function open(
  job: string,
  id: string,
  snapshotId: string | null,
  deps: OpenPageDeps,
): Promise<Performed> {
  const { memory, now } = deps;
  const document = memory.document(job, id);
  if (document === null) return failed(404, 'document not found in retrieval ledger');
  const read =
    document.corpus === null ? readOf(await fetchPage(document.url, job, deps)) : kept(document);
  if (read.kind === 'failed') return failed(read.status, read.detail);
  const title = document.title === '' ? read.title : document.title;
  memory.opened(job, id, { finalUrl: read.finalUrl, title, text: read.text });
  return {
    status: 200,
    body: {
      document_id: id,
      title,
      url: document.url,
      content: read.text,
      snippet: document.snippet,
      links: [],
      metadata: read.text === '' ? { open_error_kind: 'empty_or_unreadable' } : {},
      snapshot_id: snapshotId,
      retrieval_ledger_id: `ledger:${job}`,
      canonical_url: document.url,
      final_url: read.finalUrl,
      published_at: document.publishedAt,
      retrieved_at: now(),
      content_hash: read.contentHash,
      content_type: read.contentType,
      http_status: read.httpStatus,
    },
    result: { final_url: read.finalUrl, n_chars: read.text.length },
    cost: 0,
    error: read.httpStatus < 400 ? null : `status ${read.httpStatus}`,
  };
}

type Read =
  | Readonly<{
      kind: 'read';
      finalUrl: string;
      title: string;
      text: string;
      contentHash: string;
      contentType: string;
      httpStatus: number;
    }>
  | Readonly<{ kind: 'failed'; status: number; detail: unknown }>;

function kept({ url, title, corpus }: KnownDocument): Read {
  const text = corpus?.content ?? '';
  return {
    kind: 'read',
    finalUrl: url,
    title,
    text,
    contentHash: sha256(text),
    contentType: 'text/plain',
    httpStatus: 200,
  };
}

/** The same refusals as of a page that is fetched by its URL. */
function readOf(page: FetchedPage): Read {
  switch (page.kind) {
    case 'page': {
      const { finalUrl, contentType, status, body } = page;
      const { title, text } = readable(page);
      return {
        kind: 'read',
        finalUrl,
        title,
        text: text.slice(0, MAX_CONTENT_LENGTH).toWellFormed(),
        contentHash: sha256(body),
        contentType,
        httpStatus: status,
      };
    }
    case 'blocked':
      return refusal(400, { error: 'ssrf_blocked', reason: page.reason });
    case 'limited':
      return refusal(429, { error: 'per_host_rate_limit_exceeded', host: page.host });
    case 'failed':
      return refusal(502, { error: 'fetch_failed', reason: page.reason });
  }
}

function refusal(status: number, detail: unknown): Read {
  return { kind: 'failed', status, detail };
}

function failed(status: number, detail: unknown): Performed {
  const error = typeof detail === 'string' ? detail : JSON.stringify(detail);
  return { status, body: { detail }, result: {}, cost: 0, error };
}
