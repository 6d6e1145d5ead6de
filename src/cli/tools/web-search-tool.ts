import { mayCall } from '../../handlers/tools/authorize-caller.ts';
import { findOnPage } from '../../handlers/tools/find-on-page.ts';
import { openPage } from '../../handlers/tools/open-page.ts';
import { createPageMemory } from '../../handlers/tools/page-memory.ts';
import { readRetrievals, readUsage } from '../../handlers/tools/read-usage.ts';
import { searchWeb } from '../../handlers/tools/search-web.ts';
import { webSearchRoutes } from '../../http/tools/web-search-routes.ts';
import { now } from '../../runtime/clock.ts';
import { createPeerClient } from '../../runtime/peer-client.ts';
import { openPageClient } from './page-client.ts';
import { openSearchProviders } from './search-accounts.ts';
import { serviceOnly, type Tool } from './serve-tool.ts';

/** A search takes its provider longer than a peer needs for a document. */
const PROVIDER_LIMITS = {
  connectTimeoutMs: 5_000,
  headersTimeoutMs: 10_000,
  // Of each miner a few calls wait: together they are never too many.
  perPeerConcurrency: 16,
  perPeerWaiting: 1_024,
};

/** Searches the web for miners by providers with keys, or a corpus, and opens what was found. */
export const webSearchTool: Tool = {
  name: 'web-search',
  port: (config) => config.EIREL_WEB_SEARCH_PORT,
  atOnce: 4,
  open: async ({ config, calls, gate, admission, ledger, secrets }) => {
    await using stack = new AsyncDisposableStack();
    const client = stack.use(createPeerClient({ allowLoopback: false, limits: PROVIDER_LIMITS }));
    const deps = {
      ...calls,
      ...stack.use(openPageClient(config)),
      ledger,
      providers: await openSearchProviders(config, client),
      memory: createPageMemory(() => performance.now()),
      now,
      quota: config.EIREL_WEB_SEARCH_MAX_REQUESTS,
      price: config.EIREL_WEB_SEARCH_PER_QUERY_COST_USD,
    };
    const routes = webSearchRoutes({
      ...admission('web search'),
      search: (caller, body) => searchWeb(caller, body, deps),
      openPage: (caller, body) => openPage(caller, body, deps),
      findOnPage: (caller, body) => findOnPage(caller, body, deps),
      mayRead: (bearer, job) => bearer !== null && mayCall(bearer, job, secrets),
      enterToRead: gate.enter,
      usage: (job) => readUsage(job, deps),
      retrievals: (job) => readRetrievals(job, deps),
      authorizeService: serviceOnly(secrets, 'invalid web search tool auth token'),
      reset: calls.desk.reset,
    });
    const owned = stack.move();
    return { routes, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  },
};
