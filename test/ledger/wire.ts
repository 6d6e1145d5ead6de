import { z } from 'zod';

/** What the existing services send and read, transcribed from eirel.md 5.2 and 5.3; more members than these are ours. */

export const ToolCallRow = z.looseObject({
  id: z.union([z.string(), z.int()]),
  job_id: z.string().min(1).max(128),
  tool_name: z.string().min(1).max(64),
  args_hash: z.string().max(64),
  args_json: z.record(z.string(), z.unknown()),
  result_digest: z.string(),
  latency_ms: z.int().min(0),
  cost_usd: z.number().min(0),
  status: z.string().max(16),
  error: z.string().nullable(),
  ts: z.iso.datetime(),
});

export const JobLedgerDocument = z.looseObject({
  job_id: z.string(),
  n_calls: z.int().min(0),
  tool_calls: z.array(ToolCallRow),
});

/** What each of the tools there are sends: `args_json` and `cost_usd` as the table of 5.2 has them. */
export const SENT_BY_TOOLS = [
  {
    tool_name: 'web_search',
    args_json: { query: 'café', top_k: 5 },
    cost_usd: 0.003,
    status: 'ok',
  },
  {
    tool_name: 'web_search.open_page',
    args_json: { document_id: 'd-1' },
    cost_usd: 0,
    status: 'ok',
  },
  {
    tool_name: 'url_fetch',
    args_json: { url: 'https://example.org/', max_chars: 50_000, include_links: true },
    cost_usd: 0.0005,
    status: 'error',
  },
  {
    tool_name: 'sandbox',
    args_json: { code_n_bytes: 12, session_id: null, n_attachments: 0 },
    cost_usd: 0,
    status: 'error',
  },
  {
    tool_name: 'rag.retrieve',
    args_json: { corpus_id: 'c', query: 'q', k: 5 },
    cost_usd: 0,
    status: 'ok',
  },
] as const;
