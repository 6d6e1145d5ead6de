import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EMPTY } from '#src/events/decode.ts';
import { jetStreamStore } from '#src/runtime/jetstream-store.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import { connectNats, natsLink } from '#src/runtime/nats-link.ts';
import { natsCredential } from '#src/runtime/nats-server-config.ts';
import { type LiveLedger, liveLedger, SOURCE, TOKEN } from '../support/live-ledger.ts';
import { PROCESS_TEST_TIMEOUT_MS, until } from '../support/live-until.ts';
import { eirelHere } from '../support/process-eirel.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

let ledger: LiveLedger;
beforeAll(async () => {
  ledger = await liveLedger();
});
afterAll(() => ledger[Symbol.asyncDispose]());

const SENDERS = 4;
const ARRAY = 25;
/** Arrays that are acknowledged between two kills. */
const BETWEEN = 20;

test('every acknowledged attestation is there exactly once, whatever is killed under load', async () => {
  const acknowledged = new Map<string, number>();
  let over = false;
  let retries = 0;
  const send = async (sender: number): Promise<void> => {
    for (let array = 0; !over; array++) {
      const job = `load-${sender}-${array}`;
      await until(`${job} is acknowledged`, async () => {
        const taken = await attest(job);
        if (!taken) retries++;
        return taken;
      });
      acknowledged.set(job, ARRAY);
    }
  };
  const sending = Array.from({ length: SENDERS }, (_, sender) => send(sender));
  const more = async (): Promise<void> => {
    const wanted = acknowledged.size + BETWEEN;
    await until(`${wanted} arrays are acknowledged`, () => acknowledged.size >= wanted);
  };

  await more();
  await ledger.kill();
  await ledger.restart();
  await more();
  await ledger.nats.kill();
  await ledger.nats.restart();
  await more();
  await Promise.all([ledger.kill(), ledger.nats.kill()]);
  await ledger.nats.restart();
  await ledger.restart();
  await more();
  over = true;
  await Promise.all(sending);

  expect(retries).toBeGreaterThan(0);
  const calls = await callsInLog();
  expect(new Set(calls).size).toBe(calls.length);
  expect(calls.length).toBe(acknowledged.size * ARRAY);
  for (const job of acknowledged.keys()) expect((await readJob(job)).n_calls).toBe(ARRAY);
});

test('an operator sees what the ledger has of a job', async () => {
  const shown = await eirelHere(['ledger', 'show', 'load-0-0'], ledger.env);
  expect(shown).toMatchObject({ code: 0, err: '' });
  const [head = '', ...lines] = shown.out.trimEnd().split('\n');
  expect(head).toMatch(/^load-0-0: opened by nobody, \$0\.075, at \d+ events of the log$/);
  expect(lines).toHaveLength(ARRAY);
  expect(lines[0]).toMatch(/ web_search {2}ok, 12 ms, \$0\.003$/);
  const json = await eirelHere(['ledger', 'show', 'load-0-0', '--json'], ledger.env);
  expect(JSON.parse(json.out)).toMatchObject({ job: 'load-0-0', tools: ['web_search'] });
});

test('a watcher is told what is written, what is refused, what waits, and what is not projected yet', async () => {
  const before = await recorded();
  const one = { call_id: 'counted', job_id: 'metrics', tool_name: 'rag.retrieve', latency_ms: 1 };
  expect(await post([one, one])).toBe(201);
  expect(await post({ ...one, latency_ms: 2 })).toBe(409);
  expect(await post({ ...one, call_id: 'other' })).toBe(201);
  expect((await recorded()) - before).toBe(2);
  const figures = await metrics();
  expect(figures).toMatch(/^eirel_ledger_wishes_total\{kind="attest",outcome="again"\} [1-9]/m);
  expect(figures).toMatch(/^eirel_ledger_wishes_total\{kind="attest",outcome="conflict"\} 1$/m);
  expect(figures).toMatch(/^eirel_ledger_waiting 0$/m);
  expect(figures).toMatch(/^eirel_ledger_unshown_events \d+$/m);
});

test('a ledger without a token does not start, and neither does a second one beside the first', async () => {
  const { EIREL_SERVICE_TOKEN_FILE: _, ...open } = ledger.env;
  expect(await eirelHere(['ledger'], open)).toMatchObject({
    code: 78,
    err: expect.stringContaining('EIREL_SERVICE_TOKEN_FILE') as string,
  });
  const second = { ...ledger.env, EIREL_HTTP_PORT: '0' };
  expect(await eirelHere(['ledger'], second)).toMatchObject({
    code: 6,
    err: expect.stringContaining('log.conflict') as string,
  });
});

async function metrics(): Promise<string> {
  return (await fetch(`${ledger.url}/metrics`)).text();
}

async function recorded(): Promise<number> {
  const line = /^eirel_ledger_wishes_total\{kind="attest",outcome="recorded"\} (\d+)$/m;
  return Number(line.exec(await metrics())?.[1] ?? 0);
}

async function post(body: unknown): Promise<number> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const path = '/v1/internal/eval/tool_calls';
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  const answer = await fetch(`${ledger.url}${path}`, init);
  await answer.text();
  return answer.status;
}

/** Sends a job's calls; false where it is not known whether they are recorded: then they are sent again. */
async function attest(job: string): Promise<boolean> {
  const calls = Array.from({ length: ARRAY }, (_, index) => ({
    call_id: `${job}-${index}`,
    job_id: job,
    tool_name: 'web_search',
    args_hash: 'a'.repeat(64),
    args_json: { query: `question ${index}`, top_k: 5 },
    result_digest: '{"n_results": 1}',
    latency_ms: 12,
    cost_usd: 0.003,
  }));
  try {
    const answer = await fetch(`${ledger.url}/v1/internal/eval/tool_calls`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(calls),
    });
    await answer.text();
    if (answer.status === 201) return true;
    expect(answer.status).toBe(503);
    return false;
  } catch (error) {
    // Nobody listens, or the connection broke with its process.
    if (error instanceof TypeError) return false;
    throw error;
  }
}

async function readJob(job: string): Promise<{ n_calls: number }> {
  const answer = await fetch(`${ledger.url}/v1/internal/eval/job_ledger?job_id=${job}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  return (await answer.json()) as { n_calls: number }; // safe: eirel.md 5.3
}

/** The names of all attested calls, from the log itself, verified event by event. */
async function callsInLog(): Promise<readonly string[]> {
  const [account] = ledger.nats.accounts;
  if (account === undefined) throw new Error('a server without an account');
  const credential = natsCredential(account, 'reader');
  const nc = await connectNats({ url: ledger.nats.url, name: 'test', ...credential });
  const link = natsLink(nc, credential.inboxPrefix);
  const log = logReader(jetStreamStore(link, { name: 'ledger', source: SOURCE }));
  const calls: string[] = [];
  for await (const { events } of log.read({ after: EMPTY, follow: false }))
    for (const { event } of events)
      if (event.type === 'tool.called.v1') calls.push(event.data.call);
  await nc.close();
  return calls;
}
