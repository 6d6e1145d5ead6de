import { loadConfig } from '../config.ts';
import { createLogger } from '../runtime/logger.ts';
import type { Command } from './command.ts';
import { runUntilStopped, SERVING_OPTIONS } from './long-running.ts';
import { openProxy } from './proxy/open-proxy.ts';

export const proxyCommand: Command = {
  name: 'proxy',
  summary:
    "Run the provider proxy: models for miners, within each job's budget, every call metered.",
  arguments: [],
  options: SERVING_OPTIONS,
  settings: [
    'EIREL_PROVIDERS_FILE',
    'EIREL_PRICES_FILE',
    'EIREL_HTTP_PORT',
    'EIREL_HTTP_HOST',
    'EIREL_LEDGER_URL',
    'EIREL_SERVICE_TOKEN_FILE',
    'EIREL_JOB_KEY_FILE',
    'EIREL_LOG_LEVEL',
  ],
  run: async (input, io) => {
    const config = loadConfig(io.env);
    const logger = createLogger(config.EIREL_LOG_LEVEL, 'proxy');
    return runUntilStopped((signal) => openProxy(config, { logger, signal }), {
      input,
      io,
      tell: ({ url }) => ({ json: { url }, text: `provider proxy at ${url}` }),
    });
  },
};
