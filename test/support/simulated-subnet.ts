import { blake2b256 } from '#src/chain/blake2b.ts';
import type { Chain } from '#src/chain/chain.ts';
import { cryptoReady, verifySr25519 } from '#src/chain/hotkey.ts';
import type { Signer } from '#src/consensus/keys.ts';
import type { Rules } from '#src/events/decision.ts';
import { EMPTY } from '#src/events/decode.ts';
import type { Recorded } from '#src/events/envelope.ts';
import { sha256 } from '#src/events/hash.ts';
import { runKeys } from '#src/events/run-key.ts';
import { logSource } from '#src/events/source.ts';
import type { WeightMode } from '#src/events/weights.ts';
import type { Checkpoints } from '#src/handlers/checkpoints.ts';
import { NOTHING_EXCUSED } from '#src/handlers/evaluation/close-with-excuses.ts';
import type { Step } from '#src/handlers/run-progress.ts';
import type { SigningHistory } from '#src/handlers/signing-history.ts';
import { createForkQueue } from '#src/handlers/spread-evidence.ts';
import { createValidator, type Validator } from '#src/handlers/validator.ts';
import { projectors } from '#src/projectors/all.ts';
import type { Projector, Queries } from '#src/projectors/projector.ts';
import type { LogStore } from '#src/runtime/log-store.ts';
import { type MemoryDisk, memoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { openProjection } from '#src/runtime/projection.ts';
import { runProjections } from '#src/runtime/projection-pump.ts';
import type { Witnessed } from '#src/sequencer/witness.ts';
import { devSigner } from './dev-keys.ts';
import { FIRST_MODE } from './honest-log.ts';
import type { logStarted } from './log-start.ts';
import type { SimulatedChain } from './simulated-chain.ts';
import { simulatedCheckpoints } from './simulated-checkpoints.ts';
import { simulatedHistory } from './simulated-history.ts';
import { get, post, type SimulatedNetwork } from './simulated-network.ts';
import { simulatedWitnessState } from './simulated-witness-state.ts';

export const RULES: Rules = {
  version: 'swm/1',
  quorum: { num: 2, den: 3 },
  minerQuorum: { num: 1, den: 2 },
  minColdkeys: 3,
  margin: 50_000_000,
  familyShare: 1_000_000_000,
  minVectorLength: 1,
  certificateQuorum: { num: 2, den: 3 },
  requireCommitment: false,
};

/** Called at each boundary of an effect; a promise that never settles is a process that was killed there. */
export type Boundary = (node: string, point: string) => Promise<void>;

/** A validator whose process can die: its disk outlives it, everything else is built anew. */
export type SimulatedNode = {
  readonly name: string;
  readonly signer: Signer;
  readonly disk: MemoryDisk;
  /** How many events its checkpoints cover; null for all that are stored. */
  covered: number | null;
  /** What its steps remarked on, since its start. */
  readonly notes: Readonly<{ step: Step; note: string }>[];
  /** What it has signed, by slot; on a disk of its own, like the log. */
  readonly signed: Map<string, string>;
  /** What it cosigned of others' logs, by their names; on that disk, too. */
  readonly witnessed: Map<string, Witnessed>;
  /** Forks that its witness came upon. */
  readonly forks: ReturnType<typeof createForkQueue>;
  /** Its projection of evidence, and the checkpoints of its log. */
  evidence: Queries;
  checkpoints: Checkpoints;
  /** The chain as this node's endpoint shows it. */
  readonly view: Chain;
  mode: WeightMode;
  validator: Validator;
  restart: () => Promise<void>;
  stop: () => Promise<void>;
  events: () => Promise<readonly Recorded[]>;
};

export type NodeOptions = Readonly<{
  /** A simulated chain, or anything else that shows a node a chain. */
  chain: Pick<SimulatedChain, 'viewOf'>;
  network: SimulatedNetwork;
  boundary?: Boundary;
  rules?: Rules;
  mode?: WeightMode;
  weightInterval?: number;
  anchorInterval?: number;
  commitScores?: boolean;
  /** Whose rosters are believed; nobody's by default. */
  ownerHotkey?: string | null;
  /** RFC 3339; it stands still by default. */
  now?: () => string;
  /** The event that its log begins with, before the one that says the mode; neither by default. */
  first?: typeof logStarted;
}>;

/** Starts a node on a fresh disk. */
export async function startNode(
  name: string,
  {
    chain,
    network,
    boundary = () => Promise.resolve(),
    rules = RULES,
    mode = 'decentralized',
    weightInterval = 180,
    anchorInterval = 1_200,
    commitScores = true,
    ownerHotkey = null,
    now = () => '2026-01-01T00:00:00.000Z',
    first,
  }: NodeOptions,
): Promise<SimulatedNode> {
  await cryptoReady();
  const signer = devSigner(name);
  const view = chain.viewOf(name);
  const { netuid, genesis } = view;
  const source = logSource({ genesis, netuid, hotkey: signer.hotkey, generation: 0 });
  const disk = memoryDisk();
  const secret = Buffer.from(sha256(`sealing secret of ${name}`), 'hex');
  if (first !== undefined) {
    const log = await openLog(memoryStore({ name: 'validator', source }, disk));
    const began = { type: 'mode.changed.v1', data: { ...FIRST_MODE, to: mode } } as const;
    const drafts = [first(signer, source, view), began].map((event) => ({
      event,
      time: now(),
      causationId: null,
    }));
    await log.append(drafts);
  }
  const signed = new Map<string, string>();
  let stop = new AbortController();
  let release: () => Promise<void> = () => Promise.resolve();

  const node: SimulatedNode = {
    name,
    signer,
    disk,
    covered: null,
    notes: [],
    signed,
    witnessed: new Map(),
    forks: createForkQueue(),
    evidence: undefined as unknown as Queries, // safe: as below
    checkpoints: undefined as unknown as Checkpoints, // safe: as below
    view,
    mode,
    validator: undefined as unknown as Validator, // safe: `restart` sets it before the node is given out
    stop: async () => {
      stop.abort(new Error('stopped'));
      await release();
      release = () => Promise.resolve();
    },
    restart: async () => {
      await node.stop();
      stop = new AbortController();
      const at = mortality(stop.signal, (point) => boundary(name, point));
      const store = memoryStore({ name: 'validator', source }, disk);
      const log = await openLog(mortal(store, at), { signal: stop.signal, secret });
      const projections = await Promise.all(
        Object.values(projectors).map((projector) =>
          openProjection(projector, { dir: ':memory:', source }),
        ),
      );
      const queriesOf = (wanted: Projector): Queries => {
        const index = Object.values(projectors).findIndex(({ name }) => name === wanted.name);
        const projection = projections[index];
        if (projection === undefined) throw new Error(`no projection ${wanted.name}`);
        return projection.queries;
      };
      const pump = runProjections(log, projections, { signal: stop.signal, follow: true });
      await pump.reached((await log.head()).size);
      release = async () => {
        await pump.ended;
        for (const projection of projections) await projection[Symbol.asyncDispose]();
      };
      node.evidence = queriesOf(projectors.evidence);
      node.checkpoints = simulatedCheckpoints(disk, {
        source,
        signer,
        limit: () => node.covered,
      });
      node.validator = createValidator({
        identity: {
          family: 'general_chat',
          rules,
          genesis,
          netuid,
          mode: node.mode,
          minStake: 0n,
          ownerUrl: 'http://owner.test',
          ownerHotkey,
          commitScores,
          weightInterval,
          anchorInterval,
          generation: 0,
        },
        signer,
        verify: verifySr25519,
        log,
        payloads: (from, limit) => store.fetch(from, limit),
        excuses: () => Promise.resolve(NOTHING_EXCUSED),
        projections: {
          runState: queriesOf(projectors.runState),
          scoreStore: queriesOf(projectors.scoreStore),
          reports: queriesOf(projectors.reports),
          decisions: queriesOf(projectors.decisions),
          divergence: queriesOf(projectors.divergence),
          extrinsics: queriesOf(projectors.extrinsics),
          evidence: queriesOf(projectors.evidence),
        },
        reached: pump.reached,
        chain: mortalChain(view, at),
        fetch: async (url) => {
          await at(`before GET ${url}`);
          const answer = await get(new URL(url), name, network);
          await at(`after GET ${url}`);
          return answer;
        },
        post: async (url, file) => {
          await at(`before POST ${url}`);
          const answer = await post(new URL(url), file, name, network);
          await at(`after POST ${url}`);
          return answer;
        },
        blake2b256,
        witnessState: simulatedWitnessState(node.witnessed),
        forks: node.forks.take,
        checkpoints: node.checkpoints,
        keys: runKeys(secret, source),
        history: mortalHistory(simulatedHistory(signed), at),
        now,
        signal: stop.signal,
        onStep: (_run, step, note) => {
          if (note !== null) node.notes.push({ step, note });
        },
      });
      await node.validator.round();
    },
    events: async () => {
      const log = await openLog(memoryStore({ name: 'validator', source }, disk), { secret });
      const events: Recorded[] = [];
      for await (const batch of log.read({ after: EMPTY, follow: false }))
        events.push(...batch.events);
      return events;
    },
  };
  network.nodes.set(`${name}.test`, node);
  await node.restart();
  return node;
}

/** A process that was replaced comes no further than its next boundary, and is not killed again. */
function mortality(signal: AbortSignal, boundary: (point: string) => Promise<void>) {
  return async (point: string): Promise<void> => {
    if (!signal.aborted) await boundary(point);
    if (signal.aborted) await new Promise<never>(() => undefined);
  };
}

function mortal(store: LogStore, at: (point: string) => Promise<void>): LogStore {
  return {
    ...store,
    publish: async (messages, expectedSize) => {
      await at(`before append of ${messages.length} at ${expectedSize}`);
      const result = await store.publish(messages, expectedSize);
      await at(`after append of ${messages.length} at ${expectedSize}`);
      return result;
    },
  };
}

function mortalHistory(
  { reserve }: SigningHistory,
  at: (point: string) => Promise<void>,
): SigningHistory {
  return {
    reserve: async (slot, digest) => {
      await at(`before reserving the ${slot.kind}`);
      const reserved = await reserve(slot, digest);
      await at(`after reserving the ${slot.kind}`);
      return reserved;
    },
  };
}

function mortalChain(chain: Chain, at: (point: string) => Promise<void>): Chain {
  /** Killed before the chain hears of it, or after it did and before anybody here knows. */
  const mortalCall =
    <Args extends readonly unknown[], T>(what: string, call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      await at(`before ${what}`);
      const answer = await call(...args);
      await at(`after ${what}`);
      return answer;
    };
  return {
    ...chain,
    metagraph: mortalCall('metagraph', chain.metagraph),
    commitments: mortalCall('commitments', chain.commitments),
    latestCommitments: mortalCall('latestCommitments', chain.latestCommitments),
    commitmentExtrinsics: mortalCall('commitmentExtrinsics', chain.commitmentExtrinsics),
    commitmentProof: mortalCall('commitmentProof', chain.commitmentProof),
    sign: mortalCall('sign', chain.sign),
    send: mortalCall('send', chain.send),
    trace: mortalCall('trace', chain.trace),
    weightsOf: mortalCall('weightsOf', chain.weightsOf),
  };
}
