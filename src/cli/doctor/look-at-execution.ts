import type { Config } from '../../config.ts';
import { ledgerClient } from '../../runtime/ledger-client.ts';
import { probeReady } from '../../runtime/service-watch.ts';
import { explain } from '../explain.ts';
import { readSecretFile } from '../secret-file.ts';
import { ownServices } from '../validator/own-services.ts';
import type { ExecutionFacts } from './execution-checks.ts';
import type { Looked } from './finding.ts';

/** A job that no validator opens: asking for it tells whether the ledger takes the token. */
const NO_JOB = 'doctor';

/** Asks everything with which this validator would run submissions; null where it imports scores instead. */
export async function lookAtExecution(
  config: Config,
  signal: AbortSignal,
): Promise<ExecutionFacts | null> {
  if (config.EIREL_EXEC_MODE !== 'local') return null;
  const ask = async (url: string, path: string) => ({
    url,
    detail: url === '' ? 'not set' : await probeReady(`${url}${path}`, signal),
  });
  const judge = config.EIREL_JUDGE_SERVICE_URL ?? '';
  return {
    runtime: config.EIREL_RUNTIME,
    token: await tryToken(config, signal),
    services: await Promise.all(
      ownServices(config).map(async ({ name, url }) => ({ name, ...(await ask(url, '/readyz')) })),
    ),
    judge: judge === 'local' ? null : await ask(judge, '/healthz'),
    owner: await ask(config.EIREL_OWNER_URL ?? '', '/v1/runs'),
  };
}

async function tryToken(config: Config, signal: AbortSignal): Promise<Looked<null>> {
  try {
    const token = await readSecretFile(config, 'EIREL_SERVICE_TOKEN_FILE');
    const answer = await ledgerClient({ url: config.EIREL_LEDGER_URL, token, signal }).readLedger(
      NO_JOB,
    );
    return answer.kind === 'ok' || (answer.kind === 'refused' && answer.status === 404)
      ? { value: null }
      : { reason: `the ledger: ${answer.detail}` };
  } catch (error) {
    return { reason: explain(error) };
  }
}
