import type { AttestedCall, LedgerClient } from '../ledger/ledger-port.ts';
import type { ToolAnswer } from './call-tool.ts';
import { refuse } from './decide-call.ts';

/** The calls of the service by what the existing one calls them. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['web_search', 'search'],
  ['web_search.open_page', 'open_page'],
  ['web_search.find_on_page', 'find_on_page'],
]);

type Deps = Readonly<{ ledger: Pick<LedgerClient, 'readLedger'> }>;

/** How often a job used the service: what its ledger says, not what is remembered here. */
export async function readUsage(job: string, deps: Deps): Promise<ToolAnswer> {
  const read = await callsOf(job, 'job usage not found', deps);
  if (read.kind !== 'calls') return read;
  const counts = Map.groupBy(read.calls, ({ tool }) => NAMES.get(tool) ?? tool);
  return {
    kind: 'answer',
    status: 200,
    body: {
      job_id: job,
      retrieval_ledger_id: `ledger:${job}`,
      request_count: read.calls.length,
      tool_counts: Object.fromEntries([...counts].map(([name, { length }]) => [name, length])),
    },
  };
}

/** What a job did with the service, in the order in which it was attested. */
export async function readRetrievals(job: string, deps: Deps): Promise<ToolAnswer> {
  const read = await callsOf(job, 'job ledger not found', deps);
  if (read.kind !== 'calls') return read;
  const by = (tool: string) => read.calls.filter((call) => call.tool === tool).map(retrieval);
  return {
    kind: 'answer',
    status: 200,
    body: {
      job_id: job,
      retrieval_ledger_id: `ledger:${job}`,
      execution_mode: 'live_web',
      searches: by('web_search'),
      opened_pages: by('web_search.open_page'),
      find_on_page_events: by('web_search.find_on_page'),
    },
  };
}

async function callsOf(job: string, notFound: string, { ledger }: Deps) {
  const read = await ledger.readLedger(job);
  if (read.kind !== 'ok') return refuse(503, 'the ledger does not answer');
  const { opened, toolCalls } = read.ledger;
  if (!opened) return refuse(404, notFound);
  return { kind: 'calls' as const, calls: toolCalls.filter(({ tool }) => NAMES.has(tool)) };
}

function retrieval({ call, time, result, latencyMs, status, error }: AttestedCall) {
  return { call, retrieved_at: time, result_digest: result, latency_ms: latencyMs, status, error };
}
