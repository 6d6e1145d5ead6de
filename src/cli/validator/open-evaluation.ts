import type { Config } from '../../config.ts';
import type { Signer } from '../../consensus/keys.ts';
import { localVerdict } from '../../evaluation/local-judge.ts';
import { type Excuses, NOTHING_EXCUSED } from '../../handlers/evaluation/close-with-excuses.ts';
import { createEvaluation, type EvaluationParts } from '../../handlers/evaluation/evaluation.ts';
import type { Judge, Leases, Oracles } from '../../handlers/evaluation/ports.ts';
import { pairsByState, type RunProgress } from '../../handlers/evaluation/run-progress.ts';
import { createSweeper } from '../../handlers/evaluation/sweep-documents.ts';
import type { Identity } from '../../handlers/perform-step.ts';
import type { Validator } from '../../handlers/validator.ts';
import { type LoopState, newLoopState, runValidatorLoop } from '../../handlers/validator-loop.ts';
import type { Check } from '../../http/documents.ts';
import type { Metrics } from '../../http/metrics.ts';
import { judgeClient } from '../../runtime/judge-client.ts';
import { leaseClient } from '../../runtime/lease-client.ts';
import { ledgerClient } from '../../runtime/ledger-client.ts';
import type { Logger } from '../../runtime/logger.ts';
import { minerClient } from '../../runtime/miner-client.ts';
import { oracleClients } from '../../runtime/oracle-clients.ts';
import { ragClient } from '../../runtime/rag-client.ts';
import { type ServiceWatch, watchServices } from '../../runtime/service-watch.ts';
import { createWake, type Wake } from '../../runtime/wake.ts';
import type { AskSpace } from '../../sequencer/space.ts';
import { modelsOf } from '../../settings/evaluation.ts';
import { openRuntimes } from '../open-runtimes.ts';
import { readPrices } from '../proxy/providers-file.ts';
import { readSecretFile } from '../secret-file.ts';
import type { Rosters } from './open-rosters.ts';
import type { ValidatorLog } from './open-validator-log.ts';
import { ownServices } from './own-services.ts';
import { loopCheck, noticesTo, serviceCheck } from './tell-of-evaluation.ts';
import { watchSpace } from './watch-space.ts';

/** What a validator has of its own measuring: all of it empty where scores are imported. */
export type Evaluation = Readonly<{
  checks: readonly (() => Check)[];
  /** Measures until the signal aborts; throws where nothing may be appended any more. */
  run: () => Promise<void>;
  excuses: Excuses;
  /** How far each run is, as the last round saw it; null where scores are imported. */
  progress: () => readonly RunProgress[] | null;
}> &
  AsyncDisposable;

type Deps = Readonly<{
  validator: Pick<Validator, 'turns'>;
  identity: Identity;
  signer: Signer;
  queries: ValidatorLog['queries'];
  documents: Rosters['documents'];
  askSpace: AskSpace;
  metrics: Metrics;
  logger: Logger;
  signal: AbortSignal;
}>;

