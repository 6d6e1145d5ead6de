import type { DomainEvent } from '#src/events/catalogue.ts';
import { runOf } from '#src/events/define-event.ts';
import { sha256 } from '#src/events/hash.ts';
import { devSigner } from './dev-keys.ts';
import { neuronsFor, simulatedChain } from './simulated-chain.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import { type NodeOptions, type SimulatedNode, startNode } from './simulated-subnet.ts';

export const FAMILY = 'general_chat';
export const TASKS = ['task-1', 'task-2', 'task-3', 'task-4'];
export const MINERS = ['miner a', 'miner b', 'miner c'];
export const STAKES = { v1: 400n, v2: 350n, v3: 300n, v4: 150n };

/** The vectors that pay miner a alone, and miner b alone. */
export const PAYS_A = [{ uid: 5, weight: 65_535 }];
export const PAYS_B = [{ uid: 6, weight: 65_535 }];

export const minerKey = (name: string): string => devSigner(name).hotkey;

/** The descriptor of `run-<sequence>`, twenty blocks after the one before it. */
export function runInput(sequence: number) {
  const start = sequence * 20;
  return {
    family: FAMILY,
    run: `run-${sequence}`,
    roster: sha256(`roster ${sequence}`),
    miners: MINERS.map(minerKey).toSorted(),
    tasks: TASKS,
    phases: { snapshot: start, commit: start + 4, decide: start + 8, certify: start + 12 },
  };
}

/** One line of task results, in the submission format: a figure for each miner. */
export function resultLine(
  run: string,
  task: string,
  scores: Readonly<Record<string, number>>,
): string {
  return JSON.stringify({
    run_id: run,
    family_id: FAMILY,
    task_id: task,
    miner_results: Object.entries(scores).map(([miner, score]) => ({
      miner_hotkey: minerKey(miner),
      verdict: 'matches',
      final_task_score: score,
      agreement_score: 1,
      judge_output: {},
      miner_response: { status: 'completed' },
    })),
  });
}

/** Every task with the same figures. */
export function resultLines(run: string, scores: Readonly<Record<string, number>>) {
  return TASKS.map((task, index) => ({ number: index + 1, text: resultLine(run, task, scores) }));
}

export type Subnet = Readonly<Awaited<ReturnType<typeof startSubnet>>>;

/** Four validators with the stakes above, and their miners. */
export async function startSubnet(options: Omit<NodeOptions, 'chain' | 'network'> = {}) {
  const chain = simulatedChain(neuronsFor(STAKES, MINERS));
  const network: SimulatedNetwork = {
    nodes: new Map(),
    down: new Set(),
    tamper: () => Promise.resolve(null),
  };
  const nodes: SimulatedNode[] = [];
  for (const name of Object.keys(STAKES))
    nodes.push(await startNode(name, { ...options, chain, network }));
  return { chain, network, nodes };
}

export async function stopSubnet({ nodes }: Subnet): Promise<void> {
  for (const node of nodes) await node.stop();
}

/** What each validator measured in a run; absent nodes take no part. */
export type Measured = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The same figures on every validator. */
export function everybody(scores: Readonly<Record<string, number>>): Measured {
  return Object.fromEntries(Object.keys(STAKES).map((name) => [name, scores]));
}

export type Play = Readonly<{
  /** Does one thing on one node; it may do it again after a restart. */
  act?: (node: SimulatedNode, what: () => Promise<unknown>) => Promise<void>;
  /** Called when the chain has come to a block, before the nodes look. */
  onBlock?: (block: number) => void | Promise<void>;
}>;

/** Blocks from the certify block until weights that were signed there are final and looked at. */
export const SETTLING = 3;

/** Plays one run: opened, scored and closed on every node, then block by block until its weights are observed. */
export async function playRun(
  subnet: Subnet,
  sequence: number,
  measured: Measured,
  play: Play = {},
): Promise<void> {
  const { phases } = runInput(sequence);
  await measureRun(subnet, sequence, measured, play);
  await playBlocks(subnet, phases.snapshot, phases.certify + SETTLING, play);
}

/** The run is opened, scored and closed on every node that measured something. */
export async function measureRun(
  { chain, nodes }: Subnet,
  sequence: number,
  measured: Measured,
  { act = actOnce }: Play = {},
): Promise<void> {
  const input = runInput(sequence);
  chain.state.block = Math.max(chain.state.block, input.phases.snapshot - 1);
  for (const node of nodes) {
    const scores = measured[node.name];
    if (scores === undefined) continue;
    await act(node, () => node.validator.openRun(input));
    await act(node, () => node.validator.importScores(resultLines(input.run, scores)));
    await act(node, () => node.validator.closeRun(FAMILY, input.run));
  }
}

/** Block by block, one round on each node that is up, in the order of the nodes. */
export async function playBlocks(
  { chain, network, nodes }: Subnet,
  first: number,
  last: number,
  { act = actOnce, onBlock = () => undefined }: Play = {},
): Promise<void> {
  for (let block = first; block <= last; block++) {
    chain.state.block = block;
    await onBlock(block);
    for (const node of nodes) {
      if (!network.down.has(hostOf(node))) await act(node, () => node.validator.round());
    }
  }
}

const actOnce: NonNullable<Play['act']> = async (_node, what) => void (await what());

/** From now on the node neither acts nor answers. */
export function takeDown({ network }: Subnet, node: SimulatedNode): void {
  network.down.add(hostOf(node));
}

/** The node starts anew from its disk. */
export async function bringUp({ network }: Subnet, node: SimulatedNode): Promise<void> {
  network.down.delete(hostOf(node));
  await node.restart();
}

/** Where a node answers. */
export function hostOf({ name }: Pick<SimulatedNode, 'name'>): string {
  return `${name}.test`;
}

/** The chain pays this miner from now on; null for nobody. */
export function crown({ chain }: Subnet, name: string | null): void {
  const hotkey = name === null ? null : minerKey(name);
  chain.state.neurons = chain.state.neurons.map((neuron) => ({
    ...neuron,
    incentive: neuron.hotkey === hotkey ? 65_535 : 0,
  }));
}

/** The node of that name; throws when there is none. */
export function nodeOf({ nodes }: Pick<Subnet, 'nodes'>, name: string): SimulatedNode {
  const node = nodes.find((each) => each.name === name);
  if (node === undefined) throw new Error(`no node ${name}`);
  return node;
}

type DataOf<Type extends DomainEvent['type']> = Extract<DomainEvent, { type: Type }>['data'];

/** The data of a run's events of one type in a node's log, in their order. */
export async function recordedOf<Type extends DomainEvent['type']>(
  node: SimulatedNode,
  type: Type,
  sequence: number,
): Promise<readonly DataOf<Type>[]> {
  const events = await node.events();
  return events.flatMap(({ event }) =>
    event.type === type && runOf(event.data)?.run === `run-${sequence}`
      ? [event.data as DataOf<Type>] // safe: the data of an event of this type
      : [],
  );
}

/** The bytes of a node's decision of a run; throws when it has none. */
export async function decisionOf(node: SimulatedNode, sequence: number) {
  const found = await node.validator.publisher.decision(FAMILY, `run-${sequence}`);
  if (!found?.decision || !found.inputs)
    throw new Error(`${node.name} has no decision of run-${sequence}`);
  return { decision: found.decision, inputs: found.inputs };
}
