import { sha256 } from '../../events/hash.ts';
import {
  type Caller,
  type CallToolDeps,
  callTool,
  type Performed,
  type ToolAnswer,
} from './call-tool.ts';
import type { KnownDocument, PageMemory } from './page-memory.ts';
import type { FoundDocument, SearchProvider } from './search-provider.ts';

export type SearchWeb = Readonly<{
  query: string;
  topK: number;
  snapshotId: string | null;
  preferredDomains: readonly string[];
}>;

export type SearchWebDeps = CallToolDeps &
  Readonly<{
    /** In the order in which they are asked; at least one. */
    providers: readonly SearchProvider[];
    memory: PageMemory;
    /** RFC 3339. */
    now: () => string;
    quota: number;
    /** In 1e-9 USD, of a search that was answered. */
    price: number;
  }>;

/** What a document gains when its domain is one that the caller prefers, as in the existing service. */
const DOMAIN_BONUS = 0.25;
const SUFFIX_BONUS = 0.15;

/** Searches for a job: the first provider that answers does, and a failing one costs nothing. */
export function searchWeb(
  caller: Caller,
  asked: SearchWeb,
  deps: SearchWebDeps,
): Promise<ToolAnswer> {
  const call = {
    tool: 'web_search',
    args: { query: asked.query, top_k: asked.topK },
    perform: () => search(caller, asked, deps),
  };
  return callTool(caller, call, { ...webSearchRules(deps.quota), price: deps.price }, deps);
}

/** What is common to the service's three calls: one quota, and what is free unless it is a search. */
export function webSearchRules(quota: number) {
  return { quota, price: 0, exhausted: () => 'web search tool request budget exceeded' };
}

async function search(
  { job }: Caller,
  asked: SearchWeb,
  { providers, memory, now, price }: SearchWebDeps,
): Promise<Performed> {
  const attempted: string[] = [];
  const retrievedAt = now();
  for (const { name, search } of providers) {
    attempted.push(name);
    const found = await search(asked.query, asked.topK);
    if (found.kind === 'failed') continue;
    const documents = found.documents.slice(0, asked.topK).map(named);
    for (const document of documents) memory.found(job, document);
    const ranked = preferred(documents, asked.preferredDomains);
    return {
      status: 200,
      body: bodyOf(asked, ranked, { job, retrievedAt, backend: name, attempted }),
      result: { backend: name, n_results: ranked.length },
      cost: price,
      error: null,
    };
  }
  const detail = 'all search backends failed';
  return { status: 503, body: { detail }, result: {}, cost: 0, error: detail };
}

/** A page of the web is named by its URL, so that it has one name in all searches of all jobs. */
function named(document: FoundDocument): KnownDocument {
  return {
    ...document,
    id: document.corpus?.id ?? `doc-${sha256(document.url).slice(0, 16)}`,
  };
}

function preferred(
  documents: readonly KnownDocument[],
  domains: readonly string[],
): readonly KnownDocument[] {
  const families = domains
    .map((domain) => domain.trim().toLowerCase())
    .filter((name) => name !== '');
  if (families.length === 0) return documents;
  return documents
    .map((document) => ({ ...document, score: document.score + bonusOf(document.url, families) }))
    .map((document) => ({ ...document, score: Number(document.score.toFixed(4)) }))
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}

function bonusOf(url: string, families: readonly string[]): number {
  const domain = domainOf(url);
  const bonuses = families.map((family) => {
    if (family.startsWith('.')) return domain.endsWith(family) ? SUFFIX_BONUS : 0;
    return domain === family || domain.endsWith(`.${family}`) ? DOMAIN_BONUS : 0;
  });
  return bonuses.find((bonus) => bonus > 0) ?? 0;
}

function domainOf(url: string): string {
  return URL.parse(url)?.hostname ?? '';
}

type Searched = Readonly<{
  job: string;
  retrievedAt: string;
  backend: string;
  attempted: readonly string[];
}>;

function bodyOf(
  { query, snapshotId }: SearchWeb,
  documents: readonly KnownDocument[],
  { job, retrievedAt, backend, attempted }: Searched,
) {
  return {
    documents: documents.map(({ id, title, url, snippet, score, publishedAt }) => ({
      document_id: id,
      title,
      url,
      snippet,
      score,
      metadata: {
        domain: domainOf(url),
        canonical_url: url,
        ...(publishedAt === null ? {} : { published_at: publishedAt }),
      },
    })),
    snapshot_id: snapshotId,
    query,
    retrieval_ledger_id: `ledger:${job}`,
    retrieved_at: retrievedAt,
    metadata: {
      execution_mode: backend === 'catalog' ? 'catalog' : 'live_web',
      search_backend: backend,
      search_backends_attempted: attempted,
    },
  };
}
