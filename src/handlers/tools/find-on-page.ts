import {
  type Caller,
  type CallToolDeps,
  callTool,
  type Performed,
  type ToolAnswer,
} from './call-tool.ts';
import type { PageMemory } from './page-memory.ts';
import { webSearchRules } from './search-web.ts';

export type FindOnPageDeps = CallToolDeps &
  Readonly<{ memory: PageMemory; now: () => string; quota: number }>;

export type FindOnPage = Readonly<{
  documentId: string;
  pattern: string;
  snapshotId: string | null;
}>;

/** Places that are shown, and what is shown around each. */
const MAX_MATCHES = 10;
const CONTEXT_LENGTH = 160;

/** Looks for a text, not an expression, on a page that the job opened before. */
export function findOnPage(
  caller: Caller,
  asked: FindOnPage,
  deps: FindOnPageDeps,
): Promise<ToolAnswer> {
  const call = {
    tool: 'web_search.find_on_page',
    args: { document_id: asked.documentId, pattern: asked.pattern },
    perform: async () => find(caller.job, asked, deps),
  };
  return callTool(caller, call, webSearchRules(deps.quota), deps);
}

function find(
  job: string,
  { documentId, pattern, snapshotId }: FindOnPage,
  { memory, now }: FindOnPageDeps,
): Performed {
  const document = memory.document(job, documentId);
  const page = memory.page(job, documentId);
  // A corpus is at hand, a page of the web has to be opened first.
  const text = page?.text ?? document?.corpus?.content ?? '';
  if (text.trim() === '') {
    const detail = 'find-on-page requires an opened page with extracted text';
    return { status: 409, body: { detail }, result: {}, cost: 0, error: detail };
  }
  const matches = matchesOf(text, pattern);
  return {
    status: 200,
    body: {
      document_id: documentId,
      pattern,
      matches,
      url: page?.finalUrl ?? document?.url ?? null,
      title: page?.title ?? document?.title ?? null,
      snapshot_id: snapshotId,
      retrieval_ledger_id: `ledger:${job}`,
      canonical_url: document?.url ?? null,
      retrieved_at: now(),
      support_spans: matches,
    },
    result: { n_matches: matches.length },
    cost: 0,
    error: null,
  };
}

/** The text around each place where the pattern stands, without regard to case; places that overlap are one. */
function matchesOf(text: string, pattern: string): readonly string[] {
  const wanted = pattern.toLowerCase();
  const searched = text.toLowerCase();
  // Where lower case has another length, places would shift: then the case has to be right.
  const [where, what] = searched.length === text.length ? [searched, wanted] : [text, pattern];
  const matches: string[] = [];
  let at = where.indexOf(what);
  while (at >= 0 && matches.length < MAX_MATCHES) {
    const end = at + what.length + CONTEXT_LENGTH;
    matches.push(
      text
        .slice(Math.max(0, at - CONTEXT_LENGTH), end)
        .trim()
        .toWellFormed(),
    );
    at = where.indexOf(what, end);
  }
  return matches;
}
