import { z } from 'zod';
import type { Found, FoundDocument, SearchProvider } from '../handlers/tools/search-provider.ts';
import type { FetchOutcome, PeerClient } from './peer-client.ts';

/** A provider of searches: where it is asked, and with which key. */
export type SearchAccount = Readonly<{
  kind: 'brave' | 'serper' | 'tavily';
  key: string;
  /** In place of the provider's own address. */
  url?: string;
}>;

/** As long as the existing service waits for one of them. */
const TIMEOUT_MS = 10_000;

/** Ten documents with their snippets are far smaller. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

/** What is kept of a provider's texts, in UTF-16 units. */
const MAX_TITLE_LENGTH = 512;
const MAX_SNIPPET_LENGTH = 2_000;

/** Asks a provider through the hardened client. Its key is in no detail; what it answers is read strictly. */
export function searchProvider(
  { kind, key, url }: SearchAccount,
  client: Pick<PeerClient, 'get' | 'post'>,
): SearchProvider {
  const { ask, read } = PROVIDERS[kind];
  return {
    name: kind,
    search: async (query, count) => {
      const asked = ask({ query, count, key, url: url ?? ADDRESSES[kind] });
      const options = {
        signal: AbortSignal.timeout(TIMEOUT_MS),
        maxBytes: MAX_ANSWER_BYTES,
        headers: asked.headers,
      };
      const outcome =
        asked.body === null
          ? await client.get(asked.url, options)
          : await client.post(asked.url, Buffer.from(JSON.stringify(asked.body)), {
              ...options,
              contentType: 'application/json',
            });
      return readAnswer(outcome, read);
    },
  };
}

const ADDRESSES: Readonly<Record<SearchAccount['kind'], string>> = {
  brave: 'https://api.search.brave.com/res/v1/web/search',
  serper: 'https://google.serper.dev/search',
  tavily: 'https://api.tavily.com/search',
};

type Asked = Readonly<{
  url: string;
  headers: Readonly<Record<string, string>>;
  body: object | null;
}>;
type Question = Readonly<{ query: string; count: number; key: string; url: string }>;

/** How a provider is asked, and how its answer is read; `read` throws for one that has another form. */
type Provider = Readonly<{
  ask: (question: Question) => Asked;
  read: (answer: unknown) => readonly FoundDocument[];
}>;

const Brave = z.object({
  web: z
    .object({
      results: z.array(
        z.object({
          title: z.string(),
          url: z.string(),
          description: z.string().default(''),
          page_age: z.string().nullish(),
        }),
      ),
    })
    .nullish(),
});

const Serper = z.object({
  organic: z
    .array(
      z.object({
        title: z.string(),
        link: z.string(),
        snippet: z.string().default(''),
        date: z.string().nullish(),
      }),
    )
    .default([]),
});

const Tavily = z.object({
  results: z.array(
    z.object({
      title: z.string(),
      url: z.string(),
      content: z.string().default(''),
      score: z.number().default(0),
      published_date: z.string().nullish(),
    }),
  ),
});

const PROVIDERS: Readonly<Record<SearchAccount['kind'], Provider>> = {
  brave: {
    ask: ({ query, count, key, url }) => ({
      url: `${url}?${new URLSearchParams({ q: query, count: String(count) }).toString()}`,
      headers: { 'x-subscription-token': key },
      body: null,
    }),
    read: (answer) =>
      (Brave.parse(answer).web?.results ?? []).map(({ title, url, description, page_age }, index) =>
        documentOf({ title, url, snippet: description, date: page_age, score: byRank(index) }),
      ),
  },
  serper: {
    ask: ({ query, count, key, url }) => ({
      url,
      headers: { 'x-api-key': key },
      body: { q: query, num: count },
    }),
    read: (answer) =>
      Serper.parse(answer).organic.map(({ title, link, snippet, date }, index) =>
        documentOf({ title, url: link, snippet, date, score: byRank(index) }),
      ),
  },
  tavily: {
    ask: ({ query, count, key, url }) => ({
      url,
      headers: { authorization: `Bearer ${key}` },
      body: { query, max_results: count },
    }),
    read: (answer) =>
      Tavily.parse(answer).results.map(({ title, url, content, score, published_date }) =>
        documentOf({ title, url, snippet: content, date: published_date, score }),
      ),
  },
};

function readAnswer(outcome: FetchOutcome, read: Provider['read']): Found {
  if (outcome.kind === 'refused') return { kind: 'failed', reason: outcome.reason };
  if (outcome.status !== 200) return { kind: 'failed', reason: `status ${outcome.status}` };
  try {
    return {
      kind: 'found',
      documents: read(JSON.parse(Buffer.from(outcome.body).toString('utf8'))),
    };
  } catch {
    // No JSON, or of another form than it is documented: either way it is no answer.
    return { kind: 'failed', reason: 'an answer of another form' };
  }
}

/** Those that give no score have put them in order. */
function byRank(index: number): number {
  return Number((1 / (index + 1)).toFixed(4));
}

function documentOf(
  given: Readonly<{
    title: string;
    url: string;
    snippet: string;
    date: string | null | undefined;
    score: number;
  }>,
): FoundDocument {
  return {
    title: textOf(given.title, MAX_TITLE_LENGTH),
    url: given.url,
    snippet: textOf(given.snippet, MAX_SNIPPET_LENGTH),
    score: given.score,
    publishedAt: given.date ?? null,
    corpus: null,
  };
}

/** Providers mark the words of the query with tags. */
function textOf(text: string, maxLength: number): string {
  return text
    .replace(/<\/?(?:strong|b|em)>/g, '')
    .slice(0, maxLength)
    .toWellFormed();
}
