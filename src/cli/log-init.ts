import { createLogger } from '../runtime/logger.ts';
import { openLog } from '../runtime/open-log.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { openWorld } from './log/ask-world.ts';
import { LOG_SETTINGS, openLogSite } from './log/open-log-site.ts';
import { beginOwnLog, startOwnLog } from './validator/begin-own-log.ts';

export const logInitCommand: Command = {
  name: 'log init',
  summary: "Begin this validator's log: its keys, its lock, and the first event of its stream.",
  arguments: [],
  options: { json: JSON_OPTION },
  details:
    'A validator does this by itself at its first start. Nothing is begun while there is anything of the log in the stream, in the published files, on chain, or with a witness: a log that was begun has its last checkpoint in the signing directory. Waits until the chain answers. Signs in as the writer of the stream.',
  settings: [...LOG_SETTINGS, 'EIREL_CHAIN_ENDPOINTS', 'EIREL_PEER_ADDRESSES', 'EIREL_LOG_LEVEL'],
  run: async (input, io) => {
    await using site = await openLogSite(io, 'eirel log init', { begins: true });
    await using world = await openWorld(site, io.signal);
    const { config, signing, signer, owner, generation, source, storeOf } = site;
    const name = { ...owner, generation, source };
    const logger = createLogger(config.EIREL_LOG_LEVEL, 'log init');
    const store = storeOf(source);
    const { signal } = io;
    const outside = world.asks(name);
    const secrets = await beginOwnLog(config, name, { store, signing, outside, logger, signal });
    const log = await openLog(store, { signal, secret: secrets.sealSecret });
    const empty = (await log.head()).size === 0 && (site.locked?.size ?? 0) === 0;
    const begun = empty && generation === 0;
    if (begun) await startOwnLog(name, null, { append: log.append, secrets, signer });
    const result = begun ? 'begun' : 'begun before';
    io.out(
      input.flag('json') ? `${JSON.stringify({ source, result })}\n` : `${source}: ${result}\n`,
    );
    return EXIT.ok;
  },
};
