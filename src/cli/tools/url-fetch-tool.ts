import { fetchUrl } from '../../handlers/tools/fetch-url.ts';
import { postFetch } from '../../http/tools/post-fetch.ts';
import { openPageClient } from './page-client.ts';
import type { Tool } from './serve-tool.ts';

/** Fetches public pages for miners, who have no network of their own. */
export const urlFetchTool: Tool = {
  name: 'url-fetch',
  port: (config) => config.EIREL_URL_FETCH_PORT,
  atOnce: 4,
  open: async ({ config, calls, admission }) => {
    const pages = openPageClient(config);
    const deps = {
      ...calls,
      ...pages,
      quota: config.EIREL_URL_FETCH_MAX_REQUESTS,
      price: config.EIREL_URL_FETCH_PER_CALL_COST_USD,
    };
    const route = postFetch({
      ...admission('url-fetch'),
      fetch: (caller, body) => fetchUrl(caller, body, deps),
    });
    return { routes: [route], [Symbol.asyncDispose]: () => pages[Symbol.asyncDispose]() };
  },
};
