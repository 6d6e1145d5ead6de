import type { Chain } from '../chain/chain.ts';
import type { Blake2b256 } from '../consensus/commitment-extrinsic.ts';
import type { Signer, Verify } from '../consensus/keys.ts';
import type { Log } from '../events/log.ts';
import { oneAtATime } from '../one-at-a-time.ts';
import { findRun, listRuns } from '../projectors/run-state.ts';
import { recordedEvidence } from '../projectors/score-store.ts';
import { type AdvanceDeps, advanceRun } from './advance-run.ts';
import type { Fetch, Post } from './ask-peers.ts';
import { chainForRound } from './chain-for-round.ts';
import { closeRun, openRun } from './control-run.ts';
import { closeWithExcuses, type Excuses } from './evaluation/close-with-excuses.ts';
import { createEvidenceDesk } from './evidence-desk.ts';
import { type ImportLine, type ImportReport, importScores } from './import-scores.ts';
import { runsAtWork } from './lane.ts';
import type { Identity } from './perform-step.ts';
import { createPublisher } from './publish.ts';
import { compareAgain } from './record-divergence.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import type { Projections } from './run-view.ts';
import type { SigningHistory } from './signing-history.ts';
import { type SpreadDeps, spreadEvidence } from './spread-evidence.ts';
import { endsTheLoop, type LoopState, newLoopState, runRound } from './validator-loop.ts';

/** Runs that an opening is compared with; only the newest matters. */
const NEWEST_RUNS = 1;

export type ValidatorParts = Readonly<{
  identity: Identity;
  signer: Signer;
  verify: Verify;
  log: Log;
  payloads: (from: number, limit: number, maxBytes: number) => Promise<readonly Uint8Array[]>;
  projections: Projections;
  reached: (size: number) => Promise<void>;
  chain: Chain;
  fetch: Fetch;
  post: Post;
  blake2b256: Blake2b256;
  /** What was cosigned of others' logs. */
  witnessState: AdvanceDeps['witnessState'];
  /** Forks of others' logs that the witness came upon. */
  forks: SpreadDeps['forks'];
  history: SigningHistory;
  checkpoints: AdvanceDeps['checkpoints'];
  /** What a run that is closed leaves undone. */
  excuses: Excuses;
  keys: AdvanceDeps['keys'];
  now: () => string;
  signal: AbortSignal;
  onStep: AdvanceDeps['onStep'];
}>;

/**
 * A validator over its ports: what a process needs to serve it, command it and drive it by blocks. It
 * holds no state of its own but the newest block; everything else is in the log.
 */
export function createValidator(parts: ValidatorParts) {
  const { identity, log, reached, now, projections, chain } = parts;
  const state: LoopState = newLoopState();
  const record = closeWithExcuses(
    createRecorder({ append: log.append, reached, now }),
    parts.excuses,
  );
  const { command, step, round } = takeTurns(state);
  const { signer, verify, blake2b256 } = parts;
  const { family, genesis, netuid, ownerHotkey } = identity;
  const { commitmentExtrinsics } = chain;
  const network = {
    genesis,
    netuid,
    family,
    ownerHotkey,
    verify,
    blake2b256,
    commitmentExtrinsics,
  };
  const desk = createEvidenceDesk({ ...network, projections, record, alone: step });
  const spread = { ...parts, desk, family, self: signer.hotkey, alone: step };
  return {
    state,
    publisher: createPublisher({ ...parts, finalizedBlock: () => state.block }),
    /** One round of the loop: every unfinished run as far as it gets. */
    round: () =>
      round(async () => {
        await spreadEvidence(spread);
        await runRound(state, {
          finalizedBlock: chain.finalizedBlock,
          unfinishedRuns: () => runsAtWork(projections),
          advance: (run, block) =>
            advanceRun(run, block, identity, {
              ...parts,
              chain: chainForRound(chain, { now }),
              alone: step,
              desk,
              record,
              settled: () => state.settled,
            }),
        });
      }),
    /** Takes evidence of anybody's misbehaviour from anybody. */
    offerEvidence: desk.offer,
    /** For the loops beside this one: what reads the projections and then appends has its turn with everything else. */
    turns: { record, alone: step, desk },
    ...operatorCommands(parts, { state, record, command }),
  };
}

/** What an operator may ask for, one thing at a time. */
function operatorCommands(
  parts: ValidatorParts,
  {
    state,
    record,
    command,
  }: Readonly<{
    state: LoopState;
    record: Recorder;
    command: <T>(act: () => Promise<T>) => Promise<T>;
  }>,
) {
  const { identity, projections } = parts;
  const find = (family: string, run: string) => findRun(projections.runState, family, run);
  return {
    importScores: (lines: readonly ImportLine[]): Promise<ImportReport> =>
      command(() =>
        importScores(lines, {
          record,
          findRun: find,
          recordedEvidence: (family, run, pairs) =>
            recordedEvidence(projections.scoreStore, family, run, pairs),
        }),
      ),
    openRun: (input: unknown) =>
      command(() =>
        openRun(input, {
          record,
          family: identity.family,
          findRun: find,
          finalizedBlock: () => state.block,
          listRuns: (family) => listRuns(projections.runState, { family, limit: NEWEST_RUNS }),
        }),
      ),
    compareAgain: (family: string, run: string) =>
      command(() =>
        compareAgain({ family, run, ownerUrl: identity.ownerUrl }, { ...parts, record }),
      ),
    closeRun: (family: string, run: string) =>
      command(() => closeRun({ family, run, reason: 'requested' }, { record, findRun: find })),
  };
}

/**
 * Whose turn it is: commands and the steps of one round, in the order in which they come. What reads the
 * projections and then appends does so alone: two at once could record one fact twice.
 */
function takeTurns(state: LoopState) {
  const alone = oneAtATime();
  const oneRound = oneAtATime();
  let ending: Readonly<{ cause: unknown }> | null = null;
  const unlessEnding = <T>(act: () => Promise<T>): Promise<T> => {
    if (ending !== null) throw ending.cause;
    return act();
  };
  return {
    /**
     * A command changes what is due, so the next round does not wait for a block. What ends the loop ends
     * it at its next step or round: a process that may not append must not go on answering commands.
     */
    command: <T>(act: () => Promise<T>): Promise<T> =>
      alone(async () => {
        try {
          const result = await act();
          state.settled = null;
          state.commands++;
          return result;
        } catch (cause) {
          if (endsTheLoop(cause)) ending = { cause };
          throw cause;
        }
      }),
    step: <T>(act: () => Promise<T>): Promise<T> => alone(() => unlessEnding(act)),
    round: <T>(act: () => Promise<T>): Promise<T> => oneRound(() => unlessEnding(act)),
  };
}

export type Validator = ReturnType<typeof createValidator>;
