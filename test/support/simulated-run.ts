import { verifySr25519 } from '#src/chain/hotkey.ts';
import { sha256 } from '#src/events/hash.ts';
import { devSigner } from './dev-keys.ts';
import { type SimulatedChain, simulatedChain } from './simulated-chain.ts';
import {
  type Boundary,
  neuronsFor,
  type SimulatedNetwork,
  type SimulatedNode,
  startNode,
} from './simulated-subnet.ts';

export const FAMILY = 'general_chat';
export const TASKS = ['task-1', 'task-2', 'task-3', 'task-4'];
export const MINERS = ['miner a', 'miner b', 'miner c'];
export const STAKES = { v1: 400n, v2: 350n, v3: 300n, v4: 150n };

export const minerKey = (name: string): string => devSigner(name).hotkey;

/** The descriptor of `run-<sequence>`, ten blocks after the one before it. */
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

export type Subnet = Readonly<{
  chain: SimulatedChain;
  network: SimulatedNetwork;
  nodes: readonly SimulatedNode[];
}>;

/** Four validators with the stakes above, and their miners. */
export async function startSubnet(
  boundary: Boundary = () => Promise.resolve(),
  stakes: Readonly<Record<string, bigint>> = STAKES,
): Promise<Subnet> {
  const chain = simulatedChain(neuronsFor(stakes, MINERS));
  const network: SimulatedNetwork = { nodes: new Map(), tamper: () => Promise.resolve(null) };
  const nodes: SimulatedNode[] = [];
  for (const name of Object.keys(stakes))
    nodes.push(await startNode(name, { chain, network, boundary }));
  return { chain, network, nodes };
}

export async function stopSubnet({ nodes }: Subnet): Promise<void> {
  for (const node of nodes) await node.stop();
}

/** What each validator measured in a run; absent nodes take no part. */
export type Measured = Readonly<Record<string, Readonly<Record<string, number>>>>;

/**
 * Plays one run: opened, scored and closed on every node, then block by block until its weights are
 * observed. `act` does one thing on one node and may do it again after a restart.
 */
export async function playRun(
  subnet: Subnet,
  sequence: number,
  measured: Measured,
  act: (node: SimulatedNode, what: () => Promise<unknown>) => Promise<void> = async (_node, what) =>
    void (await what()),
  onBlock: (block: number) => void = () => undefined,
): Promise<void> {
  const input = runInput(sequence);
  const taking = subnet.nodes.filter(({ name }) => name in measured);
  subnet.chain.state.block = Math.max(subnet.chain.state.block, input.phases.snapshot - 1);
  for (const node of taking) {
    await act(node, () => node.validator.openRun(input));
    await act(node, () =>
      node.validator.importScores(resultLines(input.run, measured[node.name] ?? {})),
    );
    await act(node, () => node.validator.closeRun(FAMILY, input.run));
  }
  for (let block = input.phases.snapshot; block <= input.phases.certify + 1; block++) {
    subnet.chain.state.block = block;
    onBlock(block);
    for (const node of taking) await act(node, () => node.validator.round());
  }
}

/** The bytes of a node's decision of a run; throws when it has none. */
export async function decisionOf(node: SimulatedNode, sequence: number) {
  const found = await node.validator.publisher.decision(FAMILY, `run-${sequence}`);
  if (!found?.decision || !found.inputs)
    throw new Error(`${node.name} has no decision of run-${sequence}`);
  return { decision: found.decision, inputs: found.inputs };
}

export const verify = verifySr25519;
