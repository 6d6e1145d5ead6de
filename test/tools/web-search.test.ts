import { describe, expect, test } from 'vitest';
import { isService, mayCall } from '#src/handlers/tools/authorize-caller.ts';
import { findOnPage } from '#src/handlers/tools/find-on-page.ts';
import { createHostRate } from '#src/handlers/tools/host-rate.ts';
import { openPage } from '#src/handlers/tools/open-page.ts';
import { createPageMemory } from '#src/handlers/tools/page-memory.ts';
import { readRetrievals, readUsage } from '#src/handlers/tools/read-usage.ts';
import { corpusSearch, SearchCorpus } from '#src/handlers/tools/search-corpus.ts';
import type { SearchProvider } from '#src/handlers/tools/search-provider.ts';
import { searchWeb } from '#src/handlers/tools/search-web.ts';
import { webSearchRoutes } from '#src/http/tools/web-search-routes.ts';
import { searchProvider } from '#src/runtime/search-providers.ts';
import { serveAnswer, serveHttp } from '../support/hostile-servers.ts';
import { loopbackClient } from '../support/loopback-client.ts';
import { JOB, MINER, SECRETS, toolSite, VALIDATOR } from '../support/tool-site.ts';

const NOW = '2026-11-29T12:00:00.000Z';
const corpus = corpusSearch(
  SearchCorpus.parse({
    documents: [
      {
        document_id: 'd-1',
        title: 'Rivers',
        url: 'https://a.example/r',
        snippet: 's1',
        content: 'The Rhine is a river.\nThe river is long.',
      },
      {
        document_id: 'd-2',
        title: 'Lakes',
        url: 'https://b.example/l',
        snippet: 's2',
        content: 'A lake and a river.',
      },
      { document_id: 'd-3', title: 'Seas', url: 'https://c.example/s', snippet: 's3' },
    ],
  }),
);
const page = (url: string, score = 1) => ({
  title: '',
  url,
  snippet: 's',
  score,
  publishedAt: null,
  corpus: null,
});
const finds = (name: string, ...urls: string[]): SearchProvider => ({
  name,
  search: async () => ({ kind: 'found', documents: urls.map((url) => page(url)) }),
});
const fails = (name: string): SearchProvider => ({
  name,
  search: async () => ({ kind: 'failed', reason: 'down' }),
});

