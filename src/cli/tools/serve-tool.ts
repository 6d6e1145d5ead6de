import { randomUUID } from 'node:crypto';
import type { Config } from '../../config.ts';
import { createJobGate, type JobGate } from '../../handlers/job-gate.ts';
import type { LedgerClient } from '../../handlers/ledger/ledger-port.ts';
import { createReservations } from '../../handlers/reservations.ts';
import {
  authorizeCaller,
  isService,
  type ToolSecrets,
} from '../../handlers/tools/authorize-caller.ts';
import type { Caller, CallToolDeps } from '../../handlers/tools/call-tool.ts';
import { createJobDesk } from '../../handlers/tools/job-desk.ts';
import { getHealthz } from '../../http/get-healthz.ts';
import { getMetrics } from '../../http/get-metrics.ts';
import { getReadyz } from '../../http/get-readyz.ts';
import { heldReadiness } from '../../http/held-readiness.ts';
import { httpApp } from '../../http/http-app.ts';
import { createServiceMetrics } from '../../http/metrics.ts';
import type { Route } from '../../http/route.ts';
import { serve } from '../../http/serve.ts';
import type { ToolRouteDeps } from '../../http/tools/tool-route.ts';
import { ledgerClient } from '../../runtime/ledger-client.ts';
import type { Logger } from '../../runtime/logger.ts';
import { ledgerCheck } from '../ledger-check.ts';
import type { LongRunning } from '../long-running.ts';
import { readSecretFile } from '../secret-file.ts';

/** What every tool is given. */
type ToolDeps = Readonly<{
  config: Config;
  secrets: ToolSecrets;
  ledger: LedgerClient;
  calls: CallToolDeps;
  gate: JobGate;
  /** Who may call, and how often; `service` is how the tool calls itself in a refusal. */
  admission: (service: string) => ToolRouteDeps<Caller>;
  signal: AbortSignal;
}>;

/** One of the tools: how it is called, where it listens, and what it serves. */
export type Tool = Readonly<{
  name: string;
  port: (config: Config) => number;
  /** Calls of one miner at once: the body of each is in memory to its end. */
  atOnce: number;
  open: (deps: ToolDeps) => Promise<Readonly<{ routes: readonly Route[] }> & AsyncDisposable>;
}>;

/** How often one miner may call a tool. */
const MINER_RATE = { burst: 60, perSecond: 20 };

/** A miner's calls at once, and connections that are kept open between them. */
const CONNECTIONS_PER_ADDRESS = 128;

/** The slowest call: a program of 30 s, which may have to wait for its turn. The largest body: 64 MiB over a local line. */
const TIMES = { requestMs: 30_000, idleMs: 180_000 };

/** Serves a tool until it is disposed of. Throws `config.invalid` where a secret is missing: a tool is never open to all. */
export async function serveTool(
  tool: Tool,
  config: Config,
  { logger, signal }: Readonly<{ logger: Logger; signal: AbortSignal }>,
): Promise<LongRunning> {
  await using stack = new AsyncDisposableStack();
  const secrets = {
    serviceToken: await readSecretFile(config, 'EIREL_SERVICE_TOKEN_FILE'),
    jobKey: await readSecretFile(config, 'EIREL_JOB_KEY_FILE'),
  };
  const ledger = ledgerClient({ url: config.EIREL_LEDGER_URL, token: secrets.serviceToken });
  const deps = toolDeps(config, { secrets, ledger, signal, atOnce: tool.atOnce });
  const { routes } = stack.use(await tool.open(deps));
  const metrics = createServiceMetrics();
  const app = httpApp(
    [
      ...routes,
      getHealthz(),
      getReadyz({ readiness: heldReadiness(async () => [await ledgerCheck(ledger, logger)]) }),
      getMetrics({ metrics }),
    ],
    { metrics, log: (request) => logger.debug({ ...request }, 'answered') },
  );
  const served = stack.use(
    await serve(app, {
      host: config.EIREL_HTTP_HOST,
      port: tool.port(config),
      signal,
      times: TIMES,
      connectionsPerAddress: CONNECTIONS_PER_ADDRESS,
      onError: (error) => logger.warn({ reason: error.message }, 'a connection was lost'),
    }),
  );
  const owned = stack.move();
  return { url: served.url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function toolDeps(
  config: Config,
  {
    secrets,
    ledger,
    signal,
    atOnce,
  }: Pick<ToolDeps, 'secrets' | 'ledger' | 'signal'> & Pick<Tool, 'atOnce'>,
): ToolDeps {
  const reservations = createReservations();
  const desk = createJobDesk({ ledger, reservations, nowMs: () => Date.now() });
  const gate = createJobGate({ ...MINER_RATE, atOnce }, { elapsedMs: () => performance.now() });
  return {
    config,
    secrets,
    ledger,
    signal,
    gate,
    calls: {
      desk,
      ledger,
      newCall: randomUUID,
      elapsedMs: () => performance.now(),
    },
    admission: (service) => ({
      enter: ({ job }) => gate.enterOpen(job, desk.whyClosed),
      authorize: (shown) => {
        const caller = authorizeCaller(shown, secrets, service);
        return 'kind' in caller ? caller : { kind: 'caller', caller };
      },
    }),
  };
}

/** Passes the validator's own calls alone. */
export function serviceOnly(secrets: ToolSecrets, detail: string) {
  return ({ bearer }: Readonly<{ bearer: string | null }>) =>
    isService(bearer, secrets)
      ? ({ kind: 'caller', caller: null } as const)
      : ({ kind: 'refused', status: 401, detail } as const);
}
