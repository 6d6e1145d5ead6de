import { KEY_SETTINGS, loadConfig } from '../config.ts';
import { createLogger } from '../runtime/logger.ts';
import type { Command } from './command.ts';
import { runUntilStopped, SERVING_OPTIONS } from './long-running.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { startOwner } from './owner/start-owner.ts';

export const ownerCommand: Command = {
  name: 'owner',
  summary: "Run the subnet owner's service: submissions, task sets, signed rosters, runs, weights.",
  arguments: [],
  options: SERVING_OPTIONS,
  details:
    'The one writer of the log `owner`, in an account of its own, under the hotkey of the owner. It hosts no runtimes.\n' +
    'Validators are the hotkeys with a permit on the chain.',
  settings: [
    ...NATS_SETTINGS,
    'EIREL_OWNER_HOTKEY',
    'EIREL_OWNER_PUBLIC_URL',
    'EIREL_OWNER_MAX_ARCHIVE_BYTES',
    'EIREL_OWNER_SUBMISSIONS_PER_HOTKEY',
    'EIREL_OWNER_LEASE_SECONDS',
    'EIREL_FAMILY',
    'EIREL_FAMILY_SHARE',
    'EIREL_MARGIN',
    'EIREL_NETUID',
    'EIREL_CHAIN_ENDPOINTS',
    'EIREL_CHAIN_GENESIS',
    'EIREL_DATA_DIR',
    'EIREL_HTTP_HOST',
    'EIREL_HTTP_PORT',
    'EIREL_LOG_LEVEL',
    ...KEY_SETTINGS,
  ],
  run: async (input, io) => {
    const config = loadConfig(io.env);
    const logger = createLogger(config.EIREL_LOG_LEVEL, 'owner');
    return runUntilStopped((signal) => startOwner(config, { logger, signal }), {
      input,
      io,
      tell: ({ url, hotkey, source }) => ({
        json: { url, hotkey, source },
        text: `serving the subnet as ${hotkey} at ${url}`,
      }),
    });
  },
};