/** The service over these providers, with a client that may reach this machine. */
async function searchSite(...providers: SearchProvider[]) {
  const client = loopbackClient();
  const memory = createPageMemory(() => 0);
  const site = await toolSite('web search', ({ calls, admission, gate, ledger }) => {
    const deps = {
      ...calls,
      get: client.get,
      hosts: createHostRate(() => 0),
      ledger: {
        ...ledger,
        attest: ledger.attest,
        readLedger: async (job: string) => ({
          kind: 'ok' as const,
          ledger: {
            job,
            opened: job === JOB,
            closed: false,
            tools: [],
            toolCalls: ledger.calls.map((call) => ({ ...call, time: NOW })),
            modelCalls: [],
            pending: [],
            cost: { state: 'known' as const, nanoUsd: 0 },
            ledger: { size: 1, hash: '' },
          },
        }),
      },
      providers,
      memory,
      now: () => NOW,
      quota: 12,
      price: 3_000_000,
    };
    return webSearchRoutes({
      ...admission,
      search: (caller, body) => searchWeb(caller, body, deps),
      openPage: (caller, body) => openPage(caller, body, deps),
      findOnPage: (caller, body) => findOnPage(caller, body, deps),
      mayRead: (bearer, job) => bearer !== null && mayCall(bearer, job, SECRETS),
      enterToRead: gate.enter,
      usage: (job) => readUsage(job, deps),
      retrievals: (job) => readRetrievals(job, deps),
      authorizeService: ({ bearer }) =>
        isService(bearer, SECRETS)
          ? { kind: 'caller', caller: null }
          : { kind: 'refused', status: 401, detail: 'no' },
      reset: calls.desk.reset,
    });
  });
  return {
    ...site,
    post: async (path: string, body: unknown, headers = MINER) => {
      const { status, json } = await site.post(path, body, headers);
      return { status, body: json() };
    },
    [Symbol.asyncDispose]: async () => {
      await site[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    },
  };
}

describe('a search', () => {
  test('has the fields of the existing service, and is attested', async () => {
    await using site = await searchSite(corpus);
    expect(await site.post('/v1/search', { query: 'river', top_k: 1 })).toEqual({
      status: 200,
      body: {
        documents: [
          {
            document_id: 'd-1',
            title: 'Rivers',
            url: 'https://a.example/r',
            snippet: 's1',
            score: expect.any(Number),
            metadata: { domain: 'a.example', canonical_url: 'https://a.example/r' },
          },
        ],
        snapshot_id: null,
        query: 'river',
        retrieval_ledger_id: `ledger:${JOB}`,
        retrieved_at: NOW,
        metadata: {
          execution_mode: 'catalog',
          search_backend: 'catalog',
          search_backends_attempted: ['catalog'],
        },
      },
    });
    expect(site.ledger.calls).toMatchObject([
      {
        tool: 'web_search',
        args: '{"query":"river","top_k":1}',
        result: '{"backend": "catalog", "n_results": 1}',
        cost: 3_000_000,
        status: 'ok',
      },
    ]);
  });

  test('is answered by the first provider that answers', async () => {
    await using site = await searchSite(
      fails('brave'),
      finds('serper', 'https://x.example/'),
      finds('tavily'),
    );
    expect((await site.post('/v1/search', { query: 'q' })).body).toMatchObject({
      documents: [{ document_id: expect.stringMatching(/^doc-[0-9a-f]{16}$/) }],
      metadata: {
        search_backend: 'serper',
        search_backends_attempted: ['brave', 'serper'],
        execution_mode: 'live_web',
      },
    });
  });

  test('that nobody answers costs nothing, and is attested as an error', async () => {
    await using site = await searchSite(fails('brave'), fails('serper'));
    expect(await site.post('/v1/search', { query: 'q' })).toEqual({
      status: 503,
      body: { detail: 'all search backends failed' },
    });
    expect(site.ledger.calls).toMatchObject([{ status: 'error', cost: 0 }]);
  });

  test('puts the domains first that the caller prefers', async () => {
    await using site = await searchSite(
      finds('brave', 'https://a.com/', 'https://b.org/', 'https://sub.c.net/'),
    );
    const { body } = await site.post('/v1/search', {
      query: 'q',
      preferred_domain_families: ['c.net', '.org'],
    });
    expect(body).toMatchObject({
      documents: [
        { url: 'https://sub.c.net/', score: 1.25 },
        { url: 'https://b.org/', score: 1.15 },
        { url: 'https://a.com/', score: 1 },
      ],
    });
  });

  test('refuses what is not of its form with 422', async () => {
    await using site = await searchSite(corpus);
    for (const body of [
      {},
      { query: '' },
      { query: 'q', top_k: 11 },
      { query: 'q', top_k: 0 },
      { query: 'q', top_k: 1.5 },
    ])
      expect((await site.post('/v1/search', body)).status, JSON.stringify(body)).toBe(422);
  });

  test('has the words of the existing service when there are no more', async () => {
    await using site = await searchSite(corpus);
    const once = { ...MINER, 'x-eirel-max-requests': '1' };
    await site.post('/v1/search', { query: 'q' }, once);
    expect(await site.post('/v1/open-page', { document_id: 'd-1' }, once)).toEqual({
      status: 429,
      body: { detail: 'web search tool request budget exceeded' },
    });
  });
});

describe('a corpus', () => {
  test('is searched by the first words of a query that it has at all', async () => {
    const words = Array.from({ length: 80 }, (_, n) => `known${n}`);
    const documents = words.map((word) => ({
      document_id: word,
      title: word,
      url: '',
      snippet: '',
    }));
    const { search } = corpusSearch(SearchCorpus.parse({ documents }));
    const strange = Array.from({ length: 200 }, (_, n) => `strange${n}`);
    const found = await search([...strange, ...words].join(' '), 80);
    if (found.kind === 'failed') throw new Error(found.reason);
    expect(found.documents.map(({ title }) => title).toSorted()).toEqual(
      words.slice(0, 64).toSorted(),
    );
  });

  test('ranks the same query the same way, the title above the text, without what fits not at all', async () => {
    const names = async (query: string) => {
      const found = await corpus.search(query, 10);
      return found.kind === 'found' ? found.documents.map((document) => document.corpus?.id) : [];
    };
    expect(await names('rivers and a river')).toEqual(['d-1', 'd-2']);
    expect(await names('LAKES')).toEqual(['d-2']);
    expect(await names('nothing here')).toEqual([]);
    expect(await names('')).toEqual([]);
  });
});

describe('a page', () => {
  test('of the web is opened once it was found, and looked through', async () => {
    const html = '<title>T</title><p>Before the needle after.<p>A second Needle.';
    await using server = await serveAnswer(200, { 'content-type': 'text/html' }, html);
    await using site = await searchSite(finds('brave', server.url));
    const found = await site.post('/v1/search', { query: 'q' });
    const document_id = firstId(found.body);
    expect(await site.post('/v1/find-on-page', { document_id, pattern: 'needle' })).toEqual({
      status: 409,
      body: { detail: 'find-on-page requires an opened page with extracted text' },
    });
    expect(await site.post('/v1/open-page', { document_id })).toMatchObject({
      status: 200,
      body: {
        document_id,
        title: 'T',
        content: 'Before the needle after.\nA second Needle.',
        final_url: server.url,
        http_status: 200,
      },
    });
    const seen = await site.post('/v1/find-on-page', { document_id, pattern: 'NEEDLE' });
    expect(seen.body).toMatchObject({
      matches: ['Before the needle after.\nA second Needle.'],
      title: 'T',
    });
    expect(site.ledger.calls.map(({ tool, status }) => [tool, status])).toEqual([
      ['web_search', 'ok'],
      ['web_search.find_on_page', 'error'],
      ['web_search.open_page', 'ok'],
      ['web_search.find_on_page', 'ok'],
    ]);
  });

  test('of a corpus is at hand', async () => {
    await using site = await searchSite(corpus);
    await site.post('/v1/search', { query: 'river' });
    expect((await site.post('/v1/open-page', { document_id: 'd-1' })).body).toMatchObject({
      content: 'The Rhine is a river.\nThe river is long.',
    });
    expect(
      (await site.post('/v1/find-on-page', { document_id: 'd-2', pattern: 'lake' })).body,
    ).toMatchObject({ matches: ['A lake and a river.'] });
  });

  test('that a search did not give to this job is unknown', async () => {
    await using site = await searchSite(corpus);
    await site.post('/v1/search', { query: 'river' });
    site.ledger.open('another');
    const other = { ...VALIDATOR, 'x-eirel-job-id': 'another' };
    expect(await site.post('/v1/open-page', { document_id: 'd-1' }, other)).toEqual({
      status: 404,
      body: { detail: 'document not found in retrieval ledger' },
    });
  });

  test('that a provider of searches makes up inside of our network is not opened', async () => {
    await using site = await searchSite(
      finds('brave', 'http://169.254.169.254/latest/meta-data/', 'file:///etc/passwd'),
    );
    const { body } = await site.post('/v1/search', { query: 'q' });
    const opened = await site.post('/v1/open-page', { document_id: firstId(body) });
    expect(opened).toMatchObject({ status: 400, body: { detail: { error: 'ssrf_blocked' } } });
    expect(site.ledger.calls.at(-1)).toMatchObject({
      tool: 'web_search.open_page',
      status: 'error',
      cost: 0,
    });
  });

  test('is forgotten when later pages of its own miner need its room, and not for those of another', () => {
    const memory = createPageMemory(() => 0);
    const text = 'x'.repeat(1024 * 1024);
    memory.opened('another', '0', { finalUrl: '', title: '', text });
    for (let n = 0; n < 40; n++) memory.opened('j', `${n}`, { finalUrl: '', title: '', text });
    expect(memory.page('j', '9')).toBeNull();
    expect(memory.page('j', '10')).not.toBeNull();
    expect(memory.page('another', '0')).not.toBeNull();
  });
});

describe('what a job used', () => {
  test('is what its ledger says', async () => {
    await using site = await searchSite(corpus);
    await site.post('/v1/search', { query: 'river' });
    await site.post('/v1/open-page', { document_id: 'd-1' });
    const path = `/v1/jobs/${encodeURIComponent(JOB)}`;
    const used = await site.get(`${path}/usage`);
    expect([used.status, used.json()]).toEqual([
      200,
      {
        job_id: JOB,
        retrieval_ledger_id: `ledger:${JOB}`,
        request_count: 2,
        tool_counts: { search: 1, open_page: 1 },
      },
    ]);
    expect((await site.get(`${path}/ledger`)).json()).toMatchObject({
      searches: [{ status: 'ok', retrieved_at: NOW }],
      opened_pages: [{ status: 'ok' }],
      find_on_page_events: [],
    });
  });

  test('is told to its own miner and to the validator, and to nobody else', async () => {
    await using site = await searchSite(corpus);
    const path = `/v1/jobs/${encodeURIComponent(JOB)}/usage`;
    expect((await site.get(path, VALIDATOR)).status).toBe(200);
    expect((await site.get('/v1/jobs/other/usage')).status).toBe(401);
    expect((await site.get('/v1/jobs/other/usage', VALIDATOR)).status).toBe(404);
    expect((await site.get(path, { authorization: 'Bearer nobody' })).status).toBe(401);
  });

  test('is forgotten here on the word of the validator, not of a miner', async () => {
    await using site = await searchSite(corpus);
    await site.post('/v1/search', { query: 'river' });
    expect((await site.post('/v1/usage/reset', {})).status).toBe(401);
    expect(await site.post('/v1/usage/reset', {}, VALIDATOR)).toEqual({
      status: 200,
      body: { cleared_job_count: 1 },
    });
  });
});

describe('a provider', () => {
  const cases = [
    [
      'brave',
      {
        web: {
          results: [
            {
              title: 'A <strong>b</strong>',
              url: 'https://x.example/',
              description: 'd',
              page_age: '2026-01-01',
            },
          ],
        },
      },
      { score: 1, publishedAt: '2026-01-01' },
    ],
    [
      'serper',
      { organic: [{ title: 'A b', link: 'https://x.example/', snippet: 'd' }] },
      { score: 1 },
    ],
    [
      'tavily',
      { results: [{ title: 'A b', url: 'https://x.example/', content: 'd', score: 0.7 }] },
      { score: 0.7 },
    ],
  ] as const;

  test.for(cases)('%s is asked with its key, and read', async ([kind, body, more]) => {
    const asked: (string | undefined)[] = [];
    await using server = await serveHttp((request, response) => {
      const { headers, method, url } = request;
      asked.push(
        method,
        url,
        String(headers['x-subscription-token'] ?? headers['x-api-key'] ?? headers['authorization']),
      );
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await using client = loopbackClient();
    const provider = searchProvider({ kind, key: 'the-key', url: `${server.url}s` }, client);
    expect(await provider.search('a b', 3)).toMatchObject({
      kind: 'found',
      documents: [{ title: 'A b', url: 'https://x.example/', snippet: 'd', ...more }],
    });
    const expected = {
      brave: ['GET', '/s?q=a+b&count=3', 'the-key'],
      serper: ['POST', '/s', 'the-key'],
      tavily: ['POST', '/s', 'Bearer the-key'],
    };
    expect(asked).toEqual(expected[kind]);
  });

  test('that fails, or answers in another form, has not answered', async () => {
    await using client = loopbackClient();
    for (const [status, body] of [
      [500, '{}'],
      [200, 'no json'],
      [200, '{"web":{"results":[{}]}}'],
      [429, ''],
    ] as const) {
      await using server = await serveAnswer(status, { 'content-type': 'application/json' }, body);
      const provider = searchProvider({ kind: 'brave', key: 'the-key', url: server.url }, client);
      expect(await provider.search('q', 3)).toMatchObject({ kind: 'failed' });
    }
  });
});

function firstId(body: unknown): string {
  // safe: a search's answer, whose form the tests above check
  return (body as { documents: { document_id: string }[] }).documents[0]?.document_id ?? '';
}
