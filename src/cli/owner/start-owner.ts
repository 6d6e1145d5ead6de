import { join } from 'node:path';
import { isSs58, verifySr25519 } from '../../chain/hotkey.ts';
import type { Config } from '../../config.ts';
import { AppError } from '../../errors.ts';
import { ownerSource } from '../../events/source.ts';
import { naiveTime } from '../../handlers/owner/naive-time.ts';
import { createOwner, type Owner } from '../../handlers/owner/owner.ts';
import { ownerCommandsOf } from '../../handlers/owner/owner-commands.ts';
import { httpApp } from '../../http/http-app.ts';
import { createLogServiceMetrics } from '../../http/metrics.ts';
import { createOwnerCallers } from '../../http/owner/owner-callers.ts';
import { type OwnerRoutesDeps, ownerRoutes } from '../../http/owner/owner-routes.ts';
import { serve } from '../../http/serve.ts';
import { createSignedCallers } from '../../http/signed-caller.ts';
import { ownerEvaluations } from '../../projectors/owner-evaluations.ts';
import { ownerRegistry } from '../../projectors/owner-registry.ts';
import { blobStore } from '../../runtime/blob-store.ts';
import { now } from '../../runtime/clock.ts';
import { serveCommands } from '../../runtime/commands.ts';
import type { Logger } from '../../runtime/logger.ts';
import { makePrivateFolder } from '../../runtime/private-folder.ts';
import { readArchive } from '../../runtime/read-archive.ts';
import { emptySpool, spool } from '../../runtime/spool.ts';
import type { LongRunning } from '../long-running.ts';
import { nothingToPrepare, openServiceLog } from '../open-service-log.ts';
import { endableAppend, logReadiness, measuredAppend } from '../service-log-state.ts';
import { openChain, openHotkey } from '../validator/open-chain.ts';
import { runOwnerLoop } from './owner-loop.ts';

/** The running service of a subnet's owner; `ended` rejects when its log takes nothing any more. */
type RunningOwner = LongRunning &
  Readonly<{ hotkey: string; source: string; ended: Promise<void> }>;

/** An archive of 16 MB comes at 64 KiB/s; without a byte for half a minute its sender is gone. */
const TIMES = { requestMs: 300_000, idleMs: 30_000 } as const;

/** An append waits for its projections, so they are never far behind. */
const MAX_LAG_EVENTS = 1_000;

/**
 * Starts the service of a subnet's owner: its log as the one writer with its projections, the documents beside it, the
 * commands and the HTTP interface, and the loop that ends runs at their phases, until the signal aborts or it is
 * disposed of. It hosts no runtimes. Throws `config.invalid` and what opening throws.
 */
