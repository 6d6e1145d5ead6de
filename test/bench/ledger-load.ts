import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { prng } from '../support/prng.ts';

/** Tools that attest in arrays to a ledger, and a validator that reads meanwhile. */
export type LedgerLoad = Readonly<{
  url: string;
  token: string;
  seconds: number;
  /** Attestations a second that are offered; null for as many as are taken. */
  perSecond: number | null;
}>;

export type LedgerLoaded = Readonly<{
  /** Attestations that were acknowledged, and in how many seconds. */
  acknowledged: number;
  seconds: number;
  /** Of each read, and of each write, in milliseconds. */
  reads: readonly number[];
  writes: readonly number[];
  /** What is in the ledger afterwards, over all jobs. */
  found: number;
}>;

/** Four tools, four connections each. */
const WRITERS = 16;
const READERS = 2;
const READ_EVERY_MS = 20;

/** What a tool has gathered: 25 to 50 calls. */
const SMALLEST_ARRAY = 25;
const SIZES = 26;

const TOOLS = ['web_search', 'url_fetch', 'sandbox', 'rag.retrieve'] as const;

// safe: whoever starts this worker gives it what its type says
parentPort?.postMessage(await run(workerData as LedgerLoad));

async function run(load: LedgerLoad): Promise<LedgerLoaded> {
  const agent = new Agent({ keepAlive: true, maxSockets: WRITERS + READERS });
  const state = { acknowledged: 0, over: false, jobs: [] as string[] };
  const [reads, writes]: [number[], number[]] = [[], []];
  const started = performance.now();
  const end = started + load.seconds * 1_000;
  const reading = Array.from({ length: READERS }, (_, index) => read(index));
  await Promise.all(Array.from({ length: WRITERS }, (_, index) => write(index)));
  const seconds = (performance.now() - started) / 1_000;
  state.over = true;
  await Promise.all(reading);
  let found = 0;
  for (const job of state.jobs) found += (await readJob(job)).n_calls;
  agent.destroy();
  return { acknowledged: state.acknowledged, seconds, reads, writes, found };

  /** Sends arrays at its share of the rate, each as soon as it is due and the one before is answered. */
  async function write(writer: number): Promise<void> {
    const random = prng(`writer ${writer}`);
    let due = performance.now();
    for (let array = 0; performance.now() < end; array++) {
      const wait = due - performance.now();
      if (load.perSecond !== null && wait > 0) await delay(wait);
      const size = SMALLEST_ARRAY + Math.floor(random() * SIZES);
      if (load.perSecond !== null) due += (size * WRITERS * 1_000) / load.perSecond;
      const job = `task-eval=task-${writer}-${array};deployment=11111111-2222-3333-4444-555555555555`;
      const began = performance.now();
      const { status, text } = await send(
        'POST',
        '/v1/internal/eval/tool_calls',
        arrayOf(job, size),
      );
      if (status !== 201) throw new Error(`${status} ${text}`);
      writes.push(performance.now() - began);
      state.acknowledged += size;
      state.jobs.push(job);
    }
  }

  /** Reads jobs that were just acknowledged. */
  async function read(reader: number): Promise<void> {
    const random = prng(`reader ${reader}`);
    while (!state.over) {
      await delay(READ_EVERY_MS);
      const job = state.jobs[state.jobs.length - 1 - Math.floor(random() * 20)];
      if (job === undefined) continue;
      const began = performance.now();
      const { n_calls: calls } = await readJob(job);
      reads.push(performance.now() - began);
      if (calls < SMALLEST_ARRAY) throw new Error(`${job} has ${calls} calls only`);
    }
  }

  async function readJob(job: string): Promise<{ n_calls: number }> {
    const path = `/v1/internal/eval/job_ledger?job_id=${encodeURIComponent(job)}`;
    const { status, text } = await send('GET', path, '');
    if (status !== 200) throw new Error(`${status} ${text}`);
    return JSON.parse(text) as { n_calls: number }; // safe: eirel.md 5.3
  }

  function send(method: string, path: string, body: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${load.token}`,
        ...(body === '' ? {} : { 'content-type': 'application/json' }),
        'content-length': Buffer.byteLength(body),
      };
      const sent = request(`${load.url}${path}`, { method, headers, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.once('error', reject);
      });
      sent.once('error', reject).end(body);
    });
  }
}

type Answer = Readonly<{ status: number; text: string }>;

/** Attestations as the tools send them. */
function arrayOf(job: string, size: number): string {
  const calls = Array.from({ length: size }, (_, index) => {
    const tool = TOOLS[index % TOOLS.length] ?? TOOLS[0];
    return {
      call_id: `${job.slice(10, job.indexOf(';'))}-${index}`,
      job_id: job,
      tool_name: tool,
      args_hash: 'd6fde033833847a90b1ac262756b28c38f210067faf89546fef8569092d24cce',
      args_json: { query: `what is the capital of country number ${index}?`, top_k: 5 },
      result_digest: '{"backend": "brave", "n_results": 5}',
      latency_ms: 120 + index,
      cost_usd: 0.003,
      status: 'ok',
      error: null,
    };
  });
  return JSON.stringify(calls);
}
