import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  type AttestedJob,
  callsOf,
  type LedgerAt,
  ledgerSender,
  type Send,
} from './ledger-sender.ts';

/** Tools that attest to a ledger, and a validator that reads meanwhile. */
export type LedgerLoad = LedgerAt &
  Readonly<{
    seconds: number;
    /** Attestations a second that are offered; null for as many as are taken. */
    perSecond: number | null;
    /** Connections, each with one request at a time. */
    writers: number;
    /** Attestations of one request; one alone is sent as such, and not as an array. */
    array: number;
  }>;

/** Times are in milliseconds. */
export type LedgerLoaded = Readonly<{
  /** Attestations that were acknowledged, and in how many seconds. */
  acknowledged: number;
  seconds: number;
  reads: readonly number[];
  writes: readonly number[];
  /** How often the ledger took nothing (503), and was sent the same again. */
  refused: number;
  /** Processor time that this process took meanwhile, in seconds. */
  processor: number;
}>;

/** What is in the ledger afterwards, over all jobs: told when all of them are read again. */
export type LedgerCounted = Readonly<{ found: number }>;

/** Jobs are read again over so many connections in the end. */
const READERS = 2;

/** What a 503 tells to wait. */
const SEND_AGAIN_AFTER_MS = 1_000;

/** What a job's turn calls: as many as four tools' quotas let it. */
const CALLS_OF_JOB = 25;

const TOOLS = ['web_search', 'url_fetch', 'sandbox', 'rag.retrieve'] as const;

// A process of its own, as tools are. safe: whoever starts it gives it what its type says
const load = JSON.parse(process.argv[2] ?? '') as LedgerLoad;
await run((told) => process.stdout.write(`${JSON.stringify(told)}\n`));

/** Tells what came of the load, then what is there of it. */
async function run(tell: (told: LedgerLoaded | LedgerCounted) => void): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.writers });
  const send = ledgerSender(load, agent);
  const jobs: AttestedJob[] = [];
  const writes: number[] = [];
  const reader = new Worker(new URL('ledger-reads.ts', import.meta.url), { workerData: load });
  let [acknowledged, refused] = [0, 0];
  const began = process.cpuUsage();
  const started = performance.now();
  const end = started + load.seconds * 1_000;

  /** Sends at its share of the rate, each request as soon as it is due and the one before is answered. */
  const write = async (writer: number): Promise<void> => {
    const everyMs =
      load.perSecond === null ? 0 : (load.array * load.writers * 1_000) / load.perSecond;
    let due = started + (writer * everyMs) / load.writers;
    for (let sent = 0; performance.now() < end; sent++) {
      const wait = due - performance.now();
      if (wait > 0) await delay(wait);
      due += everyMs;
      const made = jobsOf(writer, sent, load.array);
      const before = performance.now();
      refused += await sendUntilTaken(bodyOf(made), send);
      writes.push(performance.now() - before);
      acknowledged += load.array;
      jobs.push(...made);
      reader.postMessage(made);
    }
  };
  await Promise.all(Array.from({ length: load.writers }, (_, index) => write(index)));
  const seconds = (performance.now() - started) / 1_000;
  reader.postMessage(null);
  const [reads] = (await once(reader, 'message')) as [readonly number[]]; // safe: it sends nothing else
  const { user, system } = process.cpuUsage(began);
  const processor = (user + system) / 1e6;
  tell({ acknowledged, seconds, reads, writes, refused, processor });
  tell({ found: await countAll(jobs, send) });
  agent.destroy();
}

/** The jobs that one request's attestations are of. */
function jobsOf(writer: number, sent: number, array: number): readonly AttestedJob[] {
  const jobs: AttestedJob[] = [];
  for (let left = array; left > 0; left -= CALLS_OF_JOB) {
    const task = `task-${writer}-${sent}-${jobs.length}`;
    const name = `task-eval=${task};deployment=11111111-2222-3333-4444-555555555555`;
    jobs.push({ name, calls: Math.min(left, CALLS_OF_JOB) });
  }
  return jobs;
}

/** Attestations as the tools send them, each under a name of its own. */
function bodyOf(jobs: readonly AttestedJob[]): string {
  const calls = jobs.flatMap(({ name, calls }) =>
    Array.from({ length: calls }, (_, index) => callOf(name, index)),
  );
  return calls.length === 1 ? (calls[0] ?? '') : `[${calls.join(',')}]`;
}

/** Some 470 bytes; put together as text, for the processor that it takes is missing elsewhere. */
function callOf(job: string, index: number): string {
  const query = `what is the capital of country number ${index}?`;
  return `{"call_id":"${randomUUID()}","job_id":"${job}","tool_name":"${TOOLS[index % TOOLS.length]}","args_hash":"d6fde033833847a90b1ac262756b28c38f210067faf89546fef8569092d24cce","args_json":{"query":"${query}","top_k":5},"result_digest":"{\\"backend\\": \\"brave\\", \\"n_results\\": 5}","latency_ms":${120 + index},"cost_usd":0.003,"status":"ok","error":null}`;
}

/** Sends the same calls, under the same names, until the ledger has them; gives how often it had no room or no answer. */
async function sendUntilTaken(body: string, send: Send): Promise<number> {
  for (let refused = 0; ; refused++) {
    const { status, text } = await send('POST', '/v1/internal/eval/tool_calls', body);
    if (status === 201) return refused;
    if (status !== 503) throw new Error(`${status} ${text}`);
    await delay(SEND_AGAIN_AFTER_MS);
  }
}

async function countAll(jobs: readonly AttestedJob[], send: Send): Promise<number> {
  let found = 0;
  const left = jobs.values();
  const count = async (): Promise<void> => {
    for (const job of left) {
      const calls = await callsOf(job, send);
      found += calls;
    }
  };
  await Promise.all(Array.from({ length: READERS }, count));
  return found;
}
