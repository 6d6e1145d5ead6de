import { setImmediate as turn } from 'node:timers/promises';
import type { Chain } from '#src/chain/chain.ts';
import type { Subtensor } from '#src/chain/subtensor.ts';
import { type Devchain, startDevchain } from '#src/devchain/devchain.ts';
import { Genesis } from '#src/devchain/genesis.ts';
import { sha256 } from '#src/events/hash.ts';
import { hotkey, TAO } from './dev-subnet.ts';
import { openChain } from './live-subtensor.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import { FAMILY, MINERS, resultLines, TASKS } from './simulated-run.ts';
import { RULES, type SimulatedNode, startNode } from './simulated-subnet.ts';

/** The validator's name, and its uid. */
export const SELF = 'v1';
export const SELF_UID = 1;

/** What the winner of every run here is paid. */
export const PAYS_WINNER = [{ uid: 2, weight: 65_535 }];

/** Blocks of the phases: an extrinsic may die and be made again before the commit block. */
const PHASES = { snapshot: 5, commit: 105, decide: 107, certify: 111 };

/** Blocks that are never final. */
export const FINALITY_LAG = 2;

/** Blocks that are there when a test begins, so that a birth is not the genesis. */
const FIRST_BLOCKS = 5;

type Hyperparameters = Partial<Genesis['hyperparameters']>;

export type LiveOptions = Readonly<{
  hyperparameters?: Hyperparameters;
  weightInterval?: number;
}>;

/**
 * One whole validator with a log in memory, the real adapter, and a development chain behind a WebSocket.
 * Blocks come on demand; two of them are never final. The validator holds all of the stake, so that its
 * own decision is certified.
 */
export async function liveValidator({ hyperparameters, weightInterval = 2_000 }: LiveOptions = {}) {
  await using opened = new AsyncDisposableStack();
  const devchain = opened.use(
    await startDevchain(genesisOf(hyperparameters), {
      blockMs: null,
      finalityLag: FINALITY_LAG,
      keepStates: 10_000,
    }),
  );
  await devchain.produceBlock(FIRST_BLOCKS);
  let adapter = openChain(devchain, SELF);
  opened.defer(() => adapter[Symbol.asyncDispose]());
  const network: SimulatedNetwork = {
    nodes: new Map(),
    down: new Set(),
    tamper: () => Promise.resolve(null),
  };
  const node = await startNode(SELF, {
    chain: { viewOf: () => viewOf(() => adapter) },
    network,
    rules: { ...RULES, minColdkeys: 1 },
    weightInterval,
  });
  opened.defer(node.stop);
  const places = new Map<string, Set<string>>();
  const kept = opened.move();

  const live = {
    devchain,
    node,
    /** Hashes of the blocks that ever held an extrinsic, by the extrinsic's hash. */
    places,
    /** One round of the loop, once the adapter knows the newest finalised block. */
    round: async (): Promise<void> => {
      await notePlaces(node, devchain, places);
      await caughtUp(adapter, devchain);
      await node.validator.round();
    },
    /** Blocks with a round after each. */
    play: async (count = 1): Promise<void> => {
      for (let time = 0; time < count; time += 1) {
        await devchain.produceBlock();
        await live.round();
      }
    },
    /** Block by block until this one is final. */
    playTo: async (finalized: number): Promise<void> => {
      while (devchain.heads().finalized.number < finalized) await live.play();
    },
    /** Many blocks become final before the next round. */
    leapTo: async (finalized: number): Promise<void> => {
      await devchain.produceBlock(finalized - devchain.heads().finalized.number);
      await live.round();
    },
    /** Another process on the same log, with another connection. */
    restart: async (): Promise<void> => {
      await node.stop();
      await adapter[Symbol.asyncDispose]();
      adapter = openChain(devchain, SELF);
      await node.restart();
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
  return live;
}

export type LiveValidator = Awaited<ReturnType<typeof liveValidator>>;

/** Opens run 1, scores it and closes it; gives the blocks of its phases. */
export async function openRun({ node, devchain }: LiveValidator) {
  const now = devchain.heads().finalized.number;
  const phases = {
    snapshot: now + PHASES.snapshot,
    commit: now + PHASES.commit,
    decide: now + PHASES.decide,
    certify: now + PHASES.certify,
  };
  const run = 'run-1';
  const miners = MINERS.map(hotkey).toSorted();
  const roster = sha256('live roster');
  await node.validator.openRun({ family: FAMILY, run, roster, miners, tasks: TASKS, phases });
  const scores = { 'miner a': 0.7, 'miner b': 0.4, 'miner c': 0.3 };
  await node.validator.importScores(resultLines(run, scores));
  await node.validator.closeRun(FAMILY, run);
  return phases;
}

/** The owner, the validator with all of the stake, and the miners. No rate limit hides weights that are set twice. */
function genesisOf(hyperparameters: Hyperparameters = {}): Genesis {
  return Genesis.parse({
    beacon: { seed: 'be'.repeat(32) },
    hyperparameters: {
      tempo: 65_535,
      minAllowedWeights: 1,
      weightsSetRateLimit: 0,
      commitRevealEnabled: false,
      ...hyperparameters,
    },
    neurons: ['owner', SELF, ...MINERS].map((name) => ({
      hotkey: hotkey(name),
      coldkey: hotkey(`cold ${name}`),
      alphaStake: (name === SELF ? 35_000n * TAO : 0n).toString(),
      permit: name === SELF,
    })),
  });
}

/** The chain as whichever adapter there is at the moment tells it. */
function viewOf(adapter: () => Subtensor): Chain {
  const { netuid, genesis } = adapter();
  return {
    netuid,
    genesis,
    finalizedBlock: () => adapter().finalizedBlock(),
    metagraph: (block) => adapter().metagraph(block),
    commitments: (hotkeys, range) => adapter().commitments(hotkeys, range),
    latestCommitments: (hotkeys) => adapter().latestCommitments(hotkeys),
    commitmentExtrinsics: (hotkey, blocks) => adapter().commitmentExtrinsics(hotkey, blocks),
    commitmentProof: (hotkey, block) => adapter().commitmentProof(hotkey, block),
    sign: (call) => adapter().sign(call),
    send: (extrinsic) => adapter().send(extrinsic),
    trace: (extrinsic) => adapter().trace(extrinsic),
    weightsOf: (hotkey) => adapter().weightsOf(hotkey),
  };
}

/** A reconnection takes some hundredths of a second here. */
const DEADLINE_MS = 30_000;

/** Waits until the adapter is connected and has been told of the newest finalised block. */
async function caughtUp(adapter: Subtensor, devchain: Devchain): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const head = await adapter.finalizedBlock();
    const { status, detail } = adapter.connection();
    const { number } = devchain.heads().finalized;
    if (status === 'connected' && head.known && head.value === number) return;
    if (performance.now() > deadline)
      throw new Error(`block ${number} is not seen: ${status}, ${detail}`);
    await turn();
  }
}

async function notePlaces(
  node: SimulatedNode,
  { findExtrinsic }: Devchain,
  places: Map<string, Set<string>>,
): Promise<void> {
  for (const { event } of await node.events()) {
    if (event.type !== 'extrinsic.signed.v1') continue;
    const { hash } = event.data;
    const found = findExtrinsic(hash);
    if (found !== null) places.set(hash, (places.get(hash) ?? new Set()).add(found.blockHash));
  }
}
