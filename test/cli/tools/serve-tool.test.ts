import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ragTool } from '#src/cli/tools/rag-tool.ts';
import { serveTool, type Tool } from '#src/cli/tools/serve-tool.ts';
import { urlFetchTool } from '#src/cli/tools/url-fetch-tool.ts';
import { webSearchTool } from '#src/cli/tools/web-search-tool.ts';
import { loadConfig } from '#src/config.ts';
import { ask } from '../../http/client.ts';
import { FAR_AWAY } from '../../support/fake-ledger.ts';
import { serveAnswer, serveHttp } from '../../support/hostile-servers.ts';
import { MINER, SECRETS, VALIDATOR } from '../../support/tool-site.ts';

const folder = await mkdtemp(join(tmpdir(), 'eirel-tools-'));
afterAll(() => rm(folder, { recursive: true }));

const SERVICE_FILE = join(folder, 'service.token');
const KEY_FILE = join(folder, 'job.key');
const CORPUS_FILE = join(folder, 'corpus.json');
await writeFile(SERVICE_FILE, `${SECRETS.serviceToken}\n`, { mode: 0o600 });
await writeFile(KEY_FILE, `${SECRETS.jobKey}\n`, { mode: 0o600 });
const documents = [{ document_id: 'd', title: 'Rivers', url: 'https://a.example/', snippet: 's' }];
await writeFile(CORPUS_FILE, JSON.stringify({ documents }));

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The ledger's HTTP interface as far as tools use it, with every job open; it says what it was sent. */
async function ledgerOverHttp() {
  const attested: { tool_name: string; status: string }[] = [];
  const server = await serveHttp((request, response) => {
    const answer = (status: number, body: object): void =>
      void response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify(body));
    if (request.headers.authorization !== VALIDATOR.authorization) return answer(401, {});
    const job_id = new URL(request.url ?? '', 'http://ledger').searchParams.get('job_id');
    if (request.method === 'GET')
      return answer(200, {
        job_id,
        open: true,
        expires_at: FAR_AWAY,
        budget_usd: 1,
        spent: { state: 'known', nano_usd: 0 },
        pending: [],
        max_calls: 100,
        calls: 0,
        model_calls: 0,
      });
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk;
    });
    request.on('end', () => {
      attested.push(JSON.parse(body));
      answer(201, {});
    });
  });
  return { server, attested, url: server.url.replace(/\/$/, '') };
}

const settings = (ledger: string, more: Record<string, string> = {}) =>
  loadConfig({
    EIREL_SERVICE_TOKEN_FILE: SERVICE_FILE,
    EIREL_JOB_KEY_FILE: KEY_FILE,
    EIREL_LEDGER_URL: ledger,
    EIREL_DATA_DIR: folder,
    EIREL_WEB_SEARCH_PORT: '0',
    EIREL_URL_FETCH_PORT: '0',
    EIREL_RAG_PORT: '0',
    ...more,
  });

const start = (tool: Tool, config: ReturnType<typeof settings>) =>
  serveTool(tool, config, { logger, signal: new AbortController().signal });

const post = async (url: string, path: string, body: object, headers = MINER) => {
  const reply = await ask(url, path, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: reply.status, body: reply.json() };
};

test('each tool serves a miner over the ledger of its validator', async () => {
  await using page = await serveAnswer(200, { 'content-type': 'text/plain' }, 'a page');
  const ledger = await ledgerOverHttp();
  await using _ = ledger.server;
  const config = settings(ledger.url, {
    EIREL_WEB_SEARCH_CORPUS: CORPUS_FILE,
    EIREL_FETCH_ADDRESSES: 'loopback',
  });
  await using search = await start(webSearchTool, config);
  await using fetcher = await start(urlFetchTool, config);
  await using rag = await start(ragTool, config);

  const found = await post(search.url, '/v1/search', { query: 'rivers' });
  expect(found).toMatchObject({ status: 200, body: { documents: [{ document_id: 'd' }] } });
  const fetched = await post(fetcher.url, '/v1/fetch', { url: page.url });
  expect(fetched).toMatchObject({ status: 200, body: { content: 'a page' } });
  const corpus = { corpus_id: 'c', documents: [{ doc_id: 'x', content: 'one river' }] };
  expect((await post(rag.url, '/v1/rag/corpora', corpus, VALIDATOR)).status).toBe(200);
  const retrieved = await post(rag.url, '/v1/rag/retrieve', { corpus_id: 'c', query: 'river' });
  expect(retrieved).toMatchObject({ status: 200, body: { chunks: [{ doc_id: 'x' }] } });
  expect(ledger.attested.map(({ tool_name, status }) => [tool_name, status])).toEqual([
    ['web_search', 'ok'],
    ['url_fetch', 'ok'],
    ['rag.retrieve', 'ok'],
  ]);
  for (const { url } of [search, fetcher, rag]) {
    expect((await ask(url, '/healthz')).json()).toEqual({ status: 'ok' });
    expect((await ask(url, '/readyz')).status).toBe(200);
    expect((await ask(url, '/metrics')).text).toContain('eirel_http_');
  }
});

test('without its ledger a tool is not ready, and releases nothing', async () => {
  await using rag = await start(ragTool, settings('http://127.0.0.1:1'));
  expect((await ask(rag.url, '/readyz')).status).toBe(503);
  expect((await ask(rag.url, '/healthz')).status).toBe(200);
  const body = { corpus_id: 'c', query: 'river' };
  expect((await post(rag.url, '/v1/rag/retrieve', body)).status).toBe(503);
});

test('a tool without secrets, or with nobody to ask, does not start', async () => {
  const open = loadConfig({ EIREL_DATA_DIR: folder, EIREL_RAG_PORT: '0' });
  await expect(start(ragTool, open)).rejects.toMatchObject({ code: 'config.invalid' });
  const nobody = settings('http://127.0.0.1:1');
  await expect(start(webSearchTool, nobody)).rejects.toMatchObject({ code: 'config.invalid' });
  const missing = settings('http://127.0.0.1:1', { EIREL_WEB_SEARCH_CORPUS: SERVICE_FILE });
  await expect(start(webSearchTool, missing)).rejects.toMatchObject({ code: 'file.unreadable' });
});
