import type { Config } from '../../config.ts';

/** What has to be there while miners work: the ledger, the proxy, and the tools that miners are told of. */
export function ownServices(config: Config): readonly Readonly<{ name: string; url: string }>[] {
  const tools = {
    'web search': config.EIREL_WEB_SEARCH_URL,
    'url fetch': config.EIREL_URL_FETCH_URL,
    sandbox: config.EIREL_SANDBOX_URL,
    rag: config.EIREL_RAG_URL,
  };
  return [
    { name: 'ledger', url: config.EIREL_LEDGER_URL },
    { name: 'proxy', url: config.EIREL_PROXY_URL },
    ...Object.entries(tools).flatMap(([name, url]) => (url === undefined ? [] : [{ name, url }])),
  ];
}
