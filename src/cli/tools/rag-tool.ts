import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bindRun,
  indexCorpus,
  keepOnlyRuns,
  listCorpora,
} from '../../handlers/tools/index-corpus.ts';
import { retrieveChunks } from '../../handlers/tools/retrieve-chunks.ts';
import { createTurns } from '../../handlers/tools/take-turns.ts';
import { ragRoutes } from '../../http/tools/rag-routes.ts';
import { openRagDatabase } from '../../runtime/rag-database.ts';
import { serviceOnly, type Tool } from './serve-tool.ts';

/** Calls of one miner at once, and so searches of it that may wait. */
const AT_ONCE = 8;

/** The file does one search at a time: while one runs the next one is another miner's. */
const SEARCHES = { running: 2, waiting: AT_ONCE };

/** Finds parts of a task set's documents for miners; the corpora outlive the process. */
export const ragTool: Tool = {
  name: 'rag',
  port: (config) => config.EIREL_RAG_PORT,
  atOnce: AT_ONCE,
  open: async ({ config, calls, admission, secrets }) => {
    await mkdir(config.EIREL_DATA_DIR, { recursive: true });
    const store = await openRagDatabase(join(config.EIREL_DATA_DIR, 'rag.v2.db'));
    const takeTurn = createTurns(SEARCHES, () => performance.now());
    const deps = { ...calls, store, takeTurn, quota: config.EIREL_RAG_MAX_REQUESTS };
    const detail = 'rag tool: master token required for /v1/rag/corpora';
    const routes = ragRoutes({
      ...admission('rag'),
      retrieve: (caller, body) => retrieveChunks(caller, body, deps),
      authorizeService: serviceOnly(secrets, detail),
      index: (body) => indexCorpus(body, deps),
      list: () => listCorpora(deps),
      bindRun: (body) => bindRun(body, deps),
      keepOnlyRuns: (runs) => keepOnlyRuns(runs, deps),
    });
    return { routes, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  },
};
