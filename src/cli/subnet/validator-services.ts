import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../config.ts';
import { createLogger } from '../../runtime/logger.ts';
import type { NatsAccount } from '../../runtime/nats-server-config.ts';
import { startLedger } from '../ledger/start-ledger.ts';
import { openProxy } from '../proxy/open-proxy.ts';
import { ragTool } from '../tools/rag-tool.ts';
import { serveTool, type Tool } from '../tools/serve-tool.ts';
import { webSearchTool } from '../tools/web-search-tool.ts';
import { devSeed, hotkeyOf, type Running } from './cast.ts';
import { type ChainAddress, type Env, environmentOf } from './validators.ts';

/** What the web is, on a machine that may have none. */
const CORPUS = fileURLToPath(new URL('submissions/corpus.json', import.meta.url));

/** Room for a very loaded machine; only the slow submission takes more than half of it, from where on time costs score. */
const BUDGET_SECONDS = '12';

/** Where a validator's services are, and the settings by which it runs submissions with them. */
export type ValidatorServices = Readonly<{ settings: Env }> & AsyncDisposable;

/**
 * Starts what one validator of the local subnet runs miners with: its ledger, its proxy with a provider that echoes, a
 * web search over a corpus, and a document search.
 */
export async function startValidatorServices(
  name: Running,
  at: Readonly<{ dir: string; natsUrl: string; chain: ChainAddress; provider: string }>,
  signal: AbortSignal,
): Promise<ValidatorServices> {
  await using opened = new AsyncDisposableStack();
  const nats = await environmentOf(ledgerAccount(name), 'writer', at);
  const dir = join(at.dir, name, 'secrets');
  const files = await secretFiles(dir, name, at.provider);
  const shared = {
    ...nats,
    ...files,
    EIREL_DATA_DIR: join(at.dir, name, 'services'),
    EIREL_CHAIN_GENESIS: at.chain.genesisHash,
    EIREL_LEDGER_HOTKEY: hotkeyOf(name),
    EIREL_HTTP_PORT: '0',
    EIREL_WEB_SEARCH_PORT: '0',
    EIREL_RAG_PORT: '0',
    EIREL_WEB_SEARCH_CORPUS: CORPUS,
  };
  const logger = createLogger('silent', name);
  const ledger = opened.use(await startLedger(loadConfig(shared), { logger, signal }));
  const config = loadConfig({ ...shared, EIREL_LEDGER_URL: ledger.url });
  const proxy = opened.use(await openProxy(config, { logger, signal }));
  const serve = (tool: Tool) => serveTool(tool, config, { logger, signal });
  const search = opened.use(await serve(webSearchTool));
  const rag = opened.use(await serve(ragTool));
  const running = opened.move();
  return {
    settings: {
      EIREL_SERVICE_TOKEN_FILE: files.EIREL_SERVICE_TOKEN_FILE,
      EIREL_JOB_KEY_FILE: files.EIREL_JOB_KEY_FILE,
      EIREL_EXEC_MODE: 'local',
      EIREL_RUNTIME: 'process',
      EIREL_ALLOW_PROCESS_RUNTIME: 'on',
      EIREL_JUDGE_SERVICE_URL: 'local',
      EIREL_INSTANT_BUDGET_SECONDS: BUDGET_SECONDS,
      EIREL_LEDGER_URL: ledger.url,
      EIREL_PROXY_URL: proxy.url,
      EIREL_WEB_SEARCH_URL: search.url,
      EIREL_RAG_URL: rag.url,
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The account of a validator's ledger: a log of another process, so an authority of its own. */
export function ledgerAccount(name: Running): NatsAccount {
  const roles = ['admin', 'writer', 'reader'] as const;
  return {
    name: `${name}-ledger`,
    logs: ['ledger'],
    passwords: Object.fromEntries(roles.map((role) => [role, devSeed(`${name} ledger ${role}`)])),
  };
}

const serviceToken = (name: string): string => devSeed(`${name} service token`);

async function secretFiles(dir: string, name: string, provider: string) {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const write = async (file: string, text: string): Promise<string> => {
    await writeFile(join(dir, file), text, { mode: 0o600 });
    return join(dir, file);
  };
  const providers = [{ name: 'development', url: provider, keyFile: null, models: ['echo'] }];
  return {
    EIREL_SERVICE_TOKEN_FILE: await write('service.token', serviceToken(name)),
    EIREL_JOB_KEY_FILE: await write('job.key', devSeed(`${name} job key`)),
    EIREL_PROVIDERS_FILE: await write('providers.json', JSON.stringify({ providers })),
  };
}