/** Opens what runs and measures submissions, where the configuration says so. Throws `config.invalid`. */
export async function openEvaluation(config: Config, deps: Deps): Promise<Evaluation> {
  const { documents, signal, logger } = deps;
  if (documents === null) return NO_EVALUATION;
  await using opened = new AsyncDisposableStack();
  const outside = await outsideOf(config, deps);
  if (outside.oracles === null) logger.warn({ reason: 'no-oracle' }, NO_ORACLES);
  const watch = watchServices(ownServices(config), { clock: Date.now, signal });
  const space = watchSpace(deps.askSpace);
  const wake = createWake(signal);
  const runtimes = opened.use(
    await openRuntimes(config, {
      instance: deps.signer.hotkey,
      services: minerServicesOf(config),
      onChange: wake.wake,
      onTrouble: (kind, reason) => logger.warn({ kind, reason }, 'a fault of the cluster'),
    }),
  );
  const evaluation = createEvaluation({
    ...outside,
    ...documents,
    ...deps.validator.turns,
    queries: deps.queries,
    runtimes,
    outage: watch.outage,
    outageUntilNow: watch.outageUntilNow,
    shortage: space.shortage,
    self: deps.signer.hotkey,
    ...limitsOf(config),
    parallel: { pairs: config.EIREL_EVALUATION_PAIRS, tasks: config.EIREL_EVALUATION_TASKS },
    clock: Date.now,
    signal,
    ...noticesTo(deps),
  });
  opened.defer(evaluation.drained);
  const sweep = sweeperOf(config, documents.blobs, deps);
  const state = newLoopState();
  const running = opened.move();
  return {
    checks: [() => loopCheck(state, evaluation.state), () => serviceCheck(watch), space.check],
    run: () => {
      const round = async (): Promise<void> => {
        await space.look();
        await evaluation.round();
        const { noOracle, progress } = evaluation.state;
        const away = watch.outage(Date.now()) !== null;
        deps.metrics.evaluationSeen({ pairs: pairsByState(progress), noOracle, away });
        await sweep();
      };
      return keepRunning(round, watch, state, config.EIREL_POLL_MS, { ...deps, wake });
    },
    excuses: evaluation.excuses,
    progress: () => evaluation.state.progress,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Nobody else's answer takes their place: an operator who forgot them has to hear of it before a run is over. */
const NO_ORACLES =
  'no oracles are configured (EIREL_VALIDATOR_ORACLE_*, EIREL_VALIDATOR_RECONCILER_*): tasks of source three_oracle are judged for nobody here';

const NO_EVALUATION: Evaluation = {
  checks: [],
  run: async () => undefined,
  excuses: async () => NOTHING_EXCUSED,
  progress: () => null,
  [Symbol.asyncDispose]: async () => undefined,
};

/** Whom the evaluation speaks with. */
async function outsideOf(
  config: Config,
  { identity, signer, signal }: Deps,
): Promise<
  Pick<
    EvaluationParts,
    'ledger' | 'invokeMiner' | 'jobKey' | 'judge' | 'oracles' | 'leases' | 'documentSearch'
  >
> {
  const token = await readSecretFile(config, 'EIREL_SERVICE_TOKEN_FILE');
  return {
    ledger: ledgerClient({ url: config.EIREL_LEDGER_URL, token, signal }),
    invokeMiner: minerClient({ now: () => performance.now() }),
    jobKey: await readSecretFile(config, 'EIREL_JOB_KEY_FILE'),
    judge: judgeOf(config),
    oracles: await oraclesOf(config),
    leases: leasesOf(config, identity.ownerUrl, { signer, signal }),
    documentSearch: documentSearchOf(config.EIREL_RAG_URL, { token, signal }),
  };
}

/** What a miner is given for one turn, and what an answer has to have cost. */
function limitsOf(config: Config): Pick<EvaluationParts, 'limits' | 'costFloor'> {
  return {
    limits: {
      instantMs: config.EIREL_INSTANT_BUDGET_SECONDS * 1_000,
      thinkingMs: config.EIREL_THINKING_BUDGET_SECONDS * 1_000,
      budget: config.EIREL_JOB_MAX_COST_USD,
      calls: config.EIREL_JOB_MAX_CALLS,
    },
    costFloor: config.EIREL_EVAL_MIN_TURN_COST_USD,
  };
}

/** What removes the documents of old runs, where the configuration says how many runs' are kept. */
function sweeperOf(
  { EIREL_KEEP_DOCUMENTS_RUNS: keep }: Config,
  { has, remove }: NonNullable<Rosters['documents']>['blobs'],
  { queries, logger }: Pick<Deps, 'queries' | 'logger'>,
): () => Promise<void> {
  if (keep === undefined) return async () => undefined;
  const onSweep = (run: string, documents: number): void =>
    logger.info({ run, documents }, 'documents of an old run are removed');
  return createSweeper(keep, { queries, has, remove, clock: Date.now, onSweep });
}

/** Without one nothing is searched, and a run whose task set has documents waits. */
function documentSearchOf(
  url: string | undefined,
  access: Readonly<{ token: string; signal: AbortSignal }>,
): EvaluationParts['documentSearch'] {
  if (url !== undefined) return ragClient({ url, ...access });
  return { share: async () => 'EIREL_RAG_URL is not set', keepOnly: async () => null };
}

function judgeOf(config: Config): Judge {
  const { EIREL_JUDGE_SERVICE_URL: url, EIREL_EVAL_JUDGE_TIMEOUT_SECONDS: seconds } = config;
  if (url !== undefined && url !== 'local') return judgeClient({ url, timeoutMs: seconds * 1_000 });
  return {
    name: 'local',
    ask: async (question) => ({ kind: 'ok', verdict: localVerdict(question), calls: [] }),
  };
}

/** The configured oracles; null where there are none. */
async function oraclesOf(config: Config): Promise<Oracles | null> {
  const { oracles, reconciler } = modelsOf(config);
  if (reconciler === null) return null;
  return oracleClients({
    oracles: await Promise.all(
      oracles.map(async (each) => ({
        ...each,
        key: await readSecretFile(config, each.keySetting),
      })),
    ),
    reconciler: {
      ...reconciler,
      provider: 'chutes',
      key: await readSecretFile(config, reconciler.keySetting),
    },
    preferred: config.EIREL_VALIDATOR_PAIRWISE_REFERENCE_VENDOR,
    prices: await readPrices(config.EIREL_PRICES_FILE),
  });
}

function leasesOf(
  config: Config,
  ownerUrl: string | null,
  { signer, signal }: Pick<Deps, 'signer' | 'signal'>,
): Leases | null {
  if (config.EIREL_TASK_SOURCE === 'roster' || ownerUrl === null) return null;
  return leaseClient({ ownerUrl, signer, clock: Date.now, signal });
}

/** Where miners in child processes find them; one that is not offered is nowhere. */
function minerServicesOf(config: Config) {
  const nowhere = 'http://127.0.0.1:9';
  return {
    providerProxy: config.EIREL_PROXY_URL,
    webSearch: config.EIREL_WEB_SEARCH_URL ?? nowhere,
    urlFetch: config.EIREL_URL_FETCH_URL ?? nowhere,
    sandbox: config.EIREL_SANDBOX_URL ?? nowhere,
    rag: config.EIREL_RAG_URL ?? nowhere,
  };
}

async function keepRunning(
  round: () => Promise<void>,
  watch: ServiceWatch,
  state: LoopState,
  pollMs: number,
  {
    metrics,
    logger,
    signal,
    wake,
  }: Pick<Deps, 'metrics' | 'logger' | 'signal'> & Readonly<{ wake: Wake }>,
): Promise<void> {
  const watching = watch.run();
  await runValidatorLoop(state, pollMs, {
    round,
    wait: wake.pause,
    onFailure: (error) => {
      metrics.loopRestarted('evaluation');
      const reason = error instanceof Error ? error.message : String(error);
      logger.error({ reason }, 'a round of the evaluation failed, the loop goes on');
    },
    signal,
  });
  await watching;
}