export async function startOwner(
  config: Config,
  { logger, signal }: Readonly<{ logger: Logger; signal: AbortSignal }>,
): Promise<RunningOwner> {
  const signer = await openHotkey(config);
  requireOwner(config, signer.hotkey);
  await using opened = new AsyncDisposableStack();
  const chain = opened.use(await openChain(config, { signer: null }));
  const { hotkey } = signer;
  const source = ownerSource({ genesis: chain.genesis, netuid: chain.netuid, hotkey });
  const dir = join(config.EIREL_DATA_DIR, 'owner');
  await makePrivateFolder(dir);
  const projectors = { ownerRegistry, ownerEvaluations };
  const options = { projectors, prepare: nothingToPrepare, logger, signal };
  const log = opened.use(await openServiceLog(config, { name: 'owner', source }, options));
  const metrics = createLogServiceMetrics();
  const { append, ended } = endableAppend(measuredAppend(log.log.append, metrics));
  let url = config.EIREL_OWNER_PUBLIC_URL;
  const owner = createOwner({
    ...termsOf(config),
    publicUrl: () => url ?? '',
    signer,
    chain,
    queries: log.queries,
    append,
    reached: log.pump.reached,
    blobs: blobStore(join(dir, 'blobs')),
    inspectArchive: readArchive,
    now,
  });
  serveCommands(log.nc, ownerCommandsOf(owner), 'owner');
  const loop = opened.use(runOwnerLoop(owner, { pollMs: config.EIREL_POLL_MS, logger, signal }));
  const app = httpApp(
    ownerRoutes({
      ...(await routeDeps(owner, { config, dir })),
      metrics,
      readiness: async () => [
        ...(await logReadiness(log, { metrics, maxLagEvents: MAX_LAG_EVENTS })),
        loop.check(),
      ],
    }),
    { metrics, log: (request) => logger.debug({ ...request }, 'answered') },
  );
  const { EIREL_HTTP_HOST: host, EIREL_HTTP_PORT: port } = config;
  const onError = (error: Error): void =>
    logger.warn({ reason: error.message }, 'a connection was lost');
  const served = opened.use(await serve(app, { host, port, signal, onError, times: TIMES }));
  url ??= served.url;
  logger.info({ url: served.url, hotkey, source }, 'serving the subnet');
  const over = Promise.race([ended, log.pump.failed]);
  over.catch(() => undefined); // whoever awaits it hears of it
  const running = opened.move();
  const dispose = (): Promise<void> => running.disposeAsync();
  return { url: served.url, hotkey, source, ended: over, [Symbol.asyncDispose]: dispose };
}

/** What the owner's runs, submissions and leases are held to. */
function termsOf(config: Config) {
  return {
    family: config.EIREL_FAMILY,
    familyShare: config.EIREL_FAMILY_SHARE,
    margin: config.EIREL_MARGIN,
    perHotkey: config.EIREL_OWNER_SUBMISSIONS_PER_HOTKEY,
    leaseMs: config.EIREL_OWNER_LEASE_SECONDS * 1_000,
    budgets: {
      instantMs: config.EIREL_INSTANT_BUDGET_SECONDS * 1_000,
      thinkingMs: config.EIREL_THINKING_BUDGET_SECONDS * 1_000,
    },
  };
}

/** Validators believe the hotkey that is pinned there; a roster of another one is refused by all of them. */
function requireOwner({ EIREL_OWNER_HOTKEY: pinned }: Config, hotkey: string): void {
  if (pinned === undefined || pinned === hotkey) return;
  throw new AppError('config.invalid', {
    faults: [`EIREL_OWNER_HOTKEY: ${pinned}, and the configured hotkey is ${hotkey}`],
  });
}

async function routeDeps(
  owner: Owner,
  { config, dir }: Readonly<{ config: Config; dir: string }>,
): Promise<Omit<OwnerRoutesDeps, 'metrics' | 'readiness'>> {
  const uploads = join(dir, 'uploads');
  await emptySpool(uploads);
  const signed = createSignedCallers({ verify: verifySr25519, isHotkey: isSs58 });
  const { runs, published, evaluations } = owner;
  return {
    callers: createOwnerCallers({ signed, neurons: owner.neurons }),
    defaultFamily: config.EIREL_FAMILY,
    currentRun: runs.current,
    listRuns: runs.list,
    weights: runs.weights,
    ...published,
    claim: evaluations.claim,
    submit: evaluations.submit,
    giveBack: evaluations.giveBack,
    taskStatus: evaluations.status,
    maxArchiveBytes: config.EIREL_OWNER_MAX_ARCHIVE_BYTES,
    spool: (body, maxBytes) => spool(body, { dir: uploads, maxBytes }),
    receive: async (miner, archive) => {
      const {
        submission,
        family,
        archive: digest,
        bytes,
        time,
      } = await owner.receiveSubmission(miner, archive);
      return {
        submission_id: submission,
        miner_hotkey: miner,
        family_id: family,
        status: 'received',
        archive_sha256: digest,
        archive_size_bytes: bytes,
        created_at: naiveTime(time),
      };
    },
  };
}
