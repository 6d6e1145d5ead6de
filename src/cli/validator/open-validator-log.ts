import type { Config } from '../../config.ts';
import { projectors } from '../../projectors/all.ts';
import type { LogStore } from '../../runtime/log-store.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { LogSecrets } from '../../runtime/secret-files.ts';
import type { Sequencer } from '../../sequencer/sequencer.ts';
import { openServiceLog, type ServiceLog } from '../open-service-log.ts';

/** The log with its one writer, and the projections that follow it. */
export type ValidatorLog = ServiceLog<keyof typeof projectors>;

/** What has to stand before the log may be written: its secrets, and the sequencer that has put it in order. */
export type Prepared = Readonly<{ secrets: LogSecrets; sequencer: Sequencer }>;

/**
 * Opens the validator's log as its one writer, as `openServiceLog` does. What gives scores away is stored sealed under
 * the log's secret.
 */
export async function openValidatorLog(
  config: Config,
  source: string,
  {
    prepare,
    logger,
    signal,
  }: {
    /** Puts the log in order. Its writer opens behind what lies there then: nothing of what was signed is missing. */
    prepare: (store: LogStore) => Promise<Prepared>;
    logger: Logger;
    signal: AbortSignal;
  },
): Promise<ValidatorLog & Prepared> {
  const at = { name: 'validator', source } as const;
  const { prepared, ...log } = await openServiceLog(config, at, {
    projectors,
    prepare: async (store, opened) => {
      const { secrets, sequencer } = await prepare(store);
      opened.use(sequencer);
      return { secrets, sequencer, secret: secrets.sealSecret };
    },
    logger,
    signal,
  });
  const { secrets, sequencer } = prepared;
  return { ...log, secrets, sequencer };
}
