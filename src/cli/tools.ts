import { loadConfig } from '../config.ts';
import { createLogger } from '../runtime/logger.ts';
import type { Command } from './command.ts';
import { runUntilStopped, SERVING_OPTIONS } from './long-running.ts';
import { ragTool } from './tools/rag-tool.ts';
import { sandboxTool } from './tools/sandbox-tool.ts';
import { serveTool, type Tool } from './tools/serve-tool.ts';
import { urlFetchTool } from './tools/url-fetch-tool.ts';
import { webSearchTool } from './tools/web-search-tool.ts';

/** Settings that every tool reads. */
const COMMON = [
  'EIREL_HTTP_HOST',
  'EIREL_SERVICE_TOKEN_FILE',
  'EIREL_JOB_KEY_FILE',
  'EIREL_LEDGER_URL',
];

export const toolsRagCommand = commandOf(ragTool, {
  summary: "Serve parts of the task set's documents to miners, by how well they fit a query.",
  settings: ['EIREL_RAG_PORT', 'EIREL_RAG_MAX_REQUESTS', 'EIREL_DATA_DIR'],
});

export const toolsSandboxCommand = commandOf(sandboxTool, {
  summary: "Serve miners' Python programs in isolation: no network, environment, files, privilege.",
  settings: [
    'EIREL_SANDBOX_PORT',
    'EIREL_SANDBOX_MAX_REQUESTS',
    'EIREL_SANDBOX_PER_EXECUTION_COST_USD',
    'EIREL_SANDBOX_CONCURRENCY',
  ],
});

export const toolsWebSearchCommand = commandOf(webSearchTool, {
  summary: 'Serve searches of the web, or of a corpus, to miners, and the pages that were found.',
  settings: [
    'EIREL_WEB_SEARCH_PORT',
    'EIREL_WEB_SEARCH_MAX_REQUESTS',
    'EIREL_WEB_SEARCH_PER_QUERY_COST_USD',
    'EIREL_BRAVE_SEARCH_API_KEY_FILE',
    'EIREL_SERPER_API_KEY_FILE',
    'EIREL_TAVILY_API_KEY_FILE',
    'EIREL_WEB_SEARCH_CORPUS',
    'EIREL_FETCH_ADDRESSES',
  ],
});

export const toolsUrlFetchCommand = commandOf(urlFetchTool, {
  summary: 'Serve public pages to miners, who have no network of their own.',
  settings: [
    'EIREL_URL_FETCH_PORT',
    'EIREL_URL_FETCH_MAX_REQUESTS',
    'EIREL_URL_FETCH_PER_CALL_COST_USD',
    'EIREL_FETCH_ADDRESSES',
  ],
});

function commandOf(
  tool: Tool,
  { summary, settings }: Readonly<{ summary: string; settings: readonly string[] }>,
): Command {
  return {
    name: `tools ${tool.name}`,
    summary,
    arguments: [],
    options: SERVING_OPTIONS,
    settings: [...COMMON, ...settings],
    run: async (input, io) => {
      const config = loadConfig(io.env);
      const logger = createLogger(config.EIREL_LOG_LEVEL, `tools ${tool.name}`);
      return runUntilStopped((signal) => serveTool(tool, config, { logger, signal }), {
        input,
        io,
        tell: ({ url }) => ({ json: { url }, text: `${tool.name}, serving ${url}` }),
      });
    },
  };
}
