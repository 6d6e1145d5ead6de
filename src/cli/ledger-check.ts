import type { LedgerClient } from '../handlers/ledger/ledger-port.ts';
import type { Check } from '../http/documents.ts';
import type { Logger } from '../runtime/logger.ts';

/** A job of which the ledger knows nothing: asking for it shows that the ledger answers. */
const NO_JOB = 'readiness';

/**
 * Whether the ledger answers a service that miners reach, too: why it does not is told to the log alone, for it names
 * addresses of ours.
 */
export async function ledgerCheck(
  ledger: Pick<LedgerClient, 'readJob'>,
  logger: Pick<Logger, 'warn'>,
): Promise<Check> {
  const read = await ledger.readJob(NO_JOB);
  if (read.kind === 'ok') return { name: 'ledger', ok: true, detail: 'it answers' };
  logger.warn({ reason: read.detail }, 'the ledger does not answer');
  return {
    name: 'ledger',
    ok: false,
    detail: 'it does not answer; the log of this service says why',
  };
}
