import { join } from 'node:path';
import { isSs58, verifySr25519 } from '../../chain/hotkey.ts';
import type { Config } from '../../config.ts';
import type { Signer } from '../../consensus/keys.ts';
import type { Fetch } from '../../handlers/ask-peers.ts';
import type { LoadMembers } from '../../handlers/evaluation/ports.ts';
import type { Identity } from '../../handlers/perform-step.ts';
import { type KeptDeps, keptRoster } from '../../handlers/roster/kept-roster.ts';
import { createRosterKeeper } from '../../handlers/roster/roster-keeper.ts';
import { serveRosters } from '../../handlers/roster/serve-rosters.ts';
import type { Validator } from '../../handlers/validator.ts';
import { type LoopState, newLoopState, runValidatorLoop } from '../../handlers/validator-loop.ts';
import type { AppDeps } from '../../http/app.ts';
import type { Check } from '../../http/documents.ts';
import type { Metrics } from '../../http/metrics.ts';
import { createSignedCallers } from '../../http/signed-caller.ts';
import { blobStore } from '../../runtime/blob-store.ts';
import { now, wait } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import { createPeerClient, type PeerLimits } from '../../runtime/peer-client.ts';
import { readArchive } from '../../runtime/read-archive.ts';
import { type AskSpace, gatedBySpace } from '../../sequencer/space.ts';
import type { ValidatorLog } from './open-validator-log.ts';
import { measuredFetch } from './telemetry.ts';

/** Below the data directory: archives, rosters, task sets, answers, each under its digest. */
const BLOBS_FOLDER = 'blobs';

/** Task sets of 32 MB, two at a time, over a link of a megabyte a second and more. */
const LARGE: Partial<PeerLimits> = {
  bodyBytes: 32_000_000,
  totalTimeoutMs: 60_000,
  perPeerConcurrency: 2,
  totalConcurrency: 2,
};

/** What a validator has of the owner's rosters: all of it empty where runs are opened by command. */
export type Rosters = Readonly<{
  routes: AppDeps['rosters'];
  checks: readonly (() => Check)[];
  /** Keeps the runs in step with the owner's until the signal aborts; throws where nothing may be appended any more. */
  run: () => Promise<void>;
  /** What the runs are evaluated from; null where scores are imported. */
  documents: Readonly<{
    blobs: ReturnType<typeof blobStore>;
    loadMembers: LoadMembers;
  }> | null;
}> &
  AsyncDisposable;

type Deps = Readonly<{
  validator: Pick<Validator, 'state' | 'turns'>;
  identity: Identity;
  signer: Signer;
  queries: ValidatorLog['queries'];
  fetch: Fetch;
  metrics: Metrics;
  logger: Logger;
  askSpace: AskSpace;
  signal: AbortSignal;
}>;

/** Opens what keeps runs in step with the owner's rosters, where the configuration says so. */
export function openRosters(config: Config, deps: Deps): Rosters {
  const { validator, identity, metrics, logger, queries, askSpace } = deps;
  const { ownerUrl, ownerHotkey, family } = identity;
  // `validatorFaults` asks for both.
  if (config.EIREL_EXEC_MODE !== 'local' || ownerUrl === null || ownerHotkey === null)
    return NO_ROSTERS;
  const client = createPeerClient({
    allowLoopback: config.EIREL_PEER_ADDRESSES === 'loopback',
    limits: LARGE,
  });
  const blobs = blobStore(join(config.EIREL_DATA_DIR, BLOBS_FOLDER));
  const { record, ...turns } = validator.turns;
  const keeper = createRosterKeeper({
    ...deps,
    ...identity,
    ...turns,
    record,
    open: gatedBySpace(record, askSpace),
    ownerUrl,
    ownerHotkey,
    verify: verifySr25519,
    fetchLarge: measuredFetch(client.get, metrics),
    blobs,
    readArchive,
    finalizedBlock: () => validator.state.block,
    now,
    onNote: (note) => logger.warn({ note }, 'a run of the owner'),
  });
  const state = newLoopState();
  return {
    routes: {
      ...serveRosters({ family, blobs, queries }),
      callers: createSignedCallers({ verify: verifySr25519, isHotkey: isSs58 }),
    },
    checks: [() => checkOf(state)],
    run: () => keepRunning(keeper.round, state, config.EIREL_POLL_MS, deps),
    documents: { blobs, loadMembers: loadMembersFrom({ queries, blobs }) },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

const NO_ROSTERS: Rosters = {
  routes: null,
  checks: [],
  run: async () => undefined,
  documents: null,
  [Symbol.asyncDispose]: async () => undefined,
};

function keepRunning(
  round: () => Promise<void>,
  state: LoopState,
  pollMs: number,
  { metrics, logger, signal }: Pick<Deps, 'metrics' | 'logger' | 'signal'>,
): Promise<void> {
  return runValidatorLoop(state, pollMs, {
    round,
    wait: (ms) => wait(ms, signal),
    onFailure: (error) => {
      metrics.loopRestarted('rosters');
      const reason = error instanceof Error ? error.message : String(error);
      logger.error({ reason }, 'a round of the rosters failed, the loop goes on');
    },
    signal,
  });
}

function loadMembersFrom(deps: KeptDeps): LoadMembers {
  return async (run) => (await keptRoster(run, deps))?.document.members ?? null;
}

function checkOf({ failures, lastError }: LoopState): Check {
  return {
    name: 'rosters',
    ok: failures === 0,
    detail: lastError ?? 'the last round went through',
  };
}
