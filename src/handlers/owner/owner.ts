import type { Chain, Known } from '../../chain/chain.ts';
import type { Signer } from '../../consensus/keys.ts';
import { AppError } from '../../errors.ts';
import type { TurnBudgets } from '../../evaluation/run-length.ts';
import { countingTasks } from '../../evaluation/sample.ts';
import type { LogWriter } from '../../events/log.ts';
import { oneAtATime } from '../../one-at-a-time.ts';
import {
  findOwnerRun,
  listSubmissions,
  type OwnerRun,
  type Submission,
} from '../../projectors/owner-registry.ts';
import type { Queries } from '../../projectors/projector.ts';
import type { BlobStore } from '../blobs.ts';
import { createRecorder } from '../recorder.ts';
import { endRun, overdueRuns } from './end-run.ts';
import { createEvaluations } from './evaluations.ts';
import { createRunReads } from './list-runs.ts';
import { createNeuronReads } from './neurons.ts';
import { type Opening, openRun, type RunOpening } from './open-run.ts';
import type { OwnerPick } from './pick-winner.ts';
import { createPublished } from './published.ts';
import { type ReceiveDeps, receiveSubmission } from './receive-submission.ts';
import { createTaskSetReads, publishTaskSet } from './task-sets.ts';

type OwnerParts = Readonly<{
  /** The family that submissions are for, and runs are of where none is named. */
  family: string;
  /** The family's share of the weight, and by how much a challenger has to win; both in 1e-9. */
  familyShare: number;
  margin: number;
  perHotkey: number;
  leaseMs: number;
  /** What validators give a miner for one turn: a run has to be long enough for its tasks. */
  budgets: TurnBudgets;
  /** Where others reach this service: what the endpoints in claims begin with. */
  publicUrl: () => string;
  signer: Signer;
  chain: Pick<Chain, 'genesis' | 'netuid' | 'finalizedBlock' | 'metagraph'>;
  queries: Readonly<{ ownerRegistry: Queries; ownerEvaluations: Queries }>;
  append: LogWriter['append'];
  reached: (size: number) => Promise<void>;
  blobs: BlobStore;
  inspectArchive: ReceiveDeps['inspectArchive'];
  now: () => string;
}>;

/**
 * The subnet owner's service over its ports. It holds no state of its own: everything is in the log and in the documents
 * beside it. What changes something is done one at a time, so that each is decided on all before it.
 */
export function createOwner(parts: OwnerParts) {
  const { chain, signer, blobs, append, reached, now } = parts;
  const { ownerRegistry: registry, ownerEvaluations: evaluations } = parts.queries;
  const record = createRecorder({ append, reached, now });
  const readTasks = createTaskSetReads(blobs);
  const neurons = createNeuronReads(chain);
  const inTurn = oneAtATime();
  const over = { ...parts, registry, evaluations, record, readTasks, neurons };
  const network = { genesis: chain.genesis, netuid: chain.netuid };
  const finalizedBlock = async (): Promise<number> => knownOf(await chain.finalizedBlock());
  return {
    neurons,
    runs: createRunReads(over),
    published: createPublished({ registry, blobs }),
    evaluations: createEvaluations({
      ...over,
      inTurn,
      countingTasks: (run) => tasksThatCount(run, chain),
    }),
    receiveSubmission: (miner: string, archive: Uint8Array): Promise<Submission> =>
      inTurn(() => receiveSubmission({ miner, archive }, over)),
    publishTaskSet: (bytes: Uint8Array) => inTurn(() => publishTaskSet(bytes, over)),
    openRun: (opening: Opening): Promise<RunOpening> =>
      inTurn(() => openRun(opening, { ...over, network, signer, finalizedBlock })),
    /** Ends a run by command. One that has ended stays as it ended. */
    endRun: (family: string, run: string) => inTurn(() => endNamed(family, run, over)),
    listSubmissions: (limit: number) => listSubmissions(registry, { limit }),
    /** One round of the loop: ends the runs whose commit block is final. An unknown chain ends nothing. */
    round: async (): Promise<Known<number>> => {
      const head = await chain.finalizedBlock();
      if (!head.known) return head;
      await inTurn(async () => {
        for (const run of await overdueRuns(registry, head.value)) await endRun(run, over);
      });
      return head;
    },
  };
}

export type Owner = ReturnType<typeof createOwner>;

async function endNamed(
  family: string,
  run: string,
  deps: Parameters<typeof endRun>[1],
): Promise<Readonly<{ ended: boolean }> & Pick<OwnerPick, 'winner' | 'score' | 'reason'>> {
  const found = await findOwnerRun(deps.registry, family, run);
  if (found === null)
    throw new AppError('input.invalid', {
      field: 'run',
      value: `${family}/${run}`,
      expected: 'a run that was opened',
    });
  const { ended } = found;
  if (ended !== null)
    return { ended: false, winner: ended.winner, score: ended.score, reason: ended.reason };
  return { ended: true, ...(await endRun(found, deps)) };
}

/** The tasks of a run that count: a sample is known once the snapshot block is final, and none counts before. */
async function tasksThatCount(
  { tasks, sample, phases }: OwnerRun,
  chain: OwnerParts['chain'],
): Promise<readonly string[]> {
  if (sample === null) return tasks;
  const isKnown = knownOf(await chain.finalizedBlock()) >= phases.snapshot;
  const blockHash = isKnown ? knownOf(await chain.metagraph(phases.snapshot)).blockHash : null;
  return countingTasks({ tasks, sample }, blockHash);
}

function knownOf<T>(answer: Known<T>): T {
  if (answer.known) return answer.value;
  throw new AppError('chain.unavailable', { reason: answer.reason, detail: answer.detail });
}
