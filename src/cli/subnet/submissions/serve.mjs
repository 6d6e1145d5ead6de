// What every submission of the local subnet has in its archive: a server that speaks the miners' contract.
import { createServer } from 'node:http';

/** Serves `answer(request, tools)`, which gives what the miner's `done` event says. */
export function serve(answer) {
  const {
    MINER_RUNTIME_PORT: port,
    MINER_HEALTH_PATH: health,
    MINER_INVOKE_PATH: invoke,
  } = process.env;
  createServer((req, res) => {
    if (req.url === health) return void res.end('ok');
    if (req.method !== 'POST' || req.url !== `${invoke}/stream`)
      return void res.writeHead(404).end();
    const parts = [];
    req.on('data', (part) => parts.push(part));
    req.on('end', async () => {
      const request = JSON.parse(Buffer.concat(parts).toString('utf8'));
      res.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
      const done = await answer(request, toolsFor(req.headers)).catch((error) => ({
        status: 'failed',
        error: String(error),
      }));
      const text = done.output?.answer;
      if (text !== undefined) res.write(`${JSON.stringify({ event: 'delta', text })}\n`);
      res.end(`${JSON.stringify({ event: 'done', status: 'completed', ...done })}\n`);
    });
  }).listen(Number(port), '127.0.0.1');
}

/** The services that a miner may use, each call put down to the job that the request came with. */
function toolsFor(headers) {
  const job = {
    'X-Eirel-Job-Id': headers['x-eirel-job-id'],
    Authorization: `Bearer ${headers['x-eirel-job-token']}`,
  };
  const post = async (url, body) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...job },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const {
    EIREL_WEB_SEARCH_URL,
    EIREL_RAG_URL,
    EIREL_PROVIDER_PROXY_URL,
    MINER_PROVIDER,
    MINER_MODEL,
  } = process.env;
  return {
    search: (query) => post(`${EIREL_WEB_SEARCH_URL}/v1/search`, { query, top_k: 3 }),
    retrieve: (corpus, query) =>
      post(`${EIREL_RAG_URL}/v1/rag/retrieve`, { corpus_id: corpus, query, k: 3 }),
    ask: (prompt) =>
      post(`${EIREL_PROVIDER_PROXY_URL}/v1/chat/completions`, {
        provider: MINER_PROVIDER,
        model: MINER_MODEL,
        payload: { messages: [{ role: 'user', content: prompt }], max_tokens: 256 },
      }),
  };
}
