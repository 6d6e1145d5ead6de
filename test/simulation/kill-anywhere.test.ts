import { expect, test } from 'vitest';
import type { Recorded } from '#src/events/envelope.ts';
import type { WeightMode } from '#src/events/weights.ts';
import { prng } from '../support/prng.ts';
import { ownerAnswer, ownerServes } from '../support/simulated-owner.ts';
import {
  decisionOf,
  everybody,
  type Play,
  playRun,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';
import type { SimulatedNode } from '../support/simulated-subnet.ts';

/** Enough for more than 200 kills in each mode. */
const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);

/** It takes some ten seconds; the rest is for two cores that do other things as well. */
const TIMEOUT_MS = 120_000;

const MEASURED = {
  ...everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 }),
  v2: { 'miner a': 0.71, 'miner b': 0.62, 'miner c': 0.1 },
};

test.for(['decentralized', 'shadow'] as const)(
  'in mode %s validators that are killed anywhere and restarted write the same logs',
  { timeout: TIMEOUT_MS },
  async (mode) => {
    const undisturbed = await play(mode);
    const kills: Kill[] = [];
    for (const seed of SEEDS) {
      const grave = graveyard(`${mode} ${seed}`);
      const disturbed = await play(mode, grave);
      const told = `seed ${seed}, killed at ${JSON.stringify(grave.kills)}`;
      for (const [name, log] of disturbed.logs) {
        expect(new Set(log.map(({ id }) => id)).size, told).toBe(log.length);
        expect(log, `${name}, ${told}`).toEqual(undisturbed.logs.get(name));
      }
      expect(disturbed.decisions, told).toEqual(undisturbed.decisions);
      expect(disturbed.weights, told).toEqual(undisturbed.weights);
      expect(disturbed.effects, told).toEqual(undisturbed.effects);
      kills.push(...grave.kills);
    }
    expect(new Set(undisturbed.decisions).size).toBe(1);
    expect(undisturbed.weights).toHaveLength(4);
    // One commitment and one vector of each validator, whoever died where.
    expect(new Set(undisturbed.effects).size).toBe(8);
    expect(undisturbed.effects).toHaveLength(8);

    // The kills are what the title says only if they come before and after every kind of effect.
    expect(kills.length).toBeGreaterThanOrEqual(200);
    expect(kinds(kills)).toEqual([
      'after GET',
      'after append',
      'after commitmentProof',
      'after commitments',
      'after metagraph',
      'after reserving',
      'after send',
      'after sign',
      'after trace',
      'after weightsOf',
      'before GET',
      'before append',
      'before commitmentProof',
      'before commitments',
      'before metagraph',
      'before reserving',
      'before send',
      'before sign',
      'before trace',
      'before weightsOf',
    ]);
    expect(kills.filter(({ restarting }) => restarting).length).toBeGreaterThan(0);
    expect(new Set(kills.map(({ node }) => node)).size).toBe(4);
  },
);

type Kill = Readonly<{ node: string; point: string; life: number; restarting: boolean }>;
type Graveyard = ReturnType<typeof graveyard>;

/**
 * Decides who dies where. A life ends at a boundary by a draw from seed, node, life, block and point,
 * so the kills of a seed are the same however the event loop orders what is concurrent.
 */
function graveyard(seed: string) {
  const random = prng(seed);
  const rate = [0.01, 0.02, 0.04, 0.08][Math.floor(random() * 4)] ?? 0.08;
  const victims = new Set(['v1', 'v2', 'v3', 'v4'].filter(() => random() < 0.6));
  const kills: Kill[] = [];
  const lives = new Map<string, number>();
  const dying = new Map<string, () => void>();
  const restarting = new Set<string>();
  const lifeOf = (node: string): number => lives.get(node) ?? 0;
  /** Lets a node do something until it is done (true) or dies of it (false). */
  const lived = async (node: string, what: () => Promise<unknown>): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<false>();
    dying.set(node, () => resolve(false));
    return Promise.race([what().then(() => true), promise]);
  };
  return {
    kills,
    boundaryAt:
      (blockOf: () => number) =>
      async (node: string, point: string): Promise<void> => {
        const die = dying.get(node);
        const life = lifeOf(node);
        const draw = prng(`${seed}/${node}/${life}/${blockOf()}/${point}`)();
        // Nine of ten boundaries are questions to peers: the few others die more often.
        const odds = point.includes(' GET ') ? rate : 4 * rate;
        if (die === undefined || !victims.has(node) || draw >= odds) return;
        dying.delete(node);
        kills.push({ node, point, life, restarting: restarting.has(node) });
        die();
        await new Promise<never>(() => undefined);
      },
    /** Does the act, and after each death restarts the node and does it again. */
    act: async (node: SimulatedNode, what: () => Promise<unknown>): Promise<void> => {
      while (!(await lived(node.name, what))) {
        do {
          restarting.add(node.name);
          lives.set(node.name, lifeOf(node.name) + 1);
        } while (!(await lived(node.name, node.restart)));
        restarting.delete(node.name);
      }
      dying.delete(node.name);
    },
  };
}

/** One run; what it leaves behind. */
async function play(mode: WeightMode, grave?: Graveyard) {
  let subnet: Subnet | null = null;
  const boundary = grave?.boundaryAt(() => subnet?.chain.state.block ?? 0);
  subnet = await startSubnet({ mode, ...(boundary && { boundary }) });
  const play: Play = grave ?? {};
  ownerServes(subnet.network, (run) => ownerAnswer(run, 'miner b'));
  await playRun(subnet, 1, MEASURED, play);
  const { nodes, chain } = subnet;
  const logs = new Map<string, readonly Stripped[]>();
  // Reading a log verifies it: canonical form, hash chain, ids.
  for (const node of nodes) logs.set(node.name, (await node.events()).map(stripped));
  const decisions = await Promise.all(
    nodes.map(async (node) => JSON.stringify(await decisionOf(node, 1))),
  );
  const weights = [...chain.state.weights].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const effects = chain.state.extrinsics.included.map(
    ({ hotkey, call }) => `${hotkey} ${call.kind}`,
  );
  await stopSubnet(subnet);
  return { logs, decisions, weights, effects: effects.toSorted() };
}

type Stripped = Readonly<{ id: string; data: string }>;

/**
 * What may differ: signatures, which are randomised, with them the roots over them, the extrinsics that hold
 * such a root and the proofs that the chain stored it, and which of the peers that relay a report gave it first.
 */
function stripped({ id, event }: Recorded): Stripped {
  const data = JSON.stringify(event.data, (key, value: unknown) =>
    DIFFERING.has(key) ? null : value,
  );
  return { id: event.type === 'checkpoint.observed.v1' ? id.slice(0, -ROOT_DIGITS) : id, data };
}

const DIFFERING: ReadonlySet<string> = new Set([
  'signature',
  'root',
  'note',
  'bytes',
  'hash',
  'proof',
  'servedBy',
]);
const ROOT_DIGITS = 64;

function kinds(kills: readonly Kill[]): readonly string[] {
  return [...new Set(kills.map(({ point }) => point.split(' ').slice(0, 2).join(' ')))].toSorted();
}
